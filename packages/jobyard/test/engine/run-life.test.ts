import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'

describe.each(DATABASES)('on %s', (database) => {
  let kind: TestKind
  let stack: Stack
  let place: Place

  beforeEach(async () => {
    kind = new TestKind()
    place = await makePlace(database)
    stack = await startStack({ kinds: [kind], place })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  test('a run that is asked for by hand is worked on and completed, with its task on record', async () => {
    const id = await stack.run(await stack.job('plain'))
    const run = await stack.reach(id, 'completed')
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
    const tasks = await stack.store.read('listTasks', { runId: id, limit: 10 })
    expect(tasks).toMatchObject([{ target: 'one', attempt: 1, state: 'completed', owner: null }])
  })

  test('a plan with nothing in it is a completed run', async () => {
    const job = await stack.job('empty', { spec: { targets: [] } })
    const run = await stack.reach(await stack.run(job), 'completed')
    expect(run.counts.completed).toBe(0)
  })

  test('one failed target of many fails the run, and the others are worked on all the same', async () => {
    kind.work = ({ target }) =>
      target === 'b' ? { state: 'failed', reason: { code: 'broken', text: 'b is broken.' } } : { state: 'completed' }
    const job = await stack.job('many', { spec: { targets: ['a', 'b', 'c'] } })
    const run = await stack.reach(await stack.run(job), 'failed')
    expect(run).toMatchObject({ reasonCode: 'broken', reasonText: 'b is broken.' })
    expect(run.counts).toMatchObject({ completed: 2, failed: 1 })
  })

  test('an error that the kind throws fails the task with what it said', async () => {
    kind.work = () => {
      throw new Error('the wheel fell off')
    }
    const run = await stack.reach(await stack.run(await stack.job('throws')), 'failed')
    expect(run).toMatchObject({ reasonCode: 'error', reasonText: 'the wheel fell off' })
  })

  test('the kind passes the verdict when it wants to', async () => {
    kind.verdict = () => 'completed'
    kind.work = () => ({ state: 'failed', reason: { code: 'away', text: 'It is away.' } })
    const run = await stack.reach(await stack.run(await stack.job('judged')), 'completed')
    expect(run.counts.failed).toBe(1)
  })

  test('no more tasks of a run are worked on at once than its policy allows', async () => {
    const held = new Held()
    kind.work = held.work
    const targets = ['a', 'b', 'c', 'd', 'e']
    const job = await stack.job('narrow', { spec: { targets }, policy: { parallel: 2 } })
    const id = await stack.run(job)
    for (const _ of targets) {
      await eventually('something is held', () => held.targets.length > 0)
      expect(kind.begun.length - (targets.length - held.targets.length)).toBeLessThanOrEqual(targets.length)
      expect(held.targets.length).toBeLessThanOrEqual(2)
      held.end(held.targets[0] ?? '')
    }
    const run = await stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(5)
  })

  test('a run of hundreds of targets is planned in pieces and ends with every target once', async () => {
    const targets = Array.from({ length: 450 }, (_, i) => `t${i}`)
    const id = await stack.run(await stack.job('wide', { spec: { targets } }))
    const run = await stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(450)
    expect(new Set(kind.begun.map(({ target }) => target)).size).toBe(450)
  })

  test('a failed attempt is followed by others until one succeeds, and only the last counts', async () => {
    kind.work = ({ attempt }) =>
      attempt < 3 ? { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } } : { state: 'completed' }
    const job = await stack.job('retried', { policy: { retry: { kind: 'fixed', attempts: 5, delayMs: 0 } } })
    const id = await stack.run(job)
    const run = await stack.reach(id, 'completed')
    expect(run.counts).toMatchObject({ completed: 1, failed: 0 })
    const tasks = await stack.store.read('listTasks', { runId: id, limit: 10 })
    expect(tasks.map(({ attempt, state }) => `${attempt} ${state}`)).toEqual(['1 failed', '2 failed', '3 completed'])
  })

  test('an attempt waits its delay without holding a place', async () => {
    kind.work = ({ attempt }) =>
      attempt === 1 ? { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } } : { state: 'completed' }
    const job = await stack.job('waits', { policy: { retry: { kind: 'fixed', attempts: 2, delayMs: 300 } } })
    const id = await stack.run(job)
    await stack.reach(id, 'pending')
    await eventually('its place is free', () => stack.engine.load === 0)
    await stack.reach(id, 'completed')
    const [first, second] = await stack.store.read('listTasks', { runId: id, limit: 10 })
    expect((second?.startedAt ?? 0) - (first?.finishedAt ?? 0)).toBeGreaterThanOrEqual(300)
  })

  test('a task that takes too long is ended and failed', async () => {
    kind.work = new Held().work
    const run = await stack.reach(await stack.run(await stack.job('slow', { policy: { timeoutMs: 30 } })), 'failed')
    expect(run.reasonCode).toBe('timeout')
  })

  test('a thousand runs of one job each happen exactly once', async () => {
    const job = await stack.job('many', { policy: { overlap: 'allow', keepRuns: 10_000 } })
    const ids = await Promise.all(Array.from({ length: 1000 }, () => stack.run(job)))
    await eventually('all have ended', () => {
      const ends = stack.events.filter(({ event }) => event.type === 'run.changed' && event.state === 'completed')
      return ends.length === ids.length
    })
    expect(new Set(kind.begun.map(({ runId }) => runId)).size).toBe(1000)
    expect(kind.begun).toHaveLength(1000)
    const numbers = await Promise.all(ids.map(async (id) => (await stack.store.read('getRun', { id }))?.number))
    expect(new Set(numbers).size).toBe(1000)
  })
})
