import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { holdWrite } from './held-write.ts'

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
    // The next renewal of the lease, which makes much good, is far away.
    stack = await startStack({ kinds: [kind], place, leaseMs: 120_000 })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  async function endInTurn(...targets: string[]): Promise<void> {
    for (const target of targets) {
      await eventually(`${target} is worked on`, () => held.targets.includes(target))
      held.end(target)
    }
  }

  test('a task whose beginning was refused for a rest that is over already is begun again', async () => {
    const job = await stack.job('brief', { spec: { targets: ['a', 'b', 'c'] }, policy: { parallel: 2 } })
    const id = await stack.run(job)
    await eventually('two are worked on', () => held.targets.length === 2)
    const begin = holdWrite(stack.store, 'changeTasks', '"to":"running"')
    held.end('a')
    await begin.arrived
    await stack.engine.want([id], 'suspend', USER)
    await begin.send()
    await stack.engine.want([id], 'run', USER)
    begin.answer()
    await endInTurn('b', 'c')
    expect((await stack.reach(id, 'completed')).counts.completed).toBe(3)
    expect(kind.begun.map(({ target }) => target).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('targets that were refused for a rest that is over already are planned again', async () => {
    const gate = Promise.withResolvers<void>()
    kind.beforePlan = (target) => (target === 'b' ? gate.promise : undefined)
    const id = await stack.run(await stack.job('slow plan', { spec: { targets: ['a', 'b', 'c'] } }))
    await eventually('the first is worked on', () => held.targets.includes('a'))
    await stack.engine.want([id], 'suspend', USER)
    const open = holdWrite(stack.store, 'openTasks', '"target":"b"')
    gate.resolve()
    await open.arrived
    await open.send()
    await stack.engine.want([id], 'run', USER)
    open.answer()
    await endInTurn('b', 'c', 'a')
    expect((await stack.reach(id, 'completed')).counts.completed).toBe(3)
    expect(kind.plannedFrom).toEqual([undefined, 'a'])
  })

  test('of two wishes the later counts, though the word of it comes first', async () => {
    const id = await stack.run(await stack.job('hasty', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1 } }))
    await eventually('one is worked on', () => held.targets.length === 1)
    const rest = holdWrite(stack.store, 'wantRuns', '"suspend"')
    const resting = stack.engine.want([id], 'suspend', USER)
    await rest.arrived
    await rest.send()
    await stack.engine.want([id], 'run', USER)
    rest.answer()
    await resting
    await endInTurn('a', 'b')
    await stack.reach(id, 'completed')
  })

  test('a run that rests and goes on again and again loses none of its tasks', async () => {
    const targets = ['held', ...Array.from({ length: 40 }, (_, i) => `t${i}`)]
    kind.work = (task, context) => (task.target === 'held' ? held.work(task, context) : { state: 'completed' })
    const id = await stack.run(await stack.job('restless', { spec: { targets }, policy: { parallel: 3 } }))
    await eventually('one is held', () => held.targets.length === 1)
    for (let turn = 0; turn < 20; turn++) {
      const resting = stack.engine.want([id], 'suspend', USER)
      if (turn % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const going = stack.engine.want([id], 'run', USER)
      await Promise.all([resting, going])
    }
    // Of two wishes at the same moment either may be the last on record.
    await stack.engine.want([id], 'run', USER)
    await eventually('the others are done', () => kind.begun.length === targets.length)
    held.end('held')
    expect((await stack.reach(id, 'completed')).counts.completed).toBe(targets.length)
  })

  test('a target on its way to the record takes one of the places that the policy gives', async () => {
    const gate = Promise.withResolvers<void>()
    kind.beforePlan = (target) => (target === 'b' ? gate.promise : undefined)
    let most = 0
    kind.work = (task, context) => {
      const ending = held.work(task, context)
      most = Math.max(most, held.targets.length)
      return ending
    }
    const retry = { kind: 'fixed', attempts: 2, delayMs: 0 } as const
    const job = await stack.job('narrow', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1, retry } })
    const id = await stack.run(job)
    await eventually('the first is worked on', () => held.targets.includes('a'))
    const end = holdWrite(stack.store, 'changeTasks', '"to":"failed"')
    held.end('a', { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } })
    await end.arrived
    const open = holdWrite(stack.store, 'openTasks', '"target":"b"')
    gate.resolve()
    await open.arrived
    await end.send()
    end.answer()
    await open.send()
    open.answer()
    await endInTurn('b', 'a')
    expect((await stack.reach(id, 'completed')).counts.completed).toBe(2)
    expect(most).toBe(1)
  })

  test('room that was promised in vain is offered to the run that fell due meanwhile', async () => {
    await stack.stop()
    stack = await startStack({ kinds: [kind], place, concurrency: 1 })
    kind.work = ({ target, attempt }) => {
      if (target === 'parked') return { state: 'blocked', until: stack.parts.clock.now() + 600_000 }
      return attempt > 1 ? { state: 'completed' } : { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } }
    }
    const full = await stack.job('full', { spec: { targets: ['parked'] } })
    await stack.reach(await stack.run(full), 'blocked')
    const retry = { kind: 'fixed', attempts: 2, delayMs: 500 } as const
    const id = await stack.run(await stack.job('retried', { policy: { retry } }))
    const { dispatchAt } = await stack.reach(id, 'pending')
    await eventually('the place is free', () => stack.engine.load === 0)
    const create = holdWrite(stack.store, 'createRuns', full)
    const refused = expect(stack.run(full)).rejects.toThrow(/unfinished|runs/i)
    await create.arrived
    await eventually('the other run is due', () => stack.parts.clock.now() > (dispatchAt ?? 0) + 200)
    await create.send()
    create.answer()
    await refused
    await stack.reach(id, 'completed')
  })
})
