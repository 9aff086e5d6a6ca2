import type { DatabaseSync } from 'node:sqlite'
import { type Clock, systemClock } from '../../packages/jobyard/src/domain/clock.ts'
import { createIds } from '../../packages/jobyard/src/domain/ids.ts'

/** Jobs with a schedule each. */
export const JOBS = 10_000
/** Finished runs with a task each. */
export const RUNS = 1_000_000

/** Collections besides the first, and one more in which nothing ever ran. */
const COLLECTIONS = 9

/** Jobs that ran often; the others ran a few times. One of them has a tenth of all runs. */
const BUSY_JOBS = 1000
const DAY_MS = 86_400_000
const HISTORY_MS = 30 * DAY_MS
/** Every so many runs failed, and every so many were asked for by a webhook. */
const FAILED_EVERY = 100
const WEBHOOK_EVERY = 50_000

/** Copies the one job of a new database until there are {@link JOBS}, and gives them a history. Answers filters to try. */
export function fillHistory(database: DatabaseSync, now: number): string[] {
  database.exec('pragma synchronous = off; pragma cache_size = -262144; begin')
  const collections = makeCollections(database, now)
  const jobs = copyJobs(database, collections, now)
  writeRuns(database, jobs, now)
  database.exec('commit; pragma wal_checkpoint(truncate)')
  const day = (ago: number) => new Date(now - ago * DAY_MS).toISOString()
  const [biggest = '', busy = '', quiet = ''] = [jobs[0], jobs[1], jobs[BUSY_JOBS]].map((job) => job?.id)
  return [
    '',
    'state=failed',
    'state=completed&limit=500',
    'kind=script&state=failed,stopped',
    'state=stopped',
    'state=running,pending',
    'kind=unknown',
    'collection=default&state=failed',
    'collection=history-3',
    'collection=history-3&state=failed',
    'collection=history-3&why=webhook&state=completed',
    'collection=empty',
    'collection=empty&state=failed',
    'why=schedule',
    'why=webhook',
    'why=rerun',
    `job=${biggest}`,
    `job=${biggest}&state=failed`,
    `job=${biggest}&state=stopped`,
    `job=${biggest}&why=webhook`,
    `job=${biggest}&why=rerun`,
    `job=${busy}&state=failed`,
    `job=${quiet}&limit=50`,
    `from=${day(20)}&to=${day(19)}`,
    `state=failed&to=${day(25)}`,
    `job=${busy}&from=${day(20)}&to=${day(10)}`,
  ]
}

interface HistoryJob {
  readonly id: string
  readonly collection: string
}

/** Answers the ids of those that jobs are to be in, the first one of the new database among them. */
function makeCollections(database: DatabaseSync, now: number): string[] {
  const ids = createIds(clockAt(() => now))
  const first = String(database.prepare('select id from collection').get()?.id)
  const add = database.prepare('insert into collection (id, name, name_key, created_at) values (?, ?, ?, ?)')
  const make = (name: string): string => {
    const id = ids.next()
    add.run(id, name, name, now)
    return id
  }
  make('empty')
  return [first, ...Array.from({ length: COLLECTIONS }, (_, index) => make(`history-${index + 1}`))]
}

/** Daily schedules, evenly spread over the hours from two to twenty-two from now, so that none is due meanwhile. */
function copyJobs(database: DatabaseSync, collections: readonly string[], now: number): HistoryJob[] {
  const ids = createIds(clockAt(() => now))
  const template = String(database.prepare('select id from job').get()?.id)
  const copyJob = copyStatement(database, 'job', ['id', 'number', 'collection_id', 'name', 'name_key', 'run_count'])
  const copyTrigger = copyStatement(database, 'job_trigger', ['id', 'job_id', 'detail', 'considered_at', 'next_due'])
  const trigger = String(database.prepare('select id from job_trigger').get()?.id)
  const detail = JSON.parse(String(database.prepare('select detail from job_trigger').get()?.detail))
  const jobs: HistoryJob[] = []
  for (let index = 0; index < JOBS; index++) {
    const id = ids.next()
    const due = Math.ceil((now + 2 * 3_600_000 + (index / JOBS) * 20 * 3_600_000) / 1000) * 1000
    const time = new Date(due)
    const ncrontab = `${time.getUTCSeconds()} ${time.getUTCMinutes()} ${time.getUTCHours()} * * *`
    const collection = collections[index % collections.length] ?? ''
    copyJob.run(id, index + 2, collection, `copy-${index}`, `copy-${index}`, 0, template)
    copyTrigger.run(ids.next(), id, JSON.stringify({ ...detail, ncrontab }), now, due, trigger)
    jobs.push({ id, collection })
  }
  return jobs
}

/** A statement that copies a row of a table, with some columns replaced; the last parameter is the id of the original. */
function copyStatement(database: DatabaseSync, table: 'job' | 'job_trigger', replaced: readonly string[]) {
  const columns = database
    .prepare(`select name from pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => String(name))
  const chosen = columns.map((name) => (replaced.includes(name) ? '?' : name))
  // The parameters come in the order of `replaced`, which must be that of the table.
  const inOrder = columns.filter((name) => replaced.includes(name))
  if (inOrder.join() !== replaced.join()) throw new Error(`The columns of ${table} come as ${inOrder.join(', ')}.`)
  return database.prepare(
    `insert into ${table} (${columns.join(', ')}) select ${chosen.join(', ')} from ${table} where id = ?`,
  )
}

function writeRuns(database: DatabaseSync, jobs: readonly HistoryJob[], now: number): void {
  let at = now - HISTORY_MS
  const ids = createIds(clockAt(() => at))
  const version = Number(database.prepare('select version from job limit 1').get()?.version)
  const insertRun = database.prepare(`insert into run (id, job_id, collection_id, kind, number, why, detail, args,
    job_version, state, plan_closed, n_completed, n_failed, fence, scheduled_for, created_at, started_at, finished_at,
    reason_code, reason_text, exit_code, cpu_ms, peak_bytes)
    values (?, ?, ?, 'script', ?, ?, '{}', '[]', ?, ?, 1, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, 12, 3000000)`)
  const insertTask =
    database.prepare(`insert into task (id, run_id, target, attempt, state, fence, created_at, started_at,
    finished_at, reason_code, reason_text, exit_code, cpu_ms, peak_bytes)
    values (?, ?, 'here', 1, ?, 1, ?, ?, ?, ?, ?, ?, 12, 3000000)`)
  const counts = new Map<string, number>()
  for (let index = 0; index < RUNS; index++) {
    at = Math.floor(now - HISTORY_MS + (index / RUNS) * (HISTORY_MS - 60_000))
    const { id: job, collection } = jobs[chooseJob(index)] ?? { id: '', collection: '' }
    const number = (counts.get(job) ?? 0) + 1
    counts.set(job, number)
    const failed = index % FAILED_EVERY === 7
    const state = failed ? 'failed' : 'completed'
    const why = index % WEBHOOK_EVERY === 0 ? 'webhook' : 'schedule'
    const reason = failed ? ['exit-code', 'The script ended with exit code 1.', 1] : [null, null, 0]
    const id = ids.next()
    const due = why === 'webhook' ? null : at
    const [completed, failures] = failed ? [0, 1] : [1, 0]
    const times = [at, at + 5, at + 900]
    insertRun.run(id, job, collection, number, why, version, state, completed, failures, due, ...times, ...reason)
    insertTask.run(ids.next(), id, state, ...times, ...reason)
  }
  const count = database.prepare('update job set run_count = ? where id = ?')
  for (const [job, runs] of counts) count.run(runs, job)
}

/** Every tenth run is the first job's, eight of ten are of the busy ones, the rest is of all. */
function chooseJob(index: number): number {
  if (index % 10 === 0) return 0
  if (index % 10 === 1) return Math.floor(index / 10) % JOBS
  return index % BUSY_JOBS
}

/** A clock that ids can be made by; it wakes nobody. */
function clockAt(now: () => number): Clock {
  return { ...systemClock, now }
}
