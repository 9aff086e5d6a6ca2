import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { runOn } from '../support/postgres.ts'
import { DATABASES, type Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

const DAY = 86_400_000

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { held: true, started: false, alone: false, leaseMs: 3000 })

  /** Changes the database behind everybody's back. */
  async function execute(statement: string): Promise<void> {
    if (on.place.url !== undefined) return void (await runOn(on.place.url, `set search_path = jobyard; ${statement}`))
    using file = new DatabaseSync(join(on.place.folder, 'jobyard.db'), { timeout: 5000 })
    file.exec(statement)
  }

  async function attemptsOf(stack: Stack, runId: string) {
    const tasks = await stack.store.read('listTasks', { runId, limit: 10 })
    return tasks.map(({ target, attempt, state, reasonCode }) => [target, attempt, state, reasonCode])
  }

  test('an instance that signs off loses in the same breath what it still owns', async () => {
    const first = await on.start()
    const id = await first.run(await first.job('fragile'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const at = first.parts.clock.now()
    const left = await first.store.write('leaveInstance', { id: first.engine.identity.id, at, forgetMs: DAY })
    expect(left.settled).toMatchObject([{ id, state: 'failed', reasonCode: 'lost', owner: null }])
  })

  test('what is owned by an instance that was declared gone long ago, or is not even on record, is recovered', async () => {
    const first = await on.start()
    const ids = [await first.run(await first.job('one')), await first.run(await first.job('two'))]
    await eventually('both are worked on', () => on.kind.begun.length === 2)
    await execute(`update run set owner = 'forgotten' where id = '${ids[0]}'`)
    await execute(`insert into instance (id, name, host, pid, version, state, started_at, seen_at, expires_at)
      values ('departed', 'there', 'host', 1, '0', 'gone', 0, 0, 0)`)
    await execute(`update run set owner = 'departed' where id = '${ids[1]}'`)
    const recovery = await first.store.write('recoverInstances', { at: first.parts.clock.now() })
    expect(recovery).toMatchObject({ gone: [], more: false })
    expect(recovery.settled.map(({ id, state }) => [id, state])).toEqual(
      expect.arrayContaining(ids.map((id) => [id, 'failed'])),
    )
  })

  test('the run of a place that ends with its instance leaves no task unfinished', async () => {
    const first = await on.start()
    const triggers = [{ type: 'continuous' as const, singleton: true }]
    const spec = { targets: ['x', 'y'] }
    const jobId = await first.job('forever', { type: 'continuous', spec, policy: { parallel: 1 }, triggers })
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const [run] = await first.store.read('liveRuns', { jobId })
    const id = run?.id ?? ''
    await eventually('the second waits', async () => (await attemptsOf(first, id)).length === 2)
    await first.store.write('recoverInstances', {
      at: first.parts.clock.now(),
      named: [first.engine.identity.id],
    })
    expect(await first.store.read('getRun', { id })).toMatchObject({
      state: 'stopped',
      counts: { pending: 0, running: 0 },
    })
    expect((await attemptsOf(first, id)).map(([target, , state]) => [target, state])).toEqual([
      ['x', 'failed'],
      ['y', 'stopped'],
    ])
  })

  test('of two wishes that a run may end, the first one says why', async () => {
    const first = await on.start()
    on.kind.work = (_task, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          void eventually('both wishes are on record', () => wishes === 2).then(() =>
            resolve({ state: 'stopped', reason: signal.reason.reason }),
          )
        })
      })
    let wishes = 0
    const id = await first.run(await first.job('unwanted'))
    await eventually('it is worked on', () => on.kind.begun.length === 1)
    for (const code of ['user', 'deleted']) {
      await first.engine.want([id], 'stop', { code, text: `By ${code}.` })
      wishes++
    }
    expect(await first.reach(id, 'stopped')).toMatchObject({ reasonCode: 'user', reasonText: 'By user.' })
  })

  test('a parked attempt whose deadline passes is tried again as the policy says', async () => {
    const first = await on.start()
    on.kind.work = () => ({ state: 'blocked', until: first.parts.clock.now() + 20 })
    const id = await first.run(
      await first.job('deaf', { policy: { retry: { kind: 'fixed', attempts: 3, delayMs: 0 } } }),
    )
    expect(await first.reach(id, 'failed')).toMatchObject({ reasonCode: 'timeout' })
    expect(await attemptsOf(first, id)).toEqual([1, 2, 3].map((attempt) => ['one', attempt, 'failed', 'timeout']))
  })

  test('a parked attempt that failed elsewhere is tried again, unless that would be useless', async () => {
    const first = await on.start()
    on.kind.work = ({ attempt }) =>
      attempt === 2 ? { state: 'completed' } : { state: 'blocked', until: Date.now() + DAY }
    const policy = { retry: { kind: 'fixed', attempts: 3, delayMs: 0 } } as const
    const reason = { code: 'busy', text: 'The device is busy.' }
    const [twice, once] = [
      await first.run(await first.job('twice', { policy })),
      await first.run(await first.job('once', { policy })),
    ]
    for (const id of [twice, once]) await first.reach(id, 'blocked')
    const [again, useless] = on.kind.begun.map(({ id }) => id)
    expect(await first.engine.resolve(again ?? '', { state: 'failed', reason })).toBe(true)
    expect(await first.engine.resolve(useless ?? '', { state: 'failed', reason, retry: false })).toBe(true)
    await first.reach(twice, 'completed')
    await first.reach(once, 'failed')
    expect(await attemptsOf(first, twice)).toEqual([
      ['one', 1, 'failed', 'busy'],
      ['one', 2, 'completed', null],
    ])
    expect(await attemptsOf(first, once)).toEqual([['one', 1, 'failed', 'busy']])
  })

  test('a parked attempt that failed is tried again although the run works on something else', async () => {
    const first = await on.start()
    on.kind.work = (task, context) => {
      if (task.target === 'slow') return on.held.work(task, context)
      return task.attempt === 2 ? { state: 'completed' } : { state: 'blocked', until: Date.now() + DAY }
    }
    const policy = { retry: { kind: 'fixed', attempts: 2, delayMs: 0 } } as const
    const id = await first.run(await first.job('mixed', { spec: { targets: ['away', 'slow'] }, policy }))
    await eventually('one is parked', async () =>
      (await attemptsOf(first, id)).some(([, , state]) => state === 'blocked'),
    )
    await eventually('the other is worked on', () => on.held.targets.length === 1)
    const parked = on.kind.begun.find(({ target }) => target === 'away')
    await first.engine.resolve(parked?.id ?? '', { state: 'failed', reason: { code: 'busy', text: 'Busy.' } })
    on.held.end('slow')
    await first.reach(id, 'completed')
    expect(on.kind.begun.map(({ target, attempt }) => `${target} ${attempt}`).toSorted()).toEqual([
      'away 1',
      'away 2',
      'slow 1',
    ])
  })

  test('a job can be deleted once', async () => {
    const first = await on.start()
    const id = await first.job('brief')
    const actor = { name: 'tester', role: 'admin', address: null } as const
    await first.engine.deleteJob(id, 'brief', actor)
    await expect(first.engine.deleteJob(id, 'brief', actor)).rejects.toMatchObject({ code: 'job-unknown' })
    expect(first.events.filter(({ event }) => event.type === 'job.deleted')).toHaveLength(1)
    const audit = await first.store.read('listAudit', { limit: 10 })
    expect(audit.filter(({ action }) => action === 'job.delete')).toHaveLength(1)
  })
})
