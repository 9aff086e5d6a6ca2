import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runsToDelete } from '../../src/domain/retention.ts'
import { logPlaceOf } from '../../src/store/procedures/meta.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { type OpenRepository, openRepository } from './repository.ts'

const NOW = 1_000_000
const DAY = 86_400_000

describe.each(DATABASES)('on %s', (database) => {
  let repository: OpenRepository

  beforeAll(async () => {
    repository = await openRepository(database)
  })

  afterAll(() => repository.close())

  /** Writes runs of a job by their ends, in the order of their ids; null: it has not ended. */
  async function addRuns(jobId: string, ends: readonly (number | null)[]) {
    const { ids, collectionId } = repository
    const rows = ends.map((finishedAt, index) => ({
      id: ids.next(),
      job_id: jobId,
      collection_id: collectionId,
      kind: 'test',
      number: index + 1,
      why: 'manual',
      detail: '{}',
      args: '[]',
      state: finishedAt === null ? 'running' : 'completed',
      created_at: 1,
      finished_at: finishedAt,
    }))
    await repository.addRows('run', rows)
    return rows
  }

  async function addTasks(runId: string, count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => ({
      id: repository.ids.next(),
      run_id: runId,
      target: `target-${index}`,
      attempt: 1,
      state: 'completed',
      created_at: 1,
    }))
    await repository.addRows('task', rows)
    await repository.ask('update run set n_completed = ? where id = ?', count, runId)
  }

  /** Prunes to the end; answers how many turns it took. */
  async function prune(jobId: string): Promise<number> {
    for (let turns = 1; ; turns++) {
      const { more } = await repository.store.write('pruneJob', { jobId, at: NOW })
      if (!more) return turns
    }
  }

  const countTasks = async (runId: string) =>
    Number((await repository.ask('select count(*) as n from task where run_id = ?', runId))[0]?.n)
  const runIds = async (jobId: string) =>
    (await repository.ask('select id from run where job_id = ? order by id', jobId)).map(({ id }) => id)

  test('the store deletes the runs that the rule names, and none else', async () => {
    const ends = fc.array(fc.option(fc.integer({ min: NOW - 20, max: NOW }), { nil: null, freq: 6 }), { maxLength: 20 })
    const limits = fc.record({
      keepRuns: fc.integer({ min: 0, max: 15 }),
      keepAgeMs: fc.option(fc.integer({ min: 0, max: 25 }), { nil: null }),
    })
    let jobs = 0
    await fc.assert(
      fc.asyncProperty(ends, limits, async (all, { keepRuns, keepAgeMs }) => {
        const jobId = await repository.addJob(`job-${++jobs}`, { keepRuns, keepAgeMs }, all.length)
        const rows = all.length === 0 ? [] : await addRuns(jobId, all)
        const finished = rows.flatMap(({ id, finished_at: finishedAt }) =>
          finishedAt === null ? [] : [{ id, finishedAt }],
        )
        const gone = new Set(runsToDelete(finished, { keepRuns, keepAgeMs }, NOW).map(({ id }) => id))
        for (const _ of ['first', 'again']) {
          await prune(jobId)
          expect(await runIds(jobId)).toEqual(rows.map(({ id }) => id).filter((id) => !gone.has(id)))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('runs that are in the log of their job stay, where nobody has said how many are to be kept', async () => {
    for (const [keepRuns, left] of [
      [100, 145],
      [99, 99],
    ] as const) {
      const jobId = await repository.addJob(`logs-${keepRuns}`, { keepRuns }, 200)
      const ends = Array.from({ length: 200 }, (_, index) => NOW - 200 + index)
      const rows = await addRuns(jobId, ends)
      const logs = rows.map(({ id }, index) => ({
        job_id: jobId,
        run_id: id,
        place: 'a',
        log_end: 15_000 * (index + 1),
      }))
      await repository.addRows('continuous_run', logs)
      const finished = rows.map(({ id }, index) => ({
        id,
        finishedAt: ends[index] ?? 0,
        newerLog: 15_000 * (199 - index),
      }))
      const gone = runsToDelete(finished, { keepRuns, keepAgeMs: null }, NOW)
      await prune(jobId)
      expect(await runIds(jobId)).toEqual(rows.slice(gone.length).map(({ id }) => id))
      expect(await runIds(jobId)).toHaveLength(left)
      const kept = await repository.ask('select run_id as id from continuous_run where job_id = ? order by 1', jobId)
      expect(kept.map(({ id }) => id)).toEqual(await runIds(jobId))
    }
  })

  test('a run that began early and ended last stays', async () => {
    const jobId = await repository.addJob('long', { keepRuns: 2 }, 4)
    const [long, , , last] = await addRuns(jobId, [NOW, NOW - 30, NOW - 20, NOW - 10])
    await prune(jobId)
    expect(await runIds(jobId)).toEqual([long?.id, last?.id])
  })

  test('a run with very many tasks goes in several turns, its output with it', async () => {
    const jobId = await repository.addJob('many', { keepRuns: 1 }, 3)
    const [large, small] = await addRuns(jobId, [1, 2, 3])
    if (large === undefined || small === undefined) throw new Error('There are no runs.')
    await addTasks(large.id, 2_500)
    await addTasks(small.id, 5)
    const first = await repository.store.write('pruneJob', { jobId, at: NOW })
    expect(first).toEqual({ deleted: 0, more: true })
    expect(await countTasks(large.id)).toBe(1_500)
    expect(await prune(jobId)).toBeGreaterThan(1)
    expect(await runIds(jobId)).toHaveLength(1)
    expect(await countTasks(large.id)).toBe(0)
    expect((await repository.store.read('listTrash', { limit: 5_000 })).length).toBe(2_505)
  })

  test('many runs go in turns, and the number of those that are left is known', async () => {
    const jobId = await repository.addJob('busy', { keepRuns: 10 }, 1_000)
    await addRuns(
      jobId,
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    )
    expect(await prune(jobId)).toBe(5)
    expect(await runIds(jobId)).toHaveLength(10)
    const [job] = await repository.ask('select run_count - pruned_count as n from job where id = ?', jobId)
    expect(Number(job?.n)).toBe(10)
  })

  test('where a log begins is forgotten with its job, and not kept for one that is gone', async () => {
    const { store } = repository
    const jobId = await repository.addJob('logged', { keepRuns: 1 }, 0)
    const name = logPlaceOf(jobId)
    await store.write('keepLogPlace', { jobId, place: 'one' })
    await store.write('keepLogPlace', { jobId, place: 'two' })
    expect(await store.read('getMeta', { name })).toBe('two')
    await repository.ask('update job set deleted_at = 1 where id = ?', jobId)
    await prune(jobId)
    expect(await store.read('getMeta', { name })).toBe(null)
    await store.write('keepLogPlace', { jobId, place: 'three' })
    expect(await store.read('getMeta', { name })).toBe(null)
  })

  test('which jobs have occurrences on record is known of many at once', async () => {
    const { store } = repository
    const [one, other, none] = [
      await repository.addJob('occurs', {}, 0),
      await repository.addJob('refuses', {}, 0),
      'none',
    ]
    const row = { outcome: 'skipped', reason: 'It runs.', more: 0, recorded_at: 7 }
    await repository.addRows('occurrence', [
      { ...row, job_id: one, due: 5000 },
      // A refusal of another trigger.
      { ...row, job_id: other, due: 5001 },
    ])
    expect(await store.read('listOccurring', { jobIds: [one, other, none] })).toEqual([one])
    expect(await store.read('listOccurring', { jobIds: [] })).toEqual([])
    expect(await store.read('listOccurrences', { jobId: one, limit: 5 })).toMatchObject([{ due: 5000, recordedAt: 7 }])
  })

  test('who started its runs is on record for the newest starts of a job, and all else of it besides', async () => {
    const { store, ids } = repository
    const start = async (name: string, count: number) => {
      const jobId = await repository.addJob(name, { overlap: 'allow' })
      const common = { jobId, why: 'manual', detail: {}, args: [], actor: ACTOR } as const
      const items = Array.from({ length: count }, () => ({ ...common, id: ids.next() }))
      await store.write('createRuns', { items, at: NOW })
      return { jobId, runs: items.map(({ id }) => id) }
    }
    const known = async ({ runs }: { readonly runs: readonly string[] }) => {
      const rows = await repository.ask(`select target_id as id from audit where action = 'run.start' order by id`)
      const own = new Set(runs)
      return rows.flatMap(({ id }) => (own.has(String(id)) ? [id] : []))
    }
    const few = await start('started-little', 3)
    const many = await start('started-much', 1700)
    const target = { targetType: 'run', targetId: many.runs[0] ?? '', targetName: null, collectionId: null }
    await store.write('addAudit', { entry: { actor: ACTOR, action: 'run.stop', ...target }, at: NOW })
    expect(await prune(many.jobId)).toBe(2)
    expect(await known(many)).toEqual(many.runs.slice(-1000))
    expect(await prune(few.jobId)).toBe(1)
    expect(await known(few)).toEqual(few.runs)
    expect(await store.read('listAudit', { targetId: target.targetId, limit: 5 })).toMatchObject([
      { action: 'run.stop' },
    ])
    expect(await prune(many.jobId)).toBe(1)
    await repository.ask('delete from audit')
  })

  test('what the log of a job tells of runs that an older program deleted goes, and nothing of those that are there', async () => {
    const jobId = await repository.addJob('forgotten', {}, 1)
    const gone = Array.from({ length: 450 }, () => repository.ids.next())
    const [there] = await addRuns(jobId, [null])
    const rows = [...gone, there?.id ?? ''].map((id) => ({ job_id: jobId, run_id: id, place: '*' }))
    await repository.addRows('continuous_run', rows)
    await prune(jobId)
    expect(await repository.ask('select run_id as id from continuous_run where job_id = ?', jobId)).toEqual([
      { id: there?.id },
    ])
  })

  test('old audit entries, instances that went long ago and keys that ran out are deleted', async () => {
    const now = Date.now()
    const actor = { name: 'tester', role: 'admin', address: null }
    const entry = { actor, action: 'test', targetType: 'test', targetId: 'x', targetName: 'x', collectionId: null }
    await repository.store.write('addAudit', { entry, at: now })
    const later = now + 366 * DAY
    const instance = { name: 'n', host: 'h', pid: 1, version: '0', started_at: 1, expires_at: 1 }
    await repository.addRows('instance', [
      { ...instance, id: 'gone-long', state: 'gone', seen_at: later - 8 * DAY },
      { ...instance, id: 'gone-lately', state: 'gone', seen_at: later - 6 * DAY },
      { ...instance, id: 'up', state: 'up', seen_at: later - 8 * DAY },
    ])
    await repository.addRows(
      'idempotency',
      Array.from({ length: 600 }, (_, index) => ({
        actor: 'a',
        name: `key-${index}`,
        fingerprint: '',
        status: 200,
        body: '',
        expires_at: later - 1,
      })),
    )
    expect(await repository.store.write('pruneRecords', { at: now })).toEqual({ more: false })
    expect(await repository.store.read('listAudit', { targetId: 'x', limit: 5 })).toHaveLength(1)
    expect(await repository.store.write('pruneRecords', { at: later })).toEqual({ more: true })
    expect(await repository.store.write('pruneRecords', { at: later })).toEqual({ more: false })
    expect(await repository.store.read('listAudit', { limit: 5 })).toEqual([])
    expect((await repository.ask('select id from instance order by id')).map(({ id }) => id)).toEqual([
      'gone-lately',
      'up',
    ])
  })
})
