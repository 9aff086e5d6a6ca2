import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { held: true })
  const USER = { code: 'user', text: 'A person asked for it.' }

  async function runHeld(targets: string[], parallel = 1): Promise<string> {
    const job = await on.stack.job('held', { spec: { targets }, policy: { parallel } })
    const id = await on.stack.run(job)
    await eventually(
      'the first target is worked on',
      () => on.held.targets.length === Math.min(parallel, targets.length),
    )
    return id
  }

  test('a stopped run ends what runs and never begins what waits', async () => {
    const id = await runHeld(['a', 'b', 'c'])
    await on.stack.engine.want([id], 'stop', USER)
    const run = await on.stack.reach(id, 'stopped')
    expect(run).toMatchObject({ reasonCode: 'user', reasonText: 'A person asked for it.' })
    expect(run.counts).toMatchObject({ stopped: 3, pending: 0, running: 0 })
    expect(on.kind.begun).toHaveLength(1)
  })

  test('a suspended run lets the running task end, begins no other, and goes on where it was', async () => {
    const id = await runHeld(['a', 'b', 'c'])
    await on.stack.engine.want([id], 'suspend', USER)
    await on.stack.reach(id, 'suspending')
    on.held.end('a')
    const resting = await on.stack.reach(id, 'suspended')
    expect(resting).toMatchObject({ owner: null, dispatchAt: null })
    expect(resting.counts).toMatchObject({ completed: 1, pending: 2 })
    await eventually('its place is free', () => on.stack.engine.load === 0)
    await on.stack.engine.want([id], 'run', USER)
    for (const target of ['b', 'c']) {
      await eventually(`${target} is worked on`, () => on.held.targets.includes(target))
      on.held.end(target)
    }
    expect((await on.stack.reach(id, 'completed')).counts.completed).toBe(3)
  })

  test('a task that can be frozen is frozen in its place and thawed again', async () => {
    const calls: string[] = []
    on.kind.work = (task, context) => {
      context.freezable(
        async () => void calls.push('freeze'),
        async () => void calls.push('thaw'),
      )
      return on.held.work(task, context)
    }
    const id = await runHeld(['a'])
    await on.stack.engine.want([id], 'suspend', USER)
    const frozen = await on.stack.reach(id, 'suspended')
    expect(frozen.owner).toBe(on.stack.engine.identity.id)
    await on.stack.engine.want([id], 'run', USER)
    await on.stack.reach(id, 'running')
    expect(calls).toEqual(['freeze', 'thaw'])
    on.held.end('a')
    await on.stack.reach(id, 'completed')
  })

  test('a suspended run can be stopped', async () => {
    const id = await runHeld(['a', 'b'])
    await on.stack.engine.want([id], 'suspend', USER)
    on.held.end('a')
    await on.stack.reach(id, 'suspended')
    await on.stack.engine.want([id], 'stop', USER)
    expect((await on.stack.reach(id, 'stopped')).counts).toMatchObject({ completed: 1, stopped: 1 })
  })

  test('a parked task holds no place, and is ended from outside', async () => {
    on.kind.work = () => ({ state: 'blocked', until: on.stack.parts.clock.now() + 60_000 })
    const id = await on.stack.run(await on.stack.job('parked'))
    const run = await on.stack.reach(id, 'blocked')
    expect(run.owner).toBeNull()
    await eventually('its place is free', () => on.stack.engine.load === 0)
    const [task] = await on.stack.store.read('listTasks', { runId: id, limit: 1 })
    expect(await on.stack.engine.resolve(task?.id ?? '', { state: 'completed', result: { answer: 42 } })).toBe(true)
    await on.stack.reach(id, 'completed')
    expect((await on.stack.store.read('getTask', { id: task?.id ?? '' }))?.result).toEqual({ answer: 42 })
  })

  test('only the first resolution of a parked task counts', async () => {
    on.kind.work = () => ({ state: 'blocked', until: on.stack.parts.clock.now() + 60_000 })
    const id = await on.stack.run(await on.stack.job('parked'))
    await on.stack.reach(id, 'blocked')
    const [task] = await on.stack.store.read('listTasks', { runId: id, limit: 1 })
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => on.stack.engine.resolve(task?.id ?? '', { state: 'completed' })),
    )
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('a parked task whose deadline passes is failed', async () => {
    on.kind.work = () => ({ state: 'disconnected', until: on.stack.parts.clock.now() + 50 })
    const id = await on.stack.run(await on.stack.job('parked'))
    const run = await on.stack.reach(id, 'failed')
    expect(run.reasonCode).toBe('timeout')
  })

  test('a run with parked and pending tasks goes on with the pending ones', async () => {
    on.kind.work = ({ target }) =>
      target === 'away' ? { state: 'disconnected', until: on.stack.parts.clock.now() + 60_000 } : { state: 'completed' }
    const job = await on.stack.job('mixed', { spec: { targets: ['away', 'b', 'c'] }, policy: { parallel: 1 } })
    const id = await on.stack.run(job)
    const run = await on.stack.reach(id, 'disconnected')
    expect(run.counts).toMatchObject({ completed: 2, disconnected: 1 })
    await on.stack.engine.want([id], 'stop', USER)
    expect((await on.stack.reach(id, 'stopped')).counts).toMatchObject({ completed: 2, stopped: 1 })
  })
})
