import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PENDING_PAGE } from '../../src/store/procedures/pending-tasks.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES, type Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { goOn, leaveRun, MANY, recount, targetsOf, watchPages } from './big-run.ts'

const USER = { code: 'user', text: 'A person asked for it.' }
const LONG = 90_000

describe.each(DATABASES)('a run of which more is to be done than is kept in memory, on %s', (database) => {
  const on = useStacks(database, { started: false })

  /** Holds every target from the so-manieth on. */
  function holdFrom(count: number): void {
    on.kind.work = (task, context) =>
      on.kind.begun.length >= count ? on.held.work(task, context) : { state: 'completed' }
  }

  /** A run of many targets that is held in its middle, with its first page begun and its last one not read yet. */
  async function halfDone(stack: Stack, policy = {}): Promise<string> {
    holdFrom(PENDING_PAGE + 200)
    const id = await leaveRun(stack, await stack.job('big', { policy: { parallel: 8, ...policy } }), left())
    await goOn(stack, id)
    await eventually('it is held in the middle', () => on.held.targets.length >= 8, LONG)
    return id
  }

  const left = () => targetsOf(MANY).map((target) => ({ target }))
  const begunOf = (id: string) => on.kind.begun.filter(({ runId }) => runId === id).map(({ target }) => target)
  const finish = (stack: Stack, id: string) =>
    eventually(
      `run ${id} has ended`,
      async () => {
        const run = await stack.store.read('getRun', { id })
        return run?.finishedAt == null ? undefined : run
      },
      LONG,
    )

  test('is worked off page by page, each target once, in order', { timeout: 120_000 }, async () => {
    const stack = await on.start()
    const pages = watchPages(stack.store)
    const id = await leaveRun(stack, await stack.job('big', { policy: { parallel: 1 } }), left())
    await goOn(stack, id)
    expect((await finish(stack, id)).counts).toMatchObject({ completed: MANY, pending: 0 })
    expect(begunOf(id)).toEqual(targetsOf(MANY))
    expect(pages.length).toBeLessThan(6)
    expect(Math.max(...pages)).toBe(PENDING_PAGE)
  })

  test('is stopped as a whole', { timeout: 120_000 }, async () => {
    const stack = await on.start()
    const id = await halfDone(stack)
    await stack.engine.want([id], 'stop', USER)
    const { counts, state } = await finish(stack, id)
    const completed = PENDING_PAGE + 199
    expect([state, begunOf(id).length]).toEqual(['stopped', completed + 8])
    expect(counts).toMatchObject({ pending: 0, running: 0, completed, stopped: MANY - completed })
    expect(await recount(stack, id)).toEqual({ completed, stopped: MANY - completed })
  })

  test('rests as a whole and goes on as a whole', { timeout: 120_000 }, async () => {
    const stack = await on.start()
    const id = await halfDone(stack)
    await stack.engine.want([id], 'suspend', USER)
    for (const target of on.held.targets) on.held.end(target)
    const resting = await stack.reach(id, 'suspended')
    const begun = begunOf(id)
    expect(resting.counts).toMatchObject({ completed: begun.length, pending: MANY - begun.length, running: 0 })
    on.kind.work = () => ({ state: 'completed' })
    await stack.engine.want([id], 'run', USER)
    expect((await finish(stack, id)).counts).toMatchObject({ completed: MANY })
    expect(begunOf(id).toSorted()).toEqual(targetsOf(MANY))
  })

  test('is given back when the server stops, and is found by the next', { timeout: 120_000 }, async () => {
    const first = await on.start({ drainMs: 60_000 })
    const id = await halfDone(first)
    let gone = false
    const stopped = first.engine.stop().then(() => {
      gone = true
    })
    await eventually('it has gone', () => {
      for (const target of on.held.targets) on.held.end(target)
      return gone
    })
    await stopped
    expect(await first.store.read('getRun', { id })).toMatchObject({ owner: null, finishedAt: null })
    await first.close()
    on.kind.work = () => ({ state: 'completed' })
    const second = await on.start()
    expect((await finish(second, id)).counts).toMatchObject({ completed: MANY })
    expect(begunOf(id).toSorted()).toEqual(targetsOf(MANY))
  })

  test('is found whole after its server was killed', { timeout: 120_000 }, async () => {
    const first = await on.start()
    const jobId = await first.job('big', { policy: { parallel: 8, onCrash: 'retry' } })
    const id = await leaveRun(first, jobId, left())
    await first.stop()
    const program = fork(join(import.meta.dirname, 'killed-engine.ts'), [JSON.stringify(on.place), id], {
      stdio: 'pipe',
    })
    const ended = once(program, 'exit')
    await once(program, 'message')
    program.kill('SIGKILL')
    await ended
    const second = await on.start()
    const run = await finish(second, id)
    expect(run).toMatchObject({ state: 'completed', counts: { completed: MANY, failed: 0 } })
    expect(await recount(second, id)).toEqual({ completed: MANY })
    // What the first had done is not done again, but for what ran when it was killed.
    expect(begunOf(id).length).toBeLessThan(MANY - PENDING_PAGE)
  })

  test('forgets none of the attempts that wait for their time', { timeout: 120_000 }, async () => {
    const stack = await on.start()
    const count = 4 * PENDING_PAGE + 300
    on.kind.work = ({ attempt }) => (attempt === 1 ? { state: 'failed', reason: USER } : { state: 'completed' })
    const retry = { kind: 'fixed', attempts: 2, delayMs: 4_000 } as const
    const job = await stack.job('fails', { spec: { targets: targetsOf(count) }, policy: { retry, parallel: 100 } })
    const id = await stack.run(job)
    expect((await finish(stack, id)).counts).toMatchObject({ completed: count, failed: 0 })
    expect(new Set(begunOf(id)).size).toBe(count)
    expect(begunOf(id)).toHaveLength(2 * count)
  })
})
