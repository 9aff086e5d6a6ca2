// A server that is told to stop ends: whatever the database does, and whatever its runs do.
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openProxy } from '../support/postgres-proxy.ts'
import { makePlace, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'
import { useStacks } from '../support/use-stacks.ts'

const DRAIN_MS = 2_000
const GRACE_MS = 3_000
/** What a stop may take beyond the two above. */
const MARGIN_MS = 20_000

/** From now on writes fail; only the one of this name, when there is one. Answers how to let them through again. */
function failWrites(stack: Stack, error: Error, only?: string): () => void {
  const { store } = stack
  const write = store.write.bind(store)
  store.write = (async (name: never, input: never) => {
    if (only === undefined || name === only) throw error
    return await write(name, input)
  }) as typeof store.write
  return () => {
    store.write = write
  }
}

/** Lets time pass until the engine has stopped; answers how it did and how long that took. */
async function stop(stack: Stack, clock: ManualClock): Promise<{ how: unknown; tookMs: number }> {
  let how: unknown
  const began = clock.elapsed()
  stack.engine.stop().then(
    () => (how = 'in good order'),
    (error: unknown) => (how = error),
  )
  await eventually('the engine has stopped', () => {
    if (how === undefined && clock.elapsed() - began < 120_000) clock.advance(250)
    return how
  })
  return { how, tookMs: clock.elapsed() - began }
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (database) => {
  const on = useStacks(database, { started: false, held: true })
  let clock: ManualClock
  beforeEach(() => {
    clock = new ManualClock('2026-03-01T10:00:00Z')
  })

  async function begin(): Promise<{ stack: Stack; id: string }> {
    const stack = await on.start({ clock, drainMs: DRAIN_MS })
    const policy = { graceMs: GRACE_MS }
    const id = await stack.run(await stack.job('a', { spec: { targets: ['a'] }, policy }))
    await eventually('it is worked on', () => on.kind.begun.length === 1)
    return { stack, id }
  }

  /** Works anew on the same database, as the next server does. */
  async function goOn(stack: Stack): Promise<Stack> {
    await stack.close()
    clock.advance(60_000)
    return await on.start({ clock, drainMs: DRAIN_MS })
  }

  test('on a full disk it gives up what it cannot put on record, and the next server ends that', async () => {
    const { stack, id } = await begin()
    const makeRoom = failWrites(stack, new JobyardError('store-full', 'There is no room.'))
    const { how, tookMs } = await stop(stack, clock)
    expect(how).toMatchObject({ code: 'stop-incomplete', message: expect.stringContaining(id) })
    expect(tookMs).toBeLessThan(DRAIN_MS + GRACE_MS + MARGIN_MS)
    expect(on.held.targets).toEqual([])
    makeRoom()
    const next = await goOn(stack)
    expect(await next.reach(id, 'failed')).toMatchObject({ owner: null })
    expect(on.kind.begun).toHaveLength(1)
  })

  test('what it cannot put on record as it was ends by policy with its sign-off, and nothing is left', async () => {
    const { stack, id } = await begin()
    failWrites(stack, new JobyardError('store-full', 'There is no room.'), 'changeTasks')
    const { how } = await stop(stack, clock)
    expect(how).toBe('in good order')
    expect(await stack.store.read('getRun', { id })).toMatchObject({ state: 'failed', reasonCode: 'lost', owner: null })
    await stack.close()
  })

  test('it does not wait for ever for a task that does not end when its grace is over', async () => {
    const end = Promise.withResolvers<void>()
    on.kind.work = () => end.promise.then(() => ({ state: 'completed' }))
    const { stack, id } = await begin()
    try {
      const { how, tookMs } = await stop(stack, clock)
      expect(how).toMatchObject({ code: 'stop-incomplete', message: expect.stringContaining(id) })
      expect(tookMs).toBeGreaterThanOrEqual(DRAIN_MS + GRACE_MS)
      expect(tookMs).toBeLessThan(DRAIN_MS + GRACE_MS + MARGIN_MS)
      // It goes on, so nobody may begin another attempt before the lease is over.
      expect(await stack.store.read('getRun', { id })).toMatchObject({ state: 'running' })
    } finally {
      end.resolve()
      await stack.close()
    }
  })

  test.each(['drainInstance', 'leaveInstance'] as const)('it ends its runs although %s is refused', async (name) => {
    const { stack, id } = await begin()
    failWrites(stack, new Error('permission denied for table instance'), name)
    const { how } = await stop(stack, clock)
    expect(how).toBe('in good order')
    expect(on.held.targets).toEqual([])
    expect(await stack.store.read('getRun', { id })).toMatchObject({ state: 'failed', reasonCode: 'shutdown' })
    expect(stack.events.filter(({ event }) => event.type === 'error')).toHaveLength(1)
  })

  test('a run that a claim under way brings is given back', async () => {
    const { stack } = await begin()
    const { store } = stack
    const write = store.write.bind(store)
    const arrived = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    store.write = (async (name: never, input: never) => {
      const output = await write(name, input)
      if (name === 'claimRuns' && (output as { runs: unknown[] }).runs.length > 0) {
        arrived.resolve()
        await answer.promise
      }
      return output
    }) as typeof store.write
    const late = await stack.jobs.save(
      { collectionId: stack.collectionId, kind: 'test', name: 'late', spec: { targets: ['late'] } },
      'either',
      { name: 'tester', role: 'admin', address: null },
    )
    const outcome = await stack.engine.request({
      id: stack.parts.ids.next(),
      jobId: late.job.id,
      why: 'manual',
      detail: {},
      args: [],
      dispatchAt: clock.now() + 1_000,
    })
    clock.advance(1_500)
    await arrived.promise
    const stopped = stack.engine.stop()
    on.held.end('a')
    await eventually('the first has ended', () => on.held.targets.length === 0)
    answer.resolve()
    await stopped
    if (!outcome.ok) throw new Error(outcome.text)
    expect(await stack.store.read('getRun', { id: outcome.id })).toMatchObject({ state: 'pending', owner: null })
    expect(on.kind.begun).toHaveLength(1)
  })
})

test('a database that does not answer keeps no run from being told to end, and no server from ending', async () => {
  const place = await makePlace('postgres')
  onTestFinished(() => place.drop())
  const proxy = await openProxy(place.url ?? '')
  onTestFinished(() => proxy.close())
  const clock = new ManualClock('2026-03-01T10:00:00Z')
  const kind = new TestKind()
  const told: unknown[] = []
  kind.work = (_task, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        told.push([signal.reason.reason.code, clock.elapsed()])
        resolve({ state: 'stopped', reason: signal.reason.reason })
      })
    })
  const frozen = { ...place, url: proxy.url }
  const stack = await startStack({ kinds: [kind], place: frozen, alone: false, clock, drainMs: DRAIN_MS })
  const id = await stack.run(await stack.job('a', { policy: { graceMs: GRACE_MS } }))
  await eventually('it is worked on', () => kind.begun.length === 1)
  proxy.freeze()
  const { how, tookMs } = await stop(stack, clock)
  proxy.thaw()
  expect(told).toEqual([['shutdown', DRAIN_MS]])
  expect(tookMs).toBeLessThan(DRAIN_MS + GRACE_MS + MARGIN_MS)
  expect(how).toMatchObject({ code: 'stop-incomplete', message: expect.stringContaining(id) })
  await stack.close()
})
