import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'

describe.each(DATABASES)('on %s', (database) => {
  let kind: TestKind
  let held: Held
  let stack: Stack
  let place: Place
  const USER = { code: 'user', text: 'A person asked for it.' }

  beforeEach(async () => {
    kind = new TestKind()
    held = new Held()
    kind.work = held.work
    place = await makePlace(database)
    stack = await startStack({ kinds: [kind], place })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  async function runHeld(targets: string[], parallel = 1): Promise<string> {
    const job = await stack.job('held', { spec: { targets }, policy: { parallel } })
    const id = await stack.run(job)
    await eventually('the first target is worked on', () => held.targets.length === Math.min(parallel, targets.length))
    return id
  }

  test('a stopped run ends what runs and never begins what waits', async () => {
    const id = await runHeld(['a', 'b', 'c'])
    await stack.engine.want([id], 'stop', USER)
    const run = await stack.reach(id, 'stopped')
    expect(run).toMatchObject({ reasonCode: 'user', reasonText: 'A person asked for it.' })
    expect(run.counts).toMatchObject({ stopped: 3, pending: 0, running: 0 })
    expect(kind.begun).toHaveLength(1)
  })

  test('a suspended run lets the running task end, begins no other, and goes on where it was', async () => {
    const id = await runHeld(['a', 'b', 'c'])
    await stack.engine.want([id], 'suspend', USER)
    await stack.reach(id, 'suspending')
    held.end('a')
    const resting = await stack.reach(id, 'suspended')
    expect(resting).toMatchObject({ owner: null, dispatchAt: null })
    expect(resting.counts).toMatchObject({ completed: 1, pending: 2 })
    await eventually('its place is free', () => stack.engine.load === 0)
    await stack.engine.want([id], 'run', USER)
    for (const target of ['b', 'c']) {
      await eventually(`${target} is worked on`, () => held.targets.includes(target))
      held.end(target)
    }
    expect((await stack.reach(id, 'completed')).counts.completed).toBe(3)
  })

  test('a task that can be frozen is frozen in its place and thawed again', async () => {
    const calls: string[] = []
    kind.work = (task, context) => {
      context.freezable(
        async () => void calls.push('freeze'),
        async () => void calls.push('thaw'),
      )
      return held.work(task, context)
    }
    const id = await runHeld(['a'])
    await stack.engine.want([id], 'suspend', USER)
    const frozen = await stack.reach(id, 'suspended')
    expect(frozen.owner).toBe(stack.engine.identity.id)
    await stack.engine.want([id], 'run', USER)
    await stack.reach(id, 'running')
    expect(calls).toEqual(['freeze', 'thaw'])
    held.end('a')
    await stack.reach(id, 'completed')
  })

  test('a suspended run can be stopped', async () => {
    const id = await runHeld(['a', 'b'])
    await stack.engine.want([id], 'suspend', USER)
    held.end('a')
    await stack.reach(id, 'suspended')
    await stack.engine.want([id], 'stop', USER)
    expect((await stack.reach(id, 'stopped')).counts).toMatchObject({ completed: 1, stopped: 1 })
  })

  test('a parked task holds no place, and is ended from outside', async () => {
    kind.work = () => ({ state: 'blocked', until: stack.parts.clock.now() + 60_000 })
    const id = await stack.run(await stack.job('parked'))
    const run = await stack.reach(id, 'blocked')
    expect(run.owner).toBeNull()
    await eventually('its place is free', () => stack.engine.load === 0)
    const [task] = await stack.store.read('listTasks', { runId: id, limit: 1 })
    expect(await stack.engine.resolve(task?.id ?? '', { state: 'completed', result: { answer: 42 } })).toBe(true)
    await stack.reach(id, 'completed')
    expect((await stack.store.read('getTask', { id: task?.id ?? '' }))?.result).toEqual({ answer: 42 })
  })

  test('only the first resolution of a parked task counts', async () => {
    kind.work = () => ({ state: 'blocked', until: stack.parts.clock.now() + 60_000 })
    const id = await stack.run(await stack.job('parked'))
    await stack.reach(id, 'blocked')
    const [task] = await stack.store.read('listTasks', { runId: id, limit: 1 })
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => stack.engine.resolve(task?.id ?? '', { state: 'completed' })),
    )
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('a parked task whose deadline passes is failed', async () => {
    kind.work = () => ({ state: 'disconnected', until: stack.parts.clock.now() + 50 })
    const id = await stack.run(await stack.job('parked'))
    const run = await stack.reach(id, 'failed')
    expect(run.reasonCode).toBe('timeout')
  })

  test('a run with parked and pending tasks goes on with the pending ones', async () => {
    kind.work = ({ target }) =>
      target === 'away' ? { state: 'disconnected', until: stack.parts.clock.now() + 60_000 } : { state: 'completed' }
    const job = await stack.job('mixed', { spec: { targets: ['away', 'b', 'c'] }, policy: { parallel: 1 } })
    const id = await stack.run(job)
    const run = await stack.reach(id, 'disconnected')
    expect(run.counts).toMatchObject({ completed: 2, disconnected: 1 })
    await stack.engine.want([id], 'stop', USER)
    expect((await stack.reach(id, 'stopped')).counts).toMatchObject({ completed: 2, stopped: 1 })
  })
})
