import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { eventually } from '../support/eventually.ts'
import type { Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

/** What only PostgreSQL knows: transactions that change the same rows at the same time. */
describe('several transactions at once on postgres', () => {
  const on = useStacks('postgres', { held: true, started: false, alone: false })
  const clients: pg.Client[] = []

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end()
  })

  /** Another client of the database, who can stop in the middle of a transaction. */
  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: on.place.url })
    await client.connect()
    await client.query('set search_path = jobyard')
    clients.push(client)
    return client
  }

  /** Waits until as many transactions wait for a lock. */
  async function blocked(client: pg.Client, count = 1): Promise<void> {
    const text = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    await eventually(`${count} wait for a lock`, async () => (await client.query(text)).rows[0].n >= count)
  }

  test('recovery looks again at what it has locked: a run that ended meanwhile stays as it ended', async () => {
    const first = await on.start()
    const jobId = await first.job('short')
    const triggers = [{ type: 'after' as const, jobId, on: ['completed', 'failed'] as const }]
    const follower = await first.job('follower', { policy: { overlap: 'allow' }, triggers })
    const id = await first.run(jobId)
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const [client, observer] = [await connect(), await connect()]
    await client.query('begin')
    await client.query(`update task set state = 'completed', owner = null, finished_at = 5 where run_id = $1`, [id])
    await client.query(
      `update run set state = 'completed', owner = null, n_running = 0, n_completed = 1, finished_at = 5 where id = $1`,
      [id],
    )
    const named = [first.engine.identity.id]
    const recovering = first.store.write('recoverInstances', { at: first.parts.clock.now(), named })
    await blocked(observer)
    await client.query('commit')
    expect((await recovering).settled).toEqual([])
    expect(await first.store.read('getRun', { id })).toMatchObject({ state: 'completed', finishedAt: 5 })
    expect(await first.store.read('listRuns', { jobId: follower, limit: 5 })).toEqual([])
  })

  test('a place that is no more when its job can be locked is not filled', async () => {
    const first = await on.start({ instance: 'here' })
    const triggers = [{ type: 'continuous' as const, singleton: true }]
    const jobId = await first.job('forever', { type: 'continuous', enabled: false, triggers })
    const [client, observer] = [await connect(), await connect()]
    await client.query('update job set enabled = 1 where id = $1', [jobId])
    await client.query('begin')
    await client.query('select 1 from job where id = $1 for update', [jobId])
    const owner = first.engine.identity.id
    const filling = first.store.write('fillPlaces', { owner, place: 'here', at: first.parts.clock.now() })
    await blocked(observer)
    await client.query('update job_trigger set singleton = 0 where job_id = $1', [jobId])
    await client.query('commit')
    const { claimed } = await filling
    expect(claimed.runs.map(({ detail }) => detail)).toEqual([{ place: 'here' }])
  })

  test('the lease is renewed while all connections wait, and while a claim holds the instance', async () => {
    const first = await on.start()
    const jobId = await first.job('busy', { policy: { overlap: 'allow' } })
    const [client, observer] = [await connect(), await connect()]
    await client.query('begin')
    await client.query('select 1 from job where id = $1 for update', [jobId])
    await client.query('select 1 from instance where id = $1 for key share', [first.engine.identity.id])
    const requests = Array.from({ length: 8 }, () => {
      const item = { id: first.parts.ids.next(), jobId, why: 'manual' as const, detail: {}, args: [] }
      return first.store.write('createRuns', { items: [item], at: first.parts.clock.now() })
    })
    await blocked(observer, 4)
    const renewal = { id: first.engine.identity.id, at: first.parts.clock.now(), leaseMs: 15_000 }
    expect(await first.store.write('renewInstance', renewal)).toMatchObject({ held: true })
    await client.query('commit')
    await Promise.all(requests)
  })

  test('clocks that differ by more than a lease harm nobody: the database says what time it is', async () => {
    const first = await on.start({ instance: 'slow' })
    const id = await first.run(await first.job('long'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const ahead = { ...systemClock, now: () => systemClock.now() + 60_000 }
    const second = await on.start({ instance: 'fast', clock: ahead })
    const at = ahead.now()
    await second.store.write('renewInstance', { id: second.engine.identity.id, at, leaseMs: 15_000 })
    const recoveries = [
      await second.store.write('recoverInstances', { at }),
      await first.store.write('recoverInstances', { at: systemClock.now() }),
    ]
    expect(recoveries.map(({ gone }) => gone)).toEqual([[], []])
    expect(await first.store.read('getRun', { id })).toMatchObject({ state: 'running' })
    const client = await connect()
    const text = `select name, expires_at - floor(extract(epoch from now()) * 1000) as left_ms from instance`
    for (const { left_ms } of (await client.query(text)).rows) expect(Number(left_ms)).toBeLessThanOrEqual(15_000)
  })

  test('runs of one job that several instances create at once have numbers of their own', async () => {
    const first = await on.start({ instance: 'one' })
    const instances = [first, ...(await Promise.all(['two', 'three'].map((instance) => on.start({ instance }))))]
    const jobId = await first.job('popular', { policy: { overlap: 'allow' } })
    const outcomes = await Promise.all(
      Array.from({ length: 150 }, (_, index) => {
        const stack = instances[index % 3] as Stack
        const item = { id: stack.parts.ids.next(), jobId, why: 'manual' as const, detail: {}, args: [] }
        return stack.store.write('createRuns', { items: [item], at: stack.parts.clock.now() })
      }),
    )
    const numbers = outcomes.flatMap((made) => made.outcomes.map((outcome) => (outcome.ok ? outcome.number : 0)))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
  })

  test('runs of jobs that follow each other and replace their own are no deadlock', { timeout: 60_000 }, async () => {
    const stack = await on.start({ concurrency: 1 })
    // It has the only place, so that all others are stopped as soon as they are replaced.
    await stack.run(await stack.job('in the way'))
    await eventually('the place is taken', () => on.held.targets.length === 1)
    const policy = { overlap: 'replace' } as const
    const after = (jobId: string) => [{ type: 'after', jobId, on: ['stopped'] } as const]
    const first = await stack.job('first', { policy })
    const second = await stack.job('second', { policy, triggers: after(first) })
    await stack.job('first', { policy, triggers: after(second) })
    const client = await connect()
    const text = 'select deadlocks::int from pg_stat_database where datname = current_database()'
    const before = (await client.query(text)).rows[0].deadlocks
    const ask = async (jobId: string) => {
      const item = { id: stack.parts.ids.next(), jobId, why: 'manual' as const, detail: {}, args: [] }
      const { outcomes } = await stack.store.write('createRuns', { items: [item], at: stack.parts.clock.now() })
      expect(outcomes[0]?.ok).toBe(true)
    }
    for (let index = 0; index < 30; index++) await Promise.all([ask(first), ask(second)])
    // A connection passes on what it has counted when it ends, if not before.
    await stack.stop()
    await client.query('select pg_stat_clear_snapshot()')
    expect((await client.query(text)).rows[0].deadlocks - before).toBe(0)
  })

  test('a storm of runs that replace each other, on two instances, is no deadlock', { timeout: 60_000 }, async () => {
    on.kind.work = () => new Promise((resolve) => setImmediate(resolve, { state: 'completed' }))
    const pair = [await on.start({ instance: 'one' }), await on.start({ instance: 'two' })]
    const [first] = pair
    const jobIds = await Promise.all(
      Array.from({ length: 6 }, (_, index) => first?.job(`job${index}`, { policy: { overlap: 'replace' } }) ?? ''),
    )
    const client = await connect()
    const counts = async () =>
      (
        await client.query(
          `select deadlocks::int, xact_rollback::int as undone, xact_commit::int as done from pg_stat_database
            where datname = current_database()`,
        )
      ).rows[0] as { deadlocks: number; undone: number; done: number }
    const before = await counts()
    await Promise.all(
      pair.flatMap((stack) =>
        jobIds.map(async (jobId) => {
          for (let index = 0; index < 40; index++) await stack.run(jobId)
        }),
      ),
    )
    for (const jobId of jobIds) {
      await eventually('all have ended', async () => {
        const live = await first?.store.read('liveRuns', { jobId })
        return live?.length === 0
      })
    }
    await client.query('select pg_stat_force_next_flush()')
    const after = await counts()
    expect(after.deadlocks - before.deadlocks).toBe(0)
    // Retries: a transaction that met another one crosswise was undone and begun anew. Rare, not never.
    expect(after.undone - before.undone).toBeLessThan((after.done - before.done) / 20)
  })
})
