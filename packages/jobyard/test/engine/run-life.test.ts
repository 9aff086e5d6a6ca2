import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { Held } from '../support/test-kind.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database)

  test('a run that is asked for by hand is worked on and completed, with its task on record', async () => {
    const id = await on.stack.run(await on.stack.job('plain'))
    const run = await on.stack.reach(id, 'completed')
    expect(run).toMatchObject({ number: 1, why: 'manual', planClosed: true, owner: null, dispatchAt: null })
    expect(run.counts).toEqual({
      pending: 0,
      running: 0,
      blocked: 0,
      disconnected: 0,
      suspended: 0,
      completed: 1,
      failed: 0,
      stopped: 0,
    })
    const tasks = await on.stack.store.read('listTasks', { runId: id, limit: 10 })
    expect(tasks).toMatchObject([{ target: 'one', attempt: 1, state: 'completed', owner: null }])
  })

  test('a plan with nothing in it is a completed run', async () => {
    const job = await on.stack.job('empty', { spec: { targets: [] } })
    const run = await on.stack.reach(await on.stack.run(job), 'completed')
    expect(run.counts.completed).toBe(0)
  })

  test('one failed target of many fails the run, and the others are worked on all the same', async () => {
    on.kind.work = ({ target }) =>
      target === 'b' ? { state: 'failed', reason: { code: 'broken', text: 'b is broken.' } } : { state: 'completed' }
    const job = await on.stack.job('many', { spec: { targets: ['a', 'b', 'c'] } })
    const run = await on.stack.reach(await on.stack.run(job), 'failed')
    expect(run).toMatchObject({ reasonCode: 'broken', reasonText: 'b is broken.' })
    expect(run.counts).toMatchObject({ completed: 2, failed: 1 })
  })

  test('an error that the kind throws fails the task with what it said', async () => {
    on.kind.work = () => {
      throw new Error('the wheel fell off')
    }
    const run = await on.stack.reach(await on.stack.run(await on.stack.job('throws')), 'failed')
    expect(run).toMatchObject({ reasonCode: 'error', reasonText: 'the wheel fell off' })
  })

  test('the kind passes the verdict when it wants to', async () => {
    on.kind.verdict = () => 'completed'
    on.kind.work = () => ({ state: 'failed', reason: { code: 'away', text: 'It is away.' } })
    const run = await on.stack.reach(await on.stack.run(await on.stack.job('judged')), 'completed')
    expect(run.counts.failed).toBe(1)
  })

  test('no more tasks of a run are worked on at once than its policy allows', async () => {
    on.kind.work = on.held.work
    const targets = ['a', 'b', 'c', 'd', 'e']
    const job = await on.stack.job('narrow', { spec: { targets }, policy: { parallel: 2 } })
    const id = await on.stack.run(job)
    for (const _ of targets) {
      await eventually('something is held', () => on.held.targets.length > 0)
      expect(on.kind.begun.length - (targets.length - on.held.targets.length)).toBeLessThanOrEqual(targets.length)
      expect(on.held.targets.length).toBeLessThanOrEqual(2)
      on.held.end(on.held.targets[0] ?? '')
    }
    const run = await on.stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(5)
  })

  test('a run of hundreds of targets is planned in pieces and ends with every target once', async () => {
    const targets = Array.from({ length: 450 }, (_, i) => `t${i}`)
    const id = await on.stack.run(await on.stack.job('wide', { spec: { targets } }))
    const run = await on.stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(450)
    expect(new Set(on.kind.begun.map(({ target }) => target)).size).toBe(450)
  })

  test('a failed attempt is followed by others until one succeeds, and only the last counts', async () => {
    on.kind.work = ({ attempt }) =>
      attempt < 3 ? { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } } : { state: 'completed' }
    const job = await on.stack.job('retried', { policy: { retry: { kind: 'fixed', attempts: 5, delayMs: 0 } } })
    const id = await on.stack.run(job)
    const run = await on.stack.reach(id, 'completed')
    expect(run.counts).toMatchObject({ completed: 1, failed: 0 })
    const tasks = await on.stack.store.read('listTasks', { runId: id, limit: 10 })
    expect(tasks.map(({ attempt, state }) => `${attempt} ${state}`)).toEqual(['1 failed', '2 failed', '3 completed'])
  })

  test('an attempt waits its delay without holding a place', async () => {
    on.kind.work = ({ attempt }) =>
      attempt === 1 ? { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } } : { state: 'completed' }
    const job = await on.stack.job('waits', { policy: { retry: { kind: 'fixed', attempts: 2, delayMs: 300 } } })
    const id = await on.stack.run(job)
    await on.stack.reach(id, 'pending')
    await eventually('its place is free', () => on.stack.engine.load === 0)
    await on.stack.reach(id, 'completed')
    const [first, second] = await on.stack.store.read('listTasks', { runId: id, limit: 10 })
    expect((second?.startedAt ?? 0) - (first?.finishedAt ?? 0)).toBeGreaterThanOrEqual(300)
  })

  test('a task that takes too long is ended and failed', async () => {
    on.kind.work = new Held().work
    const run = await on.stack.reach(
      await on.stack.run(await on.stack.job('slow', { policy: { timeoutMs: 30 } })),
      'failed',
    )
    expect(run.reasonCode).toBe('timeout')
  })

  test('a thousand runs of one job each happen exactly once', async () => {
    const job = await on.stack.job('many', { policy: { overlap: 'allow', keepRuns: 10_000 } })
    const ids = await Promise.all(Array.from({ length: 1000 }, () => on.stack.run(job)))
    await eventually('all have ended', () => {
      const ends = on.stack.events.filter(({ event }) => event.type === 'run.changed' && event.state === 'completed')
      return ends.length === ids.length
    })
    expect(new Set(on.kind.begun.map(({ runId }) => runId)).size).toBe(1000)
    expect(on.kind.begun).toHaveLength(1000)
    const numbers = await Promise.all(ids.map(async (id) => (await on.stack.store.read('getRun', { id }))?.number))
    expect(new Set(numbers).size).toBe(1000)
  })
})
