import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nextAttemptTimes, PENDING_PAGE, readPending } from '../../src/store/procedures/pending-tasks.ts'
import { postgresDialect, type Steps, sqliteDialect } from '../../src/store/sql.ts'
import { DATABASES } from '../support/stack.ts'
import { type OpenRepository, openRepository } from './repository.ts'

const NOW = 1_000_000

describe.each(DATABASES)('what is pending of runs, on %s', (database) => {
  let repository: OpenRepository
  let jobId: string
  let number = 0

  beforeEach(async () => {
    repository = await openRepository(database)
    jobId = await repository.addJob('big')
    await repository.store.write('enterInstance', {
      instance: { id: 'here', name: 'here', host: 'host', pid: 1, version: '0' },
      at: NOW,
      leaseMs: 3_600_000,
    })
  })

  afterEach(() => repository.close())

  /** Writes a run with tasks; `notBefore` gives the n-th one's time, or null. */
  async function addRun(pending: number, notBefore: (index: number) => number | null = () => null): Promise<string> {
    const { ids, collectionId, addRows } = repository
    const id = ids.next()
    const tasks = Array.from({ length: pending }, (_, index) => {
      const what = { id: ids.next(), run_id: id, target: `t${index}`, attempt: 1, state: 'pending' }
      return { ...what, created_at: 1, not_before: notBefore(index) }
    })
    await addRows('task', [...tasks, { ...tasks[0], id: ids.next(), target: 'done', state: 'completed' }])
    const what = { id, job_id: jobId, collection_id: collectionId, kind: 'test', number: ++number, why: 'manual' }
    const facts = { detail: '{}', args: '[]', state: 'pending', plan_closed: 1, dispatch_at: 1, created_at: 1 }
    await addRows('run', [{ ...what, ...facts, n_pending: pending, n_completed: 1 }])
    return id
  }

  const claim = () => repository.store.write('claimRuns', { owner: 'here', limit: 10, at: NOW })

  test('a claim brings that of small runs, and leaves that of big ones to be read', async () => {
    const [small, big, other] = [await addRun(3), await addRun(PENDING_PAGE + 1), await addRun(PENDING_PAGE - 3)]
    const { runs, tasks } = await claim()
    expect(runs.map(({ id }) => id)).toEqual([small, big, other])
    const given = Map.groupBy(tasks, ({ runId }) => runId)
    expect([small, big, other].map((id) => given.get(id)?.length)).toEqual([3, undefined, PENDING_PAGE - 3])
    expect(new Set(tasks.map(({ state }) => state))).toEqual(new Set(['pending']))
  })

  test('a claim brings no more than a page, however many runs there are', async () => {
    for (let run = 0; run < 4; run++) await addRun(PENDING_PAGE / 2)
    const { runs, tasks } = await claim()
    expect([runs.length, tasks.length]).toEqual([4, PENDING_PAGE])
  })

  test('a page has what falls due first: first attempts, then by time, then by number', async () => {
    const count = PENDING_PAGE + 10
    const id = await addRun(count, (index) => (index % 10 === 0 ? null : Math.floor((count - index) / 2)))
    const page = await repository.store.read('readPending', { runId: id })
    expect(page).toHaveLength(PENDING_PAGE)
    const due = page.map((task) => [task.notBefore ?? 0, task.id] as const)
    expect(due).toEqual(due.toSorted(([a, one], [b, two]) => a - b || (one < two ? -1 : 1)))
    expect(page.filter(({ notBefore }) => notBefore === null)).toHaveLength(count / 10)
    expect(page.at(-1)?.notBefore).toBeLessThan(Math.floor(count / 2))
  })

  /** How the database finds the rows of a procedure's first statement. */
  async function planOf(steps: Steps<unknown>): Promise<string> {
    const { value, done } = steps.next()
    if (done) throw new Error('It asks nothing.')
    const dialect = database === 'sqlite' ? sqliteDialect : postgresDialect
    const text = value.query.text(dialect).replaceAll(/\$\d+/g, '?')
    const plan = await repository.ask(
      `${database === 'sqlite' ? 'explain query plan' : 'explain'} ${text}`,
      ...value.params,
    )
    return plan.map((row) => row.detail ?? row['QUERY PLAN']).join('\n')
  }

  test('is found by its index alone, without the tasks that are done and without sorting', async () => {
    const id = await addRun(5000, (index) => index)
    if (database === 'postgres') await repository.ask('analyze task')
    for (const steps of [readPending({ runId: id }), nextAttemptTimes([id])]) {
      const plan = await planOf(steps)
      expect(plan).toContain('task_pending')
      expect(plan).not.toMatch(/sort|b-tree/i)
    }
    expect(await repository.store.read('readPending', { runId: id })).toHaveLength(PENDING_PAGE)
  })
})
