import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES, type Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { held: true, started: false })

  /** Declares an instance dead, as its lease running out does, without its knowing. */
  async function declareDead(by: Stack, id: string): Promise<void> {
    await by.store.write('recoverInstances', { at: by.parts.clock.now(), named: [id] })
  }

  test('a run of a dead instance is failed as lost, by default', async () => {
    const first = await on.start({ alone: false })
    const second = await on.start({ alone: false, instance: 'other' })
    const id = await first.run(await first.job('fragile'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await declareDead(second, first.engine.identity.id)
    const run = await second.reach(id, 'failed')
    expect(run).toMatchObject({ reasonCode: 'lost', owner: null })
  })

  test('a run of a dead instance is taken up by another when the policy says so, as another attempt', async () => {
    const first = await on.start({ alone: false })
    const id = await first.run(await first.job('sturdy', { policy: { onCrash: 'retry' } }))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    on.kind.work = () => ({ state: 'completed' })
    const second = await on.start({ alone: false, instance: 'other' })
    await declareDead(second, first.engine.identity.id)
    const run = await second.reach(id, 'completed')
    expect(run).toMatchObject({ crashes: 1, fence: 2 })
    const tasks = await second.store.read('listTasks', { runId: id, limit: 10 })
    expect(tasks.map(({ attempt, state, reasonCode }) => [attempt, state, reasonCode])).toEqual([
      [1, 'failed', 'lost'],
      [2, 'completed', null],
    ])
  })

  test('a stale owner cannot write: what it finished after it was declared dead does not count', async () => {
    const first = await on.start({ alone: false })
    const id = await first.run(await first.job('fragile'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const second = await on.start({ alone: false, instance: 'other' })
    await declareDead(second, first.engine.identity.id)
    on.held.end('one', { state: 'completed', result: 'too late' })
    await second.reach(id, 'failed')
    const [task] = await second.store.read('listTasks', { runId: id, limit: 1 })
    expect(task).toMatchObject({ state: 'failed', reasonCode: 'lost', result: null })
    const stale = await first.store.write('changeTasks', {
      items: [{ runId: id, owner: first.engine.identity.id, fence: 1, taskId: task?.id ?? '', to: 'completed' }],
      at: 0,
    })
    expect(stale.accepted).toEqual([false])
  })

  test('an instance that was declared dead ends what it runs and enters anew under another id', async () => {
    const first = await on.start({ alone: false, leaseMs: 3000 })
    const before = first.engine.identity.id
    const second = await on.start({ alone: false, instance: 'other' })
    const id = await first.run(await first.job('fragile'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await declareDead(second, before)
    await eventually('it has entered anew', () => first.engine.identity.id !== before)
    expect(first.events.map(({ event }) => event.type)).toContain('lease.lost')
    await second.reach(id, 'failed')
    on.kind.work = () => ({ state: 'completed' })
    await first.reach(await first.run(await first.job('next')), 'completed')
  })

  test('a plan that a crash cut short is continued from its cursor, and no target is worked on twice', async () => {
    const targets = Array.from({ length: 250 }, (_, i) => `t${i}`)
    let planned = 0
    let holdPlan = true
    const stuck = Promise.withResolvers<void>()
    on.kind.beforePlan = async () => {
      if (++planned > 150 && holdPlan) await stuck.promise
    }
    const done: string[] = []
    on.kind.work = ({ target }) => {
      done.push(target)
      return { state: 'completed' }
    }
    const first = await on.start({ alone: false })
    const job = await first.job('long', { spec: { targets }, policy: { onCrash: 'retry' } })
    const id = await first.run(job)
    await eventually('what is planned is done', () => done.length === 150)
    await eventually('the plan is stuck', () => planned === 151)
    holdPlan = false
    const second = await on.start({ alone: false, instance: 'other' })
    await declareDead(second, first.engine.identity.id)
    stuck.resolve()
    const run = await second.reach(id, 'completed')
    expect(run.counts.completed).toBe(250)
    expect(on.kind.plannedFrom).toEqual([undefined, 't149'])
    expect(done).toHaveLength(250)
    expect(new Set(done).size).toBe(250)
  })

  test('a parked task outlives its instance and is ended through another', async () => {
    const first = await on.start({ alone: false })
    on.kind.work = () => ({ state: 'blocked', until: first.parts.clock.now() + 60_000 })
    const id = await first.run(await first.job('parked'))
    await first.reach(id, 'blocked')
    const second = await on.start({ alone: false, instance: 'other' })
    await declareDead(second, first.engine.identity.id)
    const [task] = await second.store.read('listTasks', { runId: id, limit: 1 })
    expect(await second.engine.resolve(task?.id ?? '', { state: 'completed' })).toBe(true)
    await second.reach(id, 'completed')
  })

  test('a singleton runs on one instance of two, and on the other after the first has died', async () => {
    const first = await on.start({ alone: false })
    const job = await first.job('single', { type: 'continuous', triggers: [{ type: 'continuous', singleton: true }] })
    await eventually('it runs', () => on.kind.begun.length === 1)
    const second = await on.start({ alone: false, instance: 'other', leaseMs: 300 })
    await second.jobs.save({ collectionId: second.collectionId, kind: 'test', name: 'bystander' }, 'new', ACTOR)
    expect((await second.store.read('liveRuns', { jobId: job })).map(({ owner }) => owner)).toEqual([
      first.engine.identity.id,
    ])
    await declareDead(second, first.engine.identity.id)
    await eventually('it runs on the other', async () => {
      const [run] = await second.store.read('liveRuns', { jobId: job })
      return run?.owner === second.engine.identity.id
    })
    expect(await second.store.read('liveRuns', { jobId: job })).toHaveLength(1)
  })

  test('a server that starts again ends by policy what it had been running, without waiting for a lease', async () => {
    const first = await on.start()
    const lost = await first.run(await first.job('fragile'))
    const again = await first.run(await first.job('sturdy', { policy: { onCrash: 'retry' } }))
    await eventually('both are worked on', () => on.kind.begun.length === 2)
    on.kind.work = () => ({ state: 'completed' })
    const second = await on.start()
    expect((await second.reach(lost, 'failed')).reasonCode).toBe('lost')
    await second.reach(again, 'completed')
  })

  test('what is under way at a shutdown ends within the drain time, and what cannot is ended', async () => {
    const stack = await on.start({ drainMs: 100 })
    const id = await stack.run(await stack.job('slow'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await stack.engine.stop()
    const run = await stack.store.read('getRun', { id })
    expect(run).toMatchObject({ state: 'failed', reasonCode: 'shutdown' })
  })
})
