import type { JobRow, RunRow } from '../../domain/model.ts'
import { all, idList, Query, type Steps, sql } from '../sql.ts'
import type { TriggerRow } from './entities.ts'
import { nameKey } from './jobs.ts'
import { whereAll } from './parts.ts'
import { listTriggers } from './read-jobs.ts'

/** A run as lists of jobs show it. */
export type RunOutline = Pick<
  RunRow,
  'id' | 'number' | 'why' | 'detail' | 'state' | 'createdAt' | 'startedAt' | 'finishedAt' | 'reasonCode'
>

/** A job as lists show it: what changes while its version stays the same, and by what it is known. */
export interface JobOutline
  extends Pick<JobRow, 'id' | 'collectionId' | 'name' | 'type' | 'version' | 'packageHash' | 'enabled'> {
  /** Null when it never ran, and where runs were not asked for. */
  readonly latestRun: RunOutline | null
}

type JobRecord = Omit<JobOutline, 'enabled' | 'latestRun'> & { readonly enabled: number }
type RunRecord = Omit<RunOutline, 'detail'> & { readonly jobId: string; readonly detail: string }

const JOB = `id, collection_id as "collectionId", name, type, version, package_hash as "packageHash", enabled`
const latest = sql(
  (d) => `select id, job_id as "jobId", number, why, detail, state, created_at as "createdAt",
      started_at as "startedAt", finished_at as "finishedAt", reason_code as "reasonCode"
    from run where id in (
      select (select r.id from run r where r.job_id = v.id order by r.number desc limit 1)
      from ${d.ids} as v)`,
)

/** A page of jobs of a type, by name; with the newest run of each when `runs` says so. */
export function* outlineJobs(filter: {
  readonly collectionId: string
  readonly kind: string
  readonly type: string
  readonly runs: boolean
  /** Where the page before ended. */
  readonly after?: { readonly name: string; readonly id: string }
  readonly limit: number
}): Steps<JobOutline[]> {
  const { collectionId, kind, type, runs, after, limit } = filter
  const where = whereAll([
    { text: 'deleted_at is null', params: [] },
    { text: 'collection_id = ? and kind = ? and type = ?', params: [collectionId, kind, type] },
    after === undefined ? undefined : { text: '(name_key, id) > (?, ?)', params: [nameKey(after.name), after.id] },
  ])
  const text = `select ${JOB} from job${where.text} order by name_key, id limit ?`
  const jobs = yield* all<JobRecord>(new Query(() => text, false), ...where.params, limit)
  const found = runs ? yield* all<RunRecord>(latest, idList(jobs.map(({ id }) => id))) : []
  const runOf = new Map(found.map(({ jobId, detail, ...run }) => [jobId, { ...run, detail: JSON.parse(detail) }]))
  return jobs.map(({ enabled, ...job }) => ({
    ...job,
    enabled: enabled === 1,
    latestRun: runOf.get(job.id) ?? null,
  }))
}

/** What a version of a job consists of, as far as lists show it. */
export interface JobVersion {
  readonly id: string
  readonly type: string
  readonly version: number
  readonly spec: unknown
  readonly triggers: readonly TriggerRow[]
  /** Whether the audit log knows of a schedule, present or past, readable or not. */
  readonly wasScheduled: boolean
}

const scheduledOnce = sql(
  (d) => `select distinct target_id as id from audit where target_id in ${d.ids} and detail like '%"schedules":%'`,
)
const specsOf = sql((d) => `select id, type, version, spec from job where id in ${d.ids}`)

/**
 * What these jobs are at their present versions. The triggers are read after the versions, so they may be newer than these
 * and never older: whoever keeps them does so until the version changes.
 */
export function* readVersions({ ids }: { readonly ids: readonly string[] }): Steps<JobVersion[]> {
  const jobs = yield* all<{ id: string; type: string; version: number; spec: string }>(specsOf, idList(ids))
  const triggers = Map.groupBy(yield* listTriggers({ jobIds: ids }), ({ jobId }) => jobId)
  const scheduled = new Set((yield* all<{ id: string }>(scheduledOnce, idList(ids))).map(({ id }) => id))
  return jobs.map(({ spec, ...job }) => ({
    ...job,
    spec: JSON.parse(spec),
    triggers: triggers.get(job.id) ?? [],
    wasScheduled: scheduled.has(job.id),
  }))
}

const namesOf = sql(
  `select name from job where collection_id = ? and kind = ? and type = ? and deleted_at is null order by name_key, id`,
)

/** The names of all jobs of a type, in their order. */
export function* listJobNames(of: {
  readonly collectionId: string
  readonly kind: string
  readonly type: string
}): Steps<string[]> {
  return (yield* all<{ name: string }>(namesOf, of.collectionId, of.kind, of.type)).map(({ name }) => name)
}
