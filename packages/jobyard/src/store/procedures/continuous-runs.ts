import { endedByItself } from '../../domain/restart.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, forEachRow, idList, insertEach, type Steps, sql, updateEach } from '../sql.ts'
import type { RunCore } from './run-core.ts'
import { namesHere } from './steering.ts'

/*
 * What the log of a continuous job tells of its runs is kept as it was when it came about: later the settings may be
 * others, and the runs before may be gone. Runs of older programs have no such record.
 */

/** The place of a job that runs once, wherever. */
export const ANYWHERE = '*'
/** How a run there tells its place; an instance may be called so, too. */
export const TOLD_ANYWHERE = 'anywhere'

/**
 * Bytes of a run's lines in its job's log besides what it printed: what the engine says at least of one that ends by itself.
 * Line for line the log has more, so what is kept by this measure is never less than is wanted.
 */
const OWN_BYTES = 384
/** Bytes that a run counts for which ended with its server, so that nobody knows what it printed: not many such are kept. */
const UNKNOWN_BYTES = 64 * 1024

/** What the log of a continuous job tells of a run. */
export interface ContinuousRunRow {
  readonly runId: string
  /** Whether it was that of all instances. */
  readonly singleton: boolean
  /** How its instance was called; null: as the one is that shows the log. */
  readonly called: string | null
  /** Whether it followed on one that had ended by itself; else the job was started with it. */
  readonly again: boolean
  /** What its instance had last said of the job being a singleton; null: nothing yet. */
  readonly said: boolean | null
  /** When it was asked to end, epoch milliseconds; null: never, or by the server that ran it when that was shut down. */
  readonly askedAt: number | null
  /** The wait between its end and the next run, in milliseconds; null: it has not ended. */
  readonly waitMs: number | null
}

/** A run that was begun at a place of its job. */
export interface PlacedRun {
  readonly jobId: string
  readonly runId: string
  readonly place: string
}

const enter = insertEach('continuous_run', {
  jobId: 'text',
  runId: 'text',
  place: 'text',
  called: 'text',
  again: 'int',
  said: 'int',
})
// A singleton is everybody's; one run of an instance follows on the other's of the same instance.
const before = sql(
  `select c.place, run.state, run.reason_code as "reasonCode" from continuous_run c join run on run.id = c.run_id
    where c.job_id = ? and (cast(? as int) = 1 or c.place = ? or c.place = '${ANYWHERE}')
    order by c.run_id desc limit 1`,
)

interface Before {
  readonly place: string
  readonly state: string
  readonly reasonCode: string | null
}

/** Puts on record how runs begin. To be called before any other run of their jobs is made. */
export function* enterPlaced(scope: Scope, runs: readonly PlacedRun[]): Steps<void> {
  const rows: (PlacedRun & { readonly called: string | null; readonly again: number; readonly said: number | null })[] =
    []
  const called = yield* namesHere(
    scope,
    runs.map(({ jobId }) => jobId),
  )
  for (const run of runs) {
    const everybodys = run.place === ANYWHERE ? 1 : 0
    const previous = yield* first<Before>(before, run.jobId, everybodys, run.place)
    const again = previous !== undefined && previous.place === run.place && endedByItself(previous)
    const isForgotten = previous === undefined || previous.reasonCode === 'lost' || previous.reasonCode === 'shutdown'
    const said = isForgotten ? null : previous.place === ANYWHERE ? 1 : 0
    rows.push({ ...run, called: called.get(run.jobId) ?? null, again: again ? 1 : 0, said })
  }
  yield* forEachRow(enter, rows)
}

const ask = updateEach('continuous_run', { jobId: 'text', runId: 'text' }, { askedAt: 'int' })

/** Puts on record when runs were asked to end; only those of continuous jobs have that told in a log. */
export function* noteAsked(cores: readonly RunCore[], at: number): Steps<void> {
  const rows = cores
    .filter(({ why }) => why === 'continuous')
    .map(({ id, jobId }) => ({ jobId, runId: id, askedAt: at }))
  if (rows.length > 0) yield* forEachRow(ask, rows)
}

/** SQL: how long the log of a job is, by an expression for its id; null: it has none. */
export function logEndOf(jobId: string): string {
  // SQLite does not see by itself that `max` passes over null, and would not take the index that leaves those out.
  return `(select max(all_.log_end) from continuous_run as all_ where all_.job_id = ${jobId} and all_.log_end is not null)`
}

const end = sql(
  `update continuous_run set wait_ms = ?, log_end = coalesce(${logEndOf('?')}, 0) + ?
    where job_id = ? and run_id = ?`,
)

/** Puts on record what follows on the end of a run, and how long its job's log is with it. */
export function* noteEnded({ id, jobId, outputBytes = UNKNOWN_BYTES }: RunCore, waitMs: number): Steps<void> {
  yield* execute(end, waitMs, jobId, OWN_BYTES + outputBytes, jobId, id)
}

const drop = sql((d) => `delete from continuous_run where job_id = ? and run_id in ${d.ids}`)

/** Forgets runs that are deleted. */
export function* dropPlaced(jobId: string, runIds: readonly string[]): Steps<void> {
  yield* execute(drop, jobId, idList(runIds))
}

/** Of so many of a job's runs, its first, it is looked at a time whether they are still there. */
const LOOKED_AT = 200
// A run is entered in the transaction that makes it, so one that is not there was deleted.
const dropGone = sql(
  `delete from continuous_run where job_id = ? and run_id in (
      select first_.run_id from (select run_id from continuous_run where job_id = ? order by run_id limit ${LOOKED_AT}) as first_
      where not exists (select 1 from run where run.id = first_.run_id)) returning run_id as "runId"`,
)

/** Forgets runs of a job that an older program deleted, which knows of no such record. Answers whether there may be more. */
export function* dropForgotten(jobId: string): Steps<boolean> {
  return (yield* all(dropGone, jobId, jobId)).length === LOOKED_AT
}

const ofJob = sql(
  `select run_id as "runId", place, called, again, said, asked_at as "askedAt", wait_ms as "waitMs" from continuous_run
    where job_id = ? and (cast(? as text) is null or run_id = ?)`,
)

interface Raw extends Omit<ContinuousRunRow, 'singleton' | 'again' | 'said'> {
  readonly place: string
  readonly again: number
  readonly said: number | null
}

/** What the log of a continuous job tells of its runs, in no order; of one run, where that is named. */
export function* listContinuousRuns(input: {
  readonly jobId: string
  readonly runId?: string
}): Steps<ContinuousRunRow[]> {
  const { jobId, runId: wanted = null } = input
  const rows = yield* all<Raw>(ofJob, jobId, wanted, wanted)
  return rows.map(({ place, again, said, ...row }) => ({
    ...row,
    singleton: place === ANYWHERE,
    again: again === 1,
    said: said === null ? null : said === 1,
  }))
}
