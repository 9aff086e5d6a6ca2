import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'

/**
 * So long after its last look a folder counts as watched, in milliseconds: 90 seconds, three looks. Then another instance
 * may look into it, and jobs can be deployed in other ways again.
 */
export const WATCH_KEPT_MS = 90_000

/** Something in a watched folder that is not deployed. */
export interface FolderProblem {
  /** Absolute. */
  readonly path: string
  readonly message: string
}

/** The folder that the jobs of a collection come from. */
export interface WatchedFolder {
  readonly path: string
  /** Name of the instance that looks into it. */
  readonly instance: string
  readonly seenAt: number
  readonly problems: readonly FolderProblem[]
  /** Ids of jobs that came from it and are not found there now, but may be there all the same. */
  readonly keeps: readonly string[]
}

/** What was found out about a folder. */
type Findings = Pick<WatchedFolder, 'problems' | 'keeps'>
type Watch = Omit<WatchedFolder, keyof Findings>

const watchOf = sql(
  'select path, instance, seen_at as "seenAt", problems, keeps from watched_folder where collection_id = ?',
)
const lockedWatch = sql(
  (d) => `select path, instance, seen_at as "seenAt" from watched_folder where collection_id = ?${d.forUpdate}`,
)
const putWatch = sql(
  `insert into watched_folder (collection_id, path, instance, seen_at) values (?, ?, ?, ?)
    on conflict (collection_id) do update
      set path = excluded.path, instance = excluded.instance, seen_at = excluded.seen_at`,
)

/** The folder of a collection, when one is watched; null when none is. */
export function* getWatchedFolder({
  collectionId,
  at,
}: {
  readonly collectionId: string
  readonly at: number
}): Steps<WatchedFolder | null> {
  const row = yield* first<Watch & Record<keyof Findings, string>>(watchOf, collectionId)
  if (row === undefined || row.seenAt <= at - WATCH_KEPT_MS) return null
  return { ...row, problems: JSON.parse(row.problems), keeps: JSON.parse(row.keeps) }
}

/**
 * Says that an instance looks into a folder for a collection. True: it is the one that does; false: another one is, and
 * has said so lately.
 */
export function* holdWatchedFolder(
  input: { readonly collectionId: string; readonly path: string; readonly instance: string; readonly at: number },
  _scope: Scope,
): Steps<boolean> {
  const { collectionId, path, instance, at } = input
  const row = yield* first<Watch>(lockedWatch, collectionId)
  // A clock that was put back must not keep everybody waiting until it has caught up.
  const held =
    row !== undefined &&
    row.instance !== instance &&
    row.seenAt > at - WATCH_KEPT_MS &&
    row.seenAt <= at + WATCH_KEPT_MS
  if (!held) yield* execute(putWatch, collectionId, path, instance, at)
  return !held
}

const putFindings = sql('update watched_folder set problems = ?, keeps = ? where collection_id = ? and instance = ?')

/** Notes what of a folder is not deployed, all of it, and which jobs stay without one, by the instance that looks into it. */
export function* noteFolderProblems(
  { collectionId, instance, problems, keeps }: Findings & { readonly collectionId: string; readonly instance: string },
  _scope: Scope,
): Steps<void> {
  yield* execute(putFindings, JSON.stringify(problems), JSON.stringify(keeps), collectionId, instance)
}

const dropWatch = sql('delete from watched_folder where instance = ?')

/** Says that an instance does not look into any folder any more. */
export function* leaveWatchedFolder({ instance }: { readonly instance: string }, _scope: Scope): Steps<void> {
  yield* execute(dropWatch, instance)
}

const folderJobs = sql(
  `select job.id, job.type, job.name, folder_job.place from folder_job join job on job.id = folder_job.job_id
    where job.collection_id = ? and job.deleted_at is null order by job.id`,
)

/** A job that came from a watched folder. */
export interface FolderJobMark {
  readonly id: string
  readonly type: string
  readonly name: string
  /** The folder of jobs that it lay in, as a path; null when that is not known. */
  readonly place: string | null
}

/** The jobs of a collection that came from its folder. */
export function* listFolderJobs({ collectionId }: { readonly collectionId: string }): Steps<FolderJobMark[]> {
  return [...(yield* all<FolderJobMark>(folderJobs, collectionId))]
}

const markJob = sql(
  'insert into folder_job (job_id, place) values (?, ?) on conflict (job_id) do update set place = excluded.place',
)

/** Notes that a job came from its collection's folder, and from where in it; in the transaction that saves it. */
export function* markFolderJob(jobId: string, place: string | null): Steps<void> {
  yield* execute(markJob, jobId, place)
}

const placeJob = sql('update folder_job set place = ? where job_id = ? and (place is null or place <> ?)')

/** Notes where in its collection's folder a job lies, of which nothing else is new. */
export function* placeFolderJob(
  { jobId, place }: { readonly jobId: string; readonly place: string },
  _scope: Scope,
): Steps<void> {
  yield* execute(placeJob, place, jobId, place)
}

const unmarkJob = sql('delete from folder_job where job_id = ?')

/** Notes that a job goes with a package that somebody else deployed: it is no watched folder's any longer. */
export function* unmarkFolderJob(jobId: string): Steps<void> {
  yield* execute(unmarkJob, jobId)
}

/** Kinds of jobs that lie in watched folders. */
const KIND = 'script'

/**
 * Refuses to deploy into, or delete from, a collection whose scripts come from a watched folder, unless it is the folder
 * that asks: 'source-controlled'.
 */
export function* requireOwnSource(
  { collectionId, kind, name }: { readonly collectionId: string; readonly kind: string; readonly name: string },
  act: 'deploy' | 'delete',
  jobId: string | undefined,
  at: number,
): Steps<void> {
  if (kind !== KIND) return
  const folder = yield* getWatchedFolder({ collectionId, at })
  if (folder === null) return
  // What was there before the folder, and never was in it, may go.
  if (act === 'delete' && (jobId === undefined || !(yield* isMarked(jobId)))) return
  // The folder does not bring it back: whether a job goes whose folder is not found is for people to say.
  if (act === 'delete' && jobId !== undefined && folder.keeps.includes(jobId)) return
  const what = act === 'deploy' ? `The job ${name} cannot be deployed` : `The job ${name} cannot be deleted`
  const message = `${what}: the jobs of its collection come from the folder ${folder.path}.`
  const hint = 'Change the files in that folder; the job follows within seconds.'
  throw new JobyardError('source-controlled', message, { hint, data: { folder: folder.path } })
}

const marked = sql('select job_id from folder_job where job_id = ?')

function* isMarked(jobId: string): Steps<boolean> {
  return (yield* first(marked, jobId)) !== undefined
}
