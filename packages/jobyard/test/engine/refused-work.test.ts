import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

describe.each(DATABASES)('on %s', (database) => {
  // The next renewal of the lease, which makes much good, is far away.
  const on = useStacks(database, { held: true, leaseMs: 120_000 })
  const USER = { code: 'user', text: 'A person asked for it.' }

  async function endInTurn(...targets: string[]): Promise<void> {
    for (const target of targets) {
      await eventually(`${target} is worked on`, () => on.held.targets.includes(target))
      on.held.end(target)
    }
  }

  test('a task whose beginning was refused for a rest that is over already is begun again', async () => {
    const job = await on.stack.job('brief', { spec: { targets: ['a', 'b', 'c'] }, policy: { parallel: 2 } })
    const id = await on.stack.run(job)
    await eventually('two are worked on', () => on.held.targets.length === 2)
    const begin = holdWrite(on.stack.store, 'changeTasks', '"to":"running"')
    on.held.end('a')
    await begin.arrived
    await on.stack.engine.want([id], 'suspend', USER)
    await begin.send()
    await on.stack.engine.want([id], 'run', USER)
    begin.answer()
    await endInTurn('b', 'c')
    expect((await on.stack.reach(id, 'completed')).counts.completed).toBe(3)
    expect(on.kind.begun.map(({ target }) => target).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('targets that were refused for a rest that is over already are planned again', async () => {
    const gate = Promise.withResolvers<void>()
    on.kind.beforePlan = (target) => (target === 'b' ? gate.promise : undefined)
    const id = await on.stack.run(await on.stack.job('slow plan', { spec: { targets: ['a', 'b', 'c'] } }))
    await eventually('the first is worked on', () => on.held.targets.includes('a'))
    await on.stack.engine.want([id], 'suspend', USER)
    const open = holdWrite(on.stack.store, 'openTasks', '"target":"b"')
    gate.resolve()
    await open.arrived
    await open.send()
    await on.stack.engine.want([id], 'run', USER)
    open.answer()
    await endInTurn('b', 'c', 'a')
    expect((await on.stack.reach(id, 'completed')).counts.completed).toBe(3)
    expect(on.kind.plannedFrom).toEqual([undefined, 'a'])
  })

  test('of two wishes the later counts, though the word of it comes first', async () => {
    const id = await on.stack.run(
      await on.stack.job('hasty', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1 } }),
    )
    await eventually('one is worked on', () => on.held.targets.length === 1)
    const rest = holdWrite(on.stack.store, 'wantRuns', '"suspend"')
    const resting = on.stack.engine.want([id], 'suspend', USER)
    await rest.arrived
    await rest.send()
    await on.stack.engine.want([id], 'run', USER)
    rest.answer()
    await resting
    await endInTurn('a', 'b')
    await on.stack.reach(id, 'completed')
  })

  test('a run that rests and goes on again and again loses none of its tasks', async () => {
    const targets = ['held', ...Array.from({ length: 40 }, (_, i) => `t${i}`)]
    on.kind.work = (task, context) => (task.target === 'held' ? on.held.work(task, context) : { state: 'completed' })
    const id = await on.stack.run(await on.stack.job('restless', { spec: { targets }, policy: { parallel: 3 } }))
    await eventually('one is held', () => on.held.targets.length === 1)
    for (let turn = 0; turn < 20; turn++) {
      const resting = on.stack.engine.want([id], 'suspend', USER)
      if (turn % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const going = on.stack.engine.want([id], 'run', USER)
      await Promise.all([resting, going])
    }
    // Of two wishes at the same moment either may be the last on record.
    await on.stack.engine.want([id], 'run', USER)
    await eventually('the others are done', () => on.kind.begun.length === targets.length)
    on.held.end('held')
    expect((await on.stack.reach(id, 'completed')).counts.completed).toBe(targets.length)
  })

  test('a target on its way to the record takes one of the places that the policy gives', async () => {
    const gate = Promise.withResolvers<void>()
    on.kind.beforePlan = (target) => (target === 'b' ? gate.promise : undefined)
    let most = 0
    on.kind.work = (task, context) => {
      const ending = on.held.work(task, context)
      most = Math.max(most, on.held.targets.length)
      return ending
    }
    const retry = { kind: 'fixed', attempts: 2, delayMs: 0 } as const
    const job = await on.stack.job('narrow', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1, retry } })
    const id = await on.stack.run(job)
    await eventually('the first is worked on', () => on.held.targets.includes('a'))
    const end = holdWrite(on.stack.store, 'changeTasks', '"to":"failed"')
    on.held.end('a', { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } })
    await end.arrived
    const open = holdWrite(on.stack.store, 'openTasks', '"target":"b"')
    gate.resolve()
    await open.arrived
    await end.send()
    end.answer()
    await open.send()
    open.answer()
    await endInTurn('b', 'a')
    expect((await on.stack.reach(id, 'completed')).counts.completed).toBe(2)
    expect(most).toBe(1)
  })

  test('room that was promised in vain is offered to the run that fell due meanwhile', async () => {
    await on.stack.stop()
    await on.start({ concurrency: 1 })
    on.kind.work = ({ target, attempt }) => {
      if (target === 'parked') return { state: 'blocked', until: on.stack.parts.clock.now() + 600_000 }
      return attempt > 1 ? { state: 'completed' } : { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } }
    }
    const full = await on.stack.job('full', { spec: { targets: ['parked'] } })
    await on.stack.reach(await on.stack.run(full), 'blocked')
    const retry = { kind: 'fixed', attempts: 2, delayMs: 500 } as const
    const id = await on.stack.run(await on.stack.job('retried', { policy: { retry } }))
    const { dispatchAt } = await on.stack.reach(id, 'pending')
    await eventually('the place is free', () => on.stack.engine.load === 0)
    const create = holdWrite(on.stack.store, 'createRuns', full)
    const refused = expect(on.stack.run(full)).rejects.toThrow(/unfinished|runs/i)
    await create.arrived
    await eventually('the other run is due', () => on.stack.parts.clock.now() > (dispatchAt ?? 0) + 200)
    await create.send()
    create.answer()
    await refused
    await on.stack.reach(id, 'completed')
  })
})
