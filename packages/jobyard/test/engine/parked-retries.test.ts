import { beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, type Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { goOn, leaveRun, targetsOf } from './big-run.ts'
import { holdWrite } from './held-write.ts'

const DAY = 86_400_000
/** Much less than what the others take, and enough for a machine that has much else to do, in milliseconds. */
const SOON = 5000
const BUSY = { state: 'failed', reason: { code: 'busy', text: 'The device is busy.' } } as const
const RETRY = { kind: 'fixed', attempts: 3, delayMs: 20 } as const

describe.each(DATABASES)('another attempt at a parked target, on %s', (database) => {
  const on = useStacks(database, { started: false })

  beforeEach(() => {
    on.kind.work = (task, context) => {
      if (!task.target.startsWith('away')) return on.held.work(task, context)
      return task.attempt === 1 ? { state: 'blocked', until: Date.now() + DAY } : { state: 'completed' }
    }
  })

  /** The parked task of a target, once it is parked. */
  const parked = (stack: Stack, runId: string, target = 'away') =>
    eventually(`${target} is parked`, async () => {
      const tasks = await stack.store.read('listTasks', { runId, limit: 10_000 })
      return tasks.find((task) => task.target === target && task.state === 'blocked')
    })

  /** Waits for the second attempt; answers how late it was, in milliseconds. */
  async function lateness(stack: Stack, runId: string, target = 'away'): Promise<number> {
    const again = await eventually('it is tried again', () =>
      on.kind.begun.find((task) => task.runId === runId && task.target === target && task.attempt === 2),
    )
    const task = await stack.store.read('getTask', { id: again.id })
    return (task?.startedAt ?? Number.POSITIVE_INFINITY) - (task?.notBefore ?? task?.createdAt ?? 0)
  }

  const ended = () => on.kind.begun.filter(({ target }) => !target.startsWith('away')).length - on.held.targets.length

  test('begins in its time although a thousand other targets are worked on', { timeout: 60_000 }, async () => {
    const stack = await on.start()
    const spec = { targets: ['away', ...targetsOf(1000)] }
    const id = await stack.run(await stack.job('busy', { spec, policy: { retry: RETRY, parallel: 2000 } }))
    await eventually('all others are worked on', () => on.held.targets.length === 1000)
    await stack.engine.resolve((await parked(stack, id)).id, BUSY)
    expect(await lateness(stack, id)).toBeLessThan(SOON)
    expect([on.held.targets.length, ended()]).toEqual([1000, 0])
    await stack.engine.want([id], 'stop', BUSY.reason)
    await stack.reach(id, 'stopped')
  })

  test('begins in its time although a thousand others wait for theirs', { timeout: 60_000 }, async () => {
    const stack = await on.start()
    const others = targetsOf(1500).map((target) => ({ target, notBefore: Date.now() + DAY }))
    const tasks = [{ target: 'away', state: 'blocked' as const }, { target: 'long' }, ...others]
    const id = await leaveRun(stack, await stack.job('waits', { policy: { retry: RETRY } }), tasks)
    await goOn(stack, id)
    await eventually('one is worked on', () => on.held.targets.length === 1)
    await stack.engine.resolve((await parked(stack, id)).id, BUSY)
    expect(await lateness(stack, id)).toBeLessThan(SOON)
    expect(on.held.targets).toEqual(['long'])
  })

  test('takes its turn among what is due, by when it fell due', async () => {
    const stack = await on.start()
    const spec = { targets: ['away 1', 'away 2', 'long', 'next'] }
    const policy = { retry: { ...RETRY, delayMs: 0 }, parallel: 1 }
    const id = await stack.run(await stack.job('fair', { spec, policy }))
    await eventually('one is worked on', () => on.held.targets.length === 1)
    await eventually('the next waits', async () => (await stack.store.read('getRun', { id }))?.counts.pending === 1)
    for (const target of ['away 2', 'away 1']) {
      await stack.engine.resolve((await parked(stack, id, target)).id, BUSY)
      const at = stack.parts.clock.now()
      await eventually('the clock goes on', () => stack.parts.clock.now() > at)
    }
    on.held.end('long')
    await eventually('the next is worked on', () => on.held.targets.includes('next'))
    on.held.end('next')
    await stack.reach(id, 'completed')
    expect(on.kind.begun.map(({ target }) => target)).toEqual([...spec.targets, 'away 2', 'away 1'])
  })

  test('begins after its deadline has passed, too', async () => {
    const stack = await on.start()
    const { work } = on.kind
    on.kind.work = (task, context) => {
      const far = task.target === 'away' && task.attempt === 1
      return far ? { state: 'disconnected', until: Date.now() + 50 } : work(task, context)
    }
    const spec = { targets: ['away', 'long'] }
    const id = await stack.run(await stack.job('deaf', { spec, policy: { retry: RETRY } }))
    expect(await lateness(stack, id)).toBeLessThan(SOON)
    expect(on.held.targets).toEqual(['long'])
  })

  test('is not begun again by word of it that comes late', async () => {
    const stack = await on.start()
    const { work } = on.kind
    on.kind.work = (task, context) => (task.attempt === 2 ? on.held.work(task, context) : work(task, context))
    const spec = { targets: ['away', 'long'] }
    const id = await stack.run(await stack.job('late word', { spec, policy: { retry: { ...RETRY, delayMs: 0 } } }))
    const resolving = holdWrite(stack.store, 'resolveTasks')
    const resolved = stack.engine.resolve((await parked(stack, id)).id, BUSY)
    await resolving.arrived
    await resolving.send()
    stack.engine.lookAgain(id)
    await eventually('it goes on', () => on.held.targets.includes('away'))
    resolving.answer()
    expect(await resolved).toBe(true)
    // Whatever that word has set going has come about before this has.
    await stack.reach(await stack.run(await stack.job('other', { spec: { targets: ['away too'] } })), 'blocked')
    for (const target of ['away', 'long']) on.held.end(target)
    await stack.reach(id, 'completed')
    const begun = on.kind.begun.filter(({ runId }) => runId === id)
    expect(begun.map(({ target, attempt }) => `${target} ${attempt}`)).toEqual(['away 1', 'long 1', 'away 2'])
  })

  test('begins at the instance that has the run, whoever was told of the end', { timeout: 60_000 }, async () => {
    // On PostgreSQL the owner is told, so its next tick need not come; on SQLite nobody tells.
    const leaseMs = database === 'postgres' ? 120_000 : 3000
    const owner = await on.start({ alone: false, leaseMs })
    const spec = { targets: ['away', 'long'] }
    const id = await owner.run(await owner.job('shared', { spec, policy: { retry: RETRY } }))
    const task = await parked(owner, id)
    await eventually('the other is worked on', () => on.held.targets.length === 1)
    const other = await on.start({ alone: false, instance: 'other', leaseMs })
    expect(await other.engine.resolve(task.id, BUSY)).toBe(true)
    expect(await lateness(owner, id)).toBeLessThan(SOON)
    expect(on.held.targets).toEqual(['long'])
    expect((await owner.store.read('getRun', { id }))?.owner).toBe(owner.engine.identity.id)
  })
})
