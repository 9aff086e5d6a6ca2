import type { State } from '@jobyard/jobs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Why } from '../../src/domain/model.ts'
import type { Scope } from '../../src/store/contract.ts'
import { releaseNext } from '../../src/store/procedures/consequences.ts'
import { listRuns, type RunFilter } from '../../src/store/procedures/page-runs.ts'
import { type JobFilter, listJobs } from '../../src/store/procedures/read-jobs.ts'
import { countLive, liveRuns } from '../../src/store/procedures/read-runs.ts'
import { rewindRuns, rewindTasks } from '../../src/store/procedures/rewind.ts'
import { type Row, type Statement, sqliteDialect } from '../../src/store/sql.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { type OpenRepository, openRepository } from './repository.ts'

const WHYS: readonly Why[] = ['manual', 'schedule', 'webhook']
const STATES: readonly State[] = ['running', 'pending', 'completed', 'failed', 'stopped']
const KINDS = ['call', 'script']
const BEGIN = Date.parse('2026-01-01T00:00:00Z')

interface TestRun {
  readonly id: string
  readonly jobId: string
  readonly collectionId: string
  readonly kind: string
  readonly why: Why
  readonly state: State
}

/** Runs a second apart, of six jobs in two collections and two kinds, each with every state and reason. */
function makeRuns(): TestRun[] {
  return Array.from({ length: 360 }, (_, index) => {
    const job = index % 6
    const hex = (BEGIN + index * 1000).toString(16).padStart(12, '0')
    return {
      id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`,
      jobId: `job-${job}`,
      collectionId: `collection-${job % 2}`,
      kind: KINDS[job % 3 === 0 ? 0 : 1] ?? '',
      why: WHYS[Math.floor(index / 6) % 3] ?? 'manual',
      state: STATES[Math.floor(index / 18) % 5] ?? 'pending',
    }
  })
}

const SCOPE: Pick<Scope, 'send'> = {
  *send() {
    // Nothing is to be sent.
  },
}

/** A heap of runs that wait for somebody to take them. */
const WAITING = { collectionId: 'x', kind: 'x', why: 'manual', state: 'pending' }

const isOver = (state: State) => state === 'completed' || state === 'failed' || state === 'stopped'

describe.each(DATABASES)('on %s', (database) => {
  let repository: OpenRepository
  const runs = makeRuns()

  beforeAll(async () => {
    repository = await openRepository(database)
    const collections = ['collection-0', 'collection-1']
    await repository.addRows(
      'collection',
      collections.map((id) => ({ id, name: id, name_key: id, created_at: 0 })),
    )
    const jobs = [...new Map(runs.map((run) => [run.jobId, run])).values()]
    await repository.addRows(
      'job',
      jobs.map(({ jobId, collectionId, kind }, index) => ({
        id: jobId,
        number: 100 + index,
        collection_id: collectionId,
        kind,
        type: 'test',
        name: jobId,
        name_key: jobId,
        spec: '{}',
        policy: '{}',
        enabled: index % 2,
        version: 1,
        warnings: '[]',
        created_at: 0,
        updated_at: 0,
      })),
    )
    await repository.addRows(
      'run',
      runs.map(({ id, jobId, collectionId, kind, why, state }, index) => ({
        id,
        job_id: jobId,
        collection_id: collectionId,
        kind,
        number: index + 1,
        why,
        detail: '{}',
        args: '[]',
        state,
        // Some of what runs and waits has been taken by an instance.
        owner: !isOver(state) && index % 4 === 0 ? 'somebody' : null,
        created_at: 0,
        finished_at: isOver(state) ? 1 : null,
      })),
    )
  })

  afterAll(() => repository.close())

  const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })
  const moments = fc.option(fc.integer({ min: BEGIN, max: BEGIN + 360_000 }), { nil: undefined, freq: 1 })
  const filters = fc.record({
    jobId: optional(['job-0', 'job-1', 'job-5', 'nobody']),
    collectionId: optional(['collection-0', 'collection-1', 'nowhere']),
    kind: optional([...KINDS, 'device']),
    states: fc.option(fc.uniqueArray(fc.constantFrom(...STATES), { minLength: 1 }), { nil: undefined, freq: 2 }),
    why: optional([...WHYS, 'rerun'] as Why[]),
    from: moments,
    to: moments,
    before: optional(runs.map(({ id }) => id)),
    limit: fc.integer({ min: 1, max: 40 }),
  })

  const matches = (run: TestRun, filter: { [name in keyof RunFilter]?: RunFilter[name] | undefined }): boolean => {
    const time = Number.parseInt(run.id.replace('-', '').slice(0, 12), 16)
    return (
      (filter.jobId ?? run.jobId) === run.jobId &&
      (filter.collectionId ?? run.collectionId) === run.collectionId &&
      (filter.kind ?? run.kind) === run.kind &&
      (filter.why ?? run.why) === run.why &&
      (filter.states?.includes(run.state) ?? true) &&
      time >= (filter.from ?? 0) &&
      time < (filter.to ?? Number.POSITIVE_INFINITY) &&
      run.id < (filter.before ?? 'g')
    )
  }

  test('a page holds the newest runs that match all filters', async () => {
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
        const page = await repository.store.read('listRuns', given as unknown as RunFilter)
        const expected = runs.toReversed().filter((run) => matches(run, filter))
        expect(page.map(({ id }) => id)).toEqual(expected.slice(0, filter.limit).map(({ id }) => id))
      }),
      { numRuns: 150 },
    )
  })

  test('the newest run of a job is the one with the highest number', async () => {
    const latest = await repository.store.read('latestRuns', { jobIds: ['job-3', 'job-4', 'nobody'] })
    expect(latest.map(({ id }) => id).sort()).toEqual([runs[357]?.id, runs[358]?.id])
  })

  test('a deleted job has its name for as long as it has runs', async () => {
    const id = await repository.addJob('short-lived', {}, 1)
    const [row] = await repository.ask('select * from run where id = ?', runs[2]?.id ?? '')
    await repository.addRows('run', [{ ...row, id: repository.ids.next(), job_id: id, number: 1, finished_at: 1 }])
    await repository.store.write('deleteJob', { id, actor: ACTOR, at: 2 })
    expect(await repository.store.read('getJob', { id })).toBeNull()
    const brief = { id, name: 'short-lived', kind: 'test', type: 'test' }
    expect(await repository.store.read('briefJobs', { ids: [id, 'nobody'] })).toMatchObject([brief])
    while ((await repository.store.write('pruneJob', { jobId: id, at: 3 })).more);
    expect(await repository.store.read('briefJobs', { ids: [id] })).toEqual([])
  })

  test('jobs are listed by name, page by page', async () => {
    const names: string[] = []
    let after: { name: string; id: string } | undefined
    for (;;) {
      const page = await repository.store.read('listJobs', { limit: 2, ...(after === undefined ? {} : { after }) })
      const last = page.at(-1)
      if (last === undefined) break
      names.push(...page.map(({ name }) => name))
      after = { name: last.name, id: last.id }
    }
    expect(names).toEqual(['job-0', 'job-1', 'job-2', 'job-3', 'job-4', 'job-5'])
    const some = await repository.store.read('listJobs', { kind: 'call', enabled: true, search: 'B-3', limit: 5 })
    expect(some.map(({ name }) => name)).toEqual(['job-3'])
  })

  test('a number belongs to one run of a job', async () => {
    const [row] = await repository.ask('select * from run where id = ?', runs[0]?.id ?? '')
    if (row === undefined) throw new Error('The run is gone.')
    await expect(repository.addRows('run', [{ ...row, id: 'another' }])).rejects.toThrow(/unique/i)
  })

  test('runs that wait in more collections than one statement looks into are listed all the same', async () => {
    const [row] = await repository.ask('select * from run where id = ?', runs[0]?.id ?? '')
    const waiting = Array.from({ length: 450 }, (_, index) => ({
      ...row,
      id: `f-${String((index * 7) % 450).padStart(3, '0')}`,
      job_id: 'nobody',
      number: index,
      collection_id: `many-${index}`,
      state: 'suspended',
      owner: null,
      finished_at: null,
    }))
    await repository.addRows('run', waiting)
    const page = await repository.store.read('listRuns', { states: ['suspended'], limit: 300 })
    const ids = waiting.map(({ id }) => id).toSorted()
    expect(page.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 300))
    await repository.ask(`delete from run where state = 'suspended'`)
  })
})

describe('what SQLite reads for a page', () => {
  let repository: OpenRepository

  beforeAll(async () => {
    repository = await openRepository('sqlite')
  })

  afterAll(() => repository.close())

  interface PlanRow {
    readonly id: number
    readonly parent: number
    readonly detail: string
  }

  /** What SQLite would do for each statement of a procedure. */
  async function explain(steps: Generator<Statement, unknown, readonly Row[]>): Promise<PlanRow[][]> {
    const plans: PlanRow[][] = []
    for (let step = steps.next(); !step.done; ) {
      const { query, params } = step.value
      const text = query.text(sqliteDialect)
      const rows = await repository.ask(`explain query plan ${text}`, ...params)
      plans.push(
        rows.map(({ id, parent, detail }) => ({ id: Number(id), parent: Number(parent), detail: `${detail}` })),
      )
      // What there is to look into is looked up first: one, then no other.
      const anew = params.at(-1) === ''
      if (/min\(kind\)/.test(text) && anew) step = steps.next([{ kind: 'test' }])
      else if (/> \(\?, \?, \?, \?, '~'\)/.test(text) && anew) step = steps.next([WAITING])
      else if (/ from job where id = /.test(text)) step = steps.next([{ collectionId: 'x', kind: 'x' }])
      else step = steps.next([])
    }
    return plans
  }

  async function plansOf(steps: Generator<Statement, unknown, readonly Row[]>): Promise<string[]> {
    return (await explain(steps)).flat().map(({ detail }) => detail)
  }

  const filters: Record<string, Omit<RunFilter, 'limit'>> = {
    'a job': { jobId: 'x' },
    'a state of a job': { jobId: 'x', states: ['failed'] },
    'the live runs of a job': { jobId: 'x', states: ['running', 'pending'] },
    'a reason of a job': { jobId: 'x', why: 'webhook' },
    'a collection': { collectionId: 'x' },
    'a kind of a collection': { collectionId: 'x', kind: 'x' },
    'a state and kind of a collection': { collectionId: 'x', kind: 'x', states: ['failed', 'pending'] },
    'a state of a collection': { collectionId: 'x', states: ['failed', 'stopped'] },
    'a kind': { kind: 'x' },
    'a state': { states: ['completed'] },
    'several states': { states: ['completed', 'failed', 'running'] },
    'the live runs': { states: ['running', 'pending'] },
    'what runs': { states: ['running'] },
    'what runs of a job': { jobId: 'x', states: ['running'] },
    'what waits in a collection': { collectionId: 'x', states: ['pending'], before: 'x' },
    'a reason': { why: 'rerun' },
    'a time': { from: 1, to: 2 },
    'a state of a time': { from: 1, to: 2, states: ['failed'] },
    'the page after another': { before: 'x', collectionId: 'x', why: 'manual' },
  }

  test.each(Object.entries(filters))('of %s is found by indexes', async (_name, filter) => {
    const plans = await plansOf(listRuns({ ...filter, limit: 50 }))
    expect(plans.filter((plan) => /^SCAN run\b/.test(plan))).toEqual([])
    for (const plan of plans.filter((each) => /^SEARCH run USING PRIMARY KEY/.test(each))) {
      expect(plan).toMatch(/\(id=\?\)|\(id>\? AND id<\?\)/)
    }
    const indexed = plans.filter((plan) => /^SEARCH run USING .*INDEX run_((job_|collection_)?page|waiting)/.test(plan))
    // The next kind and the next heap are one look into the index.
    const goal =
      /\((job_id|kind|collection_id=\? AND kind)=\? AND why=\? AND state=\?|\((collection_id=\? AND )?kind>\?\)$|\(\(collection_id,kind,why,state,id\)>/
    for (const plan of indexed) expect(plan).toMatch(goal)
    const others = plans.filter((plan) => /^SEARCH run\b/.test(plan) && !indexed.includes(plan))
    for (const plan of others)
      expect(plan).toMatch(/PRIMARY KEY|INDEX run_owner \(owner>\?\)|INDEX run_live \(job_id=\?/)
  })

  test.each(Object.entries(filters))('of %s is sorted only where that is little', async (_name, filter) => {
    for (const plan of await explain(listRuns({ ...filter, limit: 50 }))) {
      const heaps = plan.filter(({ detail }) => detail === 'CO-ROUTINE heap_').map(({ id }) => id)
      for (const { parent } of plan.filter(({ detail }) => detail.includes('TEMP B-TREE'))) {
        // The newest of each heap are put in order, and so is what instances have taken; no other heap is.
        const beside = plan.filter((row) => row.parent === parent).map(({ detail }) => detail)
        if (heaps.includes(parent)) expect(beside.join()).toContain('INDEX run_owner')
      }
    }
  })

  const overLive: Record<string, () => Generator<Statement, unknown, readonly Row[]>> = {
    'the unfinished runs of a job': () => liveRuns({ jobId: 'x' }),
    'the unfinished runs of a job, as a page': () => listRuns({ jobId: 'x', states: ['running'], limit: 50 }),
    'the next of a queue': () => releaseNext(SCOPE, [{ jobId: 'x' }], 1),
    'the number of unfinished runs': () => countLive(),
  }

  test.each(Object.entries(overLive))('%s are found among the unfinished ones alone', async (_name, steps) => {
    const plans = (await plansOf(steps())).filter((plan) => /^(SCAN|SEARCH) (run|other|waiting)\b/.test(plan))
    expect(plans.length).toBeGreaterThan(0)
    for (const plan of plans) expect(plan).toMatch(/INDEX run_(live|queue|waiting|owner)\b|PRIMARY KEY \(id=\?\)/)
  })

  test('the look for what waits after the clock was put back goes by the times that are waited for', async () => {
    const [at, limit] = [1, 5]
    const scope = { ...SCOPE, dialect: sqliteDialect }
    const plans = [
      ...(await plansOf(rewindTasks({ at, limit }))),
      ...(await plansOf(rewindRuns({ at, was: null, after: null, limit }, scope))),
    ]
    const big = plans.filter((plan) => /^(SCAN|SEARCH) (task|run)\b/.test(plan))
    expect(big).toEqual([
      expect.stringContaining('INDEX task_waiting (not_before>?)'),
      expect.stringContaining('INDEX task_parked (parked_until>?)'),
      expect.stringContaining('INDEX run_dispatch ((dispatch_at,id)>(?,?))'),
      expect.stringContaining('INDEX task_pending (run_id=?)'),
    ])
  })

  const jobFilters: Record<string, Omit<JobFilter, 'limit'>> = {
    all: {},
    'a collection': { collectionId: 'x', after: { name: 'a', id: 'b' } },
    'a kind': { kind: 'x', enabled: true },
    'a search': { search: 'x', after: { name: 'a', id: 'b' } },
  }

  test.each(Object.entries(jobFilters))('of jobs, by %s, needs no sorting', async (_name, filter) => {
    const plans = await plansOf(listJobs({ ...filter, limit: 50 }))
    expect(plans.join('\n')).toMatch(/INDEX job_(collection_)?page/)
    expect(plans.join('\n')).not.toMatch(/TEMP B-TREE/)
  })
})
