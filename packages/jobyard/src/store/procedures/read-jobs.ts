import type { JobRow } from '../../domain/model.ts'
import { all, first, idList, Query, type Steps, sql } from '../sql.ts'
import { JOB_COLUMNS, type JobRecord, type TriggerRow, toJob, toTrigger } from './entities.ts'
import { nameKey } from './jobs.ts'
import { given, whereAll } from './parts.ts'

const jobById = sql(`select ${JOB_COLUMNS} from job where id = ? and deleted_at is null`)
const jobByName = sql(
  `select ${JOB_COLUMNS} from job
    where collection_id = ? and kind = ? and type = ? and name_key = ? and deleted_at is null`,
)
const jobsByNameOnly = sql(
  `select ${JOB_COLUMNS} from job where collection_id = ? and kind = ? and name_key = ? and deleted_at is null order by type`,
)
const jobByNumber = sql(`select ${JOB_COLUMNS} from job where number = ? and deleted_at is null`)

/** A job by its id; null when there is none. */
export function* getJob({ id }: { readonly id: string }): Steps<JobRow | null> {
  const record = yield* first<JobRecord>(jobById, id)
  return record === undefined ? null : toJob(record)
}

/** A job by its short number; null when there is none. */
export function* getJobByNumber({ number }: { readonly number: number }): Steps<JobRow | null> {
  const record = yield* first<JobRecord>(jobByNumber, number)
  return record === undefined ? null : toJob(record)
}

/** What is shown of a job beside its runs. */
export type JobBrief = Pick<JobRow, 'id' | 'number' | 'name' | 'kind' | 'type' | 'collectionId'>

const briefsOf = sql(
  (d) => `select id, number, name, kind, type, collection_id as "collectionId" from job
    where id in ${d.ids}`,
)

/** What these jobs are called, deleted ones too: they stay until the last of their runs is gone. */
export function* briefJobs({ ids }: { readonly ids: readonly string[] }): Steps<JobBrief[]> {
  return [...(yield* all<JobBrief>(briefsOf, idList(ids)))]
}

/** Jobs of a kind with a name: one per type, so without `type` there may be two. */
export function* findJobs(input: {
  readonly collectionId: string
  readonly kind: string
  readonly name: string
  readonly type?: string
}): Steps<JobRow[]> {
  const { collectionId, kind, name, type } = input
  const rows =
    type === undefined
      ? yield* all<JobRecord>(jobsByNameOnly, collectionId, kind, nameKey(name))
      : yield* all<JobRecord>(jobByName, collectionId, kind, type, nameKey(name))
  return rows.map(toJob)
}

/** Which jobs to list, by name. */
export interface JobFilter {
  readonly collectionId?: string
  readonly kind?: string
  readonly type?: string
  readonly enabled?: boolean
  /** Part of the name, whatever its case. */
  readonly search?: string
  /** Where the page before ended. */
  readonly after?: { readonly name: string; readonly id: string }
  readonly limit: number
}

/** A page of jobs, by name. */
export function* listJobs({ collectionId, kind, type, enabled, search, after, limit }: JobFilter): Steps<JobRow[]> {
  const where = whereAll([
    { text: 'deleted_at is null', params: [] },
    given('collection_id = ?', collectionId),
    given('kind = ?', kind),
    given('type = ?', type),
    given('enabled = ?', enabled === undefined ? undefined : Number(enabled)),
    given('name_key like ?', search === undefined ? undefined : `%${escapeLike(nameKey(search))}%`),
    // As one comparison of pairs, which both databases look up in the index of the order.
    after === undefined ? undefined : { text: '(name_key, id) > (?, ?)', params: [nameKey(after.name), after.id] },
  ])
  const text = `select ${JOB_COLUMNS} from job${where.text} order by name_key, id limit ?`
  const rows = yield* all<JobRecord>(new Query(() => text, false), ...where.params, limit)
  return rows.map(toJob)
}

/** Names hold no `%`; a search that does is looked for as it stands, its `_` as any character. */
function escapeLike(text: string): string {
  return text.replaceAll('%', '')
}

const triggersOf = sql(
  (d) => `select id, job_id as "jobId", type, detail, next_due as "nextDue" from job_trigger
    where job_id in ${d.ids} order by id`,
)

/** The triggers of these jobs. */
export function* listTriggers({ jobIds }: { readonly jobIds: readonly string[] }): Steps<TriggerRow[]> {
  const rows = yield* all<Parameters<typeof toTrigger>[0]>(triggersOf, idList(jobIds))
  return rows.map(toTrigger)
}

/** One occurrence of a schedule, as it went. */
export interface OccurrenceRow {
  readonly due: number
  readonly outcome: 'ran' | 'skipped' | 'missed'
  readonly reason: string | null
  readonly runId: string | null
  /** Missed occurrences before this one that are too many to be listed. */
  readonly more: number
  /** When that was put on record, epoch milliseconds. */
  readonly recordedAt: number
  /** How logs call the instance that did so; null: nobody knows. */
  readonly called: string | null
}

const occurrencesOf = sql(
  `select due, outcome, reason, run_id as "runId", more, recorded_at as "recordedAt", called from occurrence
    where job_id = ? and due < ? order by due desc limit ?`,
)

/** What became of a job's occurrences, the newest first. */
export function* listOccurrences(input: {
  readonly jobId: string
  readonly before?: number
  readonly limit: number
}): Steps<OccurrenceRow[]> {
  const before = input.before ?? Number.MAX_SAFE_INTEGER
  return [...(yield* all<OccurrenceRow>(occurrencesOf, input.jobId, before, input.limit))]
}

const occurring = sql(
  (d) => `select v.id from ${d.ids} as v
    where exists (select 1 from occurrence o where o.job_id = v.id and o.due % 1000 = 0)`,
)

/** Which of these jobs have occurrences of a schedule on record. */
export function* listOccurring({ jobIds }: { readonly jobIds: readonly string[] }): Steps<string[]> {
  return (yield* all<{ id: string }>(occurring, idList(jobIds))).map(({ id }) => id)
}

/** Where a continuous job runs, or when it runs again. */
export interface PlaceRow {
  readonly jobId: string
  /** The instance's name, or `*` for a singleton. */
  readonly place: string
  readonly runId: string | null
  readonly startedAt: number | null
  readonly restartAt: number | null
  /** Runs in a row that ended within two minutes of their start. */
  readonly quickEnds: number
  readonly starts: number
}

const placesOf = sql(
  (d) => `select job_id as "jobId", place, run_id as "runId", started_at as "startedAt", restart_at as "restartAt",
      quick_ends as "quickEnds", starts from continuous
    where job_id in ${d.ids} order by place`,
)

/** The places of continuous jobs. */
export function* listPlaces({ jobIds }: { readonly jobIds: readonly string[] }): Steps<PlaceRow[]> {
  return [...(yield* all<PlaceRow>(placesOf, idList(jobIds)))]
}

/** An entry of the audit log. */
export interface AuditRow {
  readonly id: string
  readonly time: number
  readonly actor: string
  readonly role: string
  readonly address: string | null
  readonly action: string
  readonly targetType: string
  readonly targetId: string | null
  readonly targetName: string | null
  readonly collectionId: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

const AUDIT_COLUMNS = `id, time, actor, role, address, action, target_type as "targetType", target_id as "targetId",
  target_name as "targetName", collection_id as "collectionId", detail`

/** A page of the audit log, the newest first. */
export function* listAudit(filter: {
  readonly targetId?: string
  readonly collectionId?: string
  readonly before?: string
  readonly limit: number
}): Steps<AuditRow[]> {
  const where = whereAll([
    given('target_id = ?', filter.targetId),
    given('collection_id = ?', filter.collectionId),
    given('id < ?', filter.before),
  ])
  const query = new Query(() => `select ${AUDIT_COLUMNS} from audit${where.text} order by id desc limit ?`, false)
  const rows = yield* all<Omit<AuditRow, 'detail'> & { detail: string }>(query, ...where.params, filter.limit)
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) }))
}

const readMeta = sql('select value from meta where name = ?')

/** A value of the table of single facts; null when there is none. */
export function* getMeta({ name }: { readonly name: string }): Steps<string | null> {
  return (yield* first<{ value: string }>(readMeta, name))?.value ?? null
}
