import { describe, expect, test } from 'vitest'
import { shortName } from '../../src/domain/instance-name.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { started: false })

  const recordsOf = async (jobId: string) => {
    const records = await on.stack.store.read('listContinuousRuns', { jobId })
    return records.toSorted((one, other) => (one.runId < other.runId ? -1 : 1))
  }

  test('what the log of a continuous job tells of its runs is noted when it comes about', async () => {
    on.kind.work = on.held.work
    await on.start()
    const job = await on.stack.job('always', {
      type: 'continuous',
      triggers: [{ type: 'continuous', singleton: false }],
      policy: { restart: { delayMs: 5 } },
    })
    await eventually('it runs', () => on.held.targets.length === 1)
    on.held.end('one', { state: 'completed' })
    await eventually('it runs again', () => on.held.targets.length === 1)
    const row = await on.stack.store.read('getJob', { id: job })
    if (row === null) throw new Error('The job is gone.')
    await on.stack.jobs.setEnabled(row, false, ACTOR)
    await eventually('it has stopped', async () => (await on.stack.store.read('liveRuns', { jobId: job })).length === 0)
    const runs = (await on.stack.store.read('listRuns', { jobId: job, limit: 10 })).toReversed()
    const called = shortName('here')
    expect(await recordsOf(job)).toEqual([
      { runId: runs[0]?.id, singleton: false, called, again: false, said: null, askedAt: null, waitMs: 5 },
      {
        runId: runs[1]?.id,
        singleton: false,
        called,
        again: true,
        said: false,
        askedAt: expect.any(Number),
        waitMs: 0,
      },
    ])
    const [, stopped] = await recordsOf(job)
    expect(stopped?.askedAt).toBeGreaterThanOrEqual(runs[1]?.createdAt ?? 0)
    expect(stopped?.askedAt).toBeLessThanOrEqual(runs[1]?.finishedAt ?? 0)
  })

  test('runs of a continuous job that starts again and again are kept while they are in its log', async () => {
    on.kind.work = (_task, { output }) => {
      output('output', 'x'.repeat(9_000))
      return { state: 'completed' }
    }
    await on.start()
    const job = await on.stack.job('quick', {
      type: 'continuous',
      triggers: [{ type: 'continuous', singleton: false }],
      policy: { restart: { delayMs: 0 } },
    })
    const count = async () => (await on.stack.store.read('getRunByNumber', { jobId: job, number: 120 })) !== null
    await eventually('it has run 120 times', count)
    const row = await on.stack.store.read('getJob', { id: job })
    if (row === null) throw new Error('The job is gone.')
    await on.stack.jobs.setEnabled(row, false, ACTOR)
    await eventually('it has stopped', async () => (await on.stack.store.read('liveRuns', { jobId: job })).length === 0)
    const prune = async () => {
      while ((await on.stack.store.write('pruneJob', { jobId: job, at: Date.now() })).more);
    }
    const newest = (await on.stack.store.read('latestRuns', { jobIds: [job] }))[0]?.number ?? 0
    await prune()
    // Each makes up about 9 KB of a log of which 2 MB are kept.
    expect((await on.stack.store.read('listRuns', { jobId: job, limit: 1000 })).length).toBe(Math.min(newest, 231))
    await on.stack.job('quick', { type: 'continuous', policy: { keepRuns: 20 } })
    await prune()
    expect(await on.stack.store.read('listRuns', { jobId: job, limit: 1000 })).toHaveLength(20)
    expect(await recordsOf(job)).toHaveLength(20)
  })
})
