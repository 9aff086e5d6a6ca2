import { beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { Repository } from '../../src/store/procedures/index.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

const BROKEN = { state: 'failed', reason: { code: 'x', text: 'It broke.' } } as const

describe.each(DATABASES)('after the clock was put back by an hour, on %s', (database) => {
  const on = useStacks(database, { started: false })
  let clock: ManualClock

  beforeEach(() => {
    clock = new ManualClock('2026-03-01T10:00:00Z')
  })

  const putBack = () => clock.set(clock.now() - 3_600_000)
  const times = (target: string) => on.kind.begun.filter((task) => task.target === target).length

  /** Lets time pass, in steps that give others their turn, until something holds. Answers how much had to pass. */
  async function passUntil(what: string, atMost: number, probe: () => boolean | Promise<boolean>): Promise<number> {
    let passed = 0
    await eventually(what, async () => {
      if (await probe()) return true
      if (passed < atMost) clock.advance(1_000)
      passed += 1_000
      return false
    })
    return passed
  }

  test('a run that waited for room begins as soon as there is some', async () => {
    on.kind.work = on.held.work
    await on.start({ clock, concurrency: 1 })
    await on.stack.run(await on.stack.job('one', { spec: { targets: ['1'] } }))
    await eventually('the first is worked on', () => on.held.targets.length === 1)
    await on.stack.run(await on.stack.job('two', { spec: { targets: ['2'] } }))
    putBack()
    await passUntil('the clock is noticed', 60_000, async () => {
      const [waiting] = await on.stack.store.read('listRuns', { states: ['pending'], limit: 1 })
      return (waiting?.dispatchAt ?? Number.POSITIVE_INFINITY) <= clock.now()
    })
    on.held.end('1')
    await eventually('the second is worked on', () => on.held.targets.includes('2'))
  })

  test('a continuous job starts again after its rest, a failed attempt is tried again after its delay', async () => {
    on.kind.work = () => BROKEN
    await on.start({ clock })
    await on.stack.job('always', {
      type: 'continuous',
      spec: { targets: ['place'] },
      triggers: [{ type: 'continuous', singleton: true }],
    })
    const retry = { kind: 'fixed', attempts: 2, delayMs: 120_000 } as const
    const failing = await on.stack.run(
      await on.stack.job('retry', { spec: { targets: ['attempt'] }, policy: { retry } }),
    )
    await eventually('both have failed once', async () => {
      const run = await on.stack.store.read('getRun', { id: failing })
      const places = await on.stack.store.read('listPlaces', { jobIds: (await allJobs()).map(({ id }) => id) })
      return run?.state === 'pending' && places.some(({ restartAt }) => restartAt !== null)
    })
    putBack()
    expect(await passUntil('it has started again', 180_000, () => times('place') > 1)).toBeLessThan(120_000)
    await passUntil('it is tried again', 300_000, () => times('attempt') === 2)
    const run = await on.stack.reach(failing, 'failed')
    expect(run.finishedAt ?? 0).toBeLessThan(Date.parse('2026-03-01T09:10:00Z'))
  })

  test('a failed attempt of a run that goes on is tried again after its delay', async () => {
    on.kind.work = (task, context) => {
      if (task.target === 'long') return on.held.work(task, context)
      return task.attempt === 1 ? BROKEN : { state: 'completed' }
    }
    await on.start({ clock })
    const retry = { kind: 'fixed', attempts: 2, delayMs: 60_000 } as const
    await on.stack.run(await on.stack.job('goes on', { spec: { targets: ['fails', 'long'] }, policy: { retry } }))
    await eventually('the second attempt waits, the other target is worked on', async () => {
      const [run] = await on.stack.store.read('listRuns', { limit: 1 })
      return run?.counts.pending === 1 && run.counts.running === 1 && on.held.targets.length === 1
    })
    putBack()
    expect(await passUntil('it is tried again', 120_000, () => times('fails') === 2)).toBeLessThan(70_000)
    on.held.end('long')
  })

  test('a waiting attempt of which word comes before the times on record are mended begins after its delay', async () => {
    on.kind.work = (task, context) => {
      if (task.target === 'long') return on.held.work(task, context)
      return task.attempt === 1 ? { state: 'blocked', until: clock.now() + 86_400_000 } : { state: 'completed' }
    }
    const stack = await on.start({ clock })
    const retry = { kind: 'fixed', attempts: 2, delayMs: 60_000 } as const
    const id = await stack.run(await stack.job('parks', { spec: { targets: ['parks', 'long'] }, policy: { retry } }))
    const parked = await eventually('it is parked, the other target is worked on', async () => {
      const tasks = await stack.store.read('listTasks', { runId: id, limit: 5 })
      return on.held.targets.length === 1 ? tasks.find(({ state }) => state === 'blocked') : undefined
    })
    const resolving = holdWrite(stack.store, 'resolveTasks')
    const resolved = stack.engine.resolve(parked.id, BROKEN)
    await resolving.arrived
    await resolving.send()
    putBack()
    resolving.answer()
    await resolved
    expect(await passUntil('it is tried again', 150_000, () => times('parks') === 2)).toBeLessThan(120_000)
    on.held.end('long')
  })

  test.each(['was on its way', 'had no room before'])('so is one whose failure %s', async (how) => {
    on.kind.work = (task, context) => {
      if (task.target === 'long') return on.held.work(task, context)
      return task.attempt === 1 ? BROKEN : { state: 'completed' }
    }
    const stack = await on.start({ clock })
    const { store } = stack
    const retry = { kind: 'fixed', attempts: 2, delayMs: 60_000 } as const
    const end = holdWrite(store, 'changeTasks', '"retry"')
    const id = await stack.run(await stack.job('goes on', { spec: { targets: ['fails', 'long'] }, policy: { retry } }))
    await end.arrived
    const mended = watchMending(store)
    // As when the disk is full: it is not stored, and tried again.
    if (how === 'had no room before') end.refuse()
    putBack()
    await passUntil('the clock is noticed', 60_000, () => mended())
    if (how === 'was on its way') {
      await end.send()
      end.answer()
    }
    expect(await passUntil('it is tried again', 200_000, () => times('fails') === 2)).toBeLessThan(90_000)
    const tasks = await store.read('listTasks', { runId: id, limit: 5 })
    const again = tasks.find(({ attempt }) => attempt === 2)
    if (how === 'had no room before') expect(again?.notBefore).toBeLessThanOrEqual(clock.now())
    on.held.end('long')
  })

  /** Tells whether the times on record have been mended after the clock was put back. */
  function watchMending(store: Repository): () => boolean {
    let mended = false
    const write = store.write.bind(store)
    store.write = async (name, input) => {
      const output = await write(name, input)
      if (name === 'rewindPlaces') mended = true
      return output
    }
    return () => mended
  }

  const allJobs = () => on.stack.store.read('listJobs', { limit: 10 })

  test('a parked task meets its deadline after the time that it was given, though the server was down meanwhile', async () => {
    on.kind.work = () => ({ state: 'blocked', until: clock.now() + 600_000 })
    await on.start({ clock })
    const parked = await on.stack.run(await on.stack.job('parked'))
    await on.stack.reach(parked, 'blocked')
    await on.stack.engine.stop()
    await on.stack.close()
    putBack()
    await on.start({ clock })
    await passUntil('it has failed', 1_200_000, async () => {
      return (await on.stack.store.read('getRun', { id: parked }))?.state === 'failed'
    })
    expect(clock.now()).toBeLessThan(Date.parse('2026-03-01T09:15:00Z'))
    expect((await on.stack.store.read('getRun', { id: parked }))?.reasonCode).toBe('timeout')
  })
})
