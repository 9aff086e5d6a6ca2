import { JobyardError } from '../../domain/errors.ts'
import type { JobRow, Policy, TriggerSpec, Warning } from '../../domain/model.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'
import { type Changes, stopRuns } from './advance.ts'
import { type Actor, type AuditEntry, recordAudit } from './audit.ts'
import { JOB_COLUMNS, type JobRecord, toJob } from './entities.ts'
import { noteDeployment } from './hook-causes.ts'
import { lockBelow } from './locks.ts'
import { type AddedPackage, addPackage, type NewPackage } from './packages.ts'
import { auditedSchedules, replaceTriggers, type UnreadableSchedule } from './replace-triggers.ts'
import { shortenRest } from './rewind.ts'
import { calledHere } from './steering.ts'
import { markFolderJob, requireOwnSource, unmarkFolderJob } from './watched-folder.ts'

/** A job as it is to be from now on; everything is given, nothing is merged. */
export interface JobDraft {
  /** The id of a new job; an existing one keeps its own. */
  readonly id: string
  readonly collectionId: string
  readonly kind: string
  readonly type: string
  readonly name: string
  /** True when the kind passes the verdict on runs itself. */
  readonly judged: boolean
  readonly spec: unknown
  readonly policy: Policy
  readonly triggers: readonly TriggerSpec[]
  /** Schedules that it was to have and that cannot be read: they go on record, and nothing follows from them. */
  readonly unreadable?: readonly UnreadableSchedule[]
  readonly enabled: boolean
  readonly warnings: readonly Warning[]
  /** A package to go with it from now on. */
  readonly package?: NewPackage
}

/** How a draft meets what is there. */
export interface SaveJob {
  readonly draft: JobDraft
  /** The version that the draft was made from; null: the job must be new. Another one is a conflict. */
  readonly basedOn: number | null
  readonly action: string
  readonly actor: Actor
  readonly at: number
  /** `folder`: it is the watched folder of the collection that says so; others must not deploy into such a collection. */
  readonly origin?: 'folder'
  /** The folder of jobs in the watched folder that it lies in, as a path. */
  readonly place?: string
  /** True: a continuous job starts again even where nothing about it is new. */
  readonly afresh?: boolean
  /** What is changed by this, for the audit log; it must hold no secret. */
  readonly changed?: Readonly<Record<string, unknown>>
}

/** A saved job and what saving it set going. */
export interface SavedJob extends Changes {
  readonly job: JobRow
  readonly created: Changes['created']
}

const findJob = sql(
  (d) => `select ${JOB_COLUMNS} from job
    where collection_id = ? and kind = ? and type = ? and name_key = ? and deleted_at is null${d.forUpdate}`,
)
const findId = sql(
  'select id from job where collection_id = ? and kind = ? and type = ? and name_key = ? and deleted_at is null',
)
const readJob = sql(`select ${JOB_COLUMNS} from job where id = ?`)
const liveJob = sql((d) => `select ${JOB_COLUMNS} from job where id = ? and deleted_at is null${d.forUpdate}`)
const nextNumber = sql(
  `insert into meta (name, value) values ('job_number', '1')
    on conflict (name) do update set value = cast(cast(meta.value as integer) + 1 as text) returning value`,
)
const insertJob = sql(
  `insert into job (id, number, collection_id, kind, type, name, name_key, spec, policy, enabled, judged, package_hash,
      version, warnings, created_at, updated_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
    on conflict (collection_id, kind, type, name_key) where deleted_at is null do nothing returning id`,
)
const updateJob = sql(
  `update job set name = ?, spec = ?, policy = ?, enabled = ?, judged = ?, package_hash = ?, version = version + 1,
      warnings = ?, updated_at = ? where id = ?`,
)
const liveContinuous = sql(`select id from run where job_id = ? and finished_at is null and why = 'continuous'`)
const freshStart = sql('update continuous set restart_at = null, quick_ends = 0 where job_id = ?')

/** Names compare without regard to case, as users of WebJobs expect. */
export function nameKey(name: string): string {
  return name.toLowerCase()
}

/** Creates a job or makes an existing one what the draft says. History, number and id stay. */
export function* saveJob(save: SaveJob, scope: Scope): Steps<SavedJob> {
  const { draft, basedOn, actor, at, origin, afresh = false } = save
  const { collectionId, kind, type, name } = draft
  const known = yield* first<{ id: string }>(findId, collectionId, kind, type, nameKey(name))
  if (known !== undefined) yield* lockBelow(scope, known.id, 'continuous')
  const before = yield* first<JobRecord>(findJob, collectionId, kind, type, nameKey(name))
  requireVersion(before, basedOn, name)
  const deployed = draft.package !== undefined || before === undefined
  if (origin === undefined && deployed) yield* requireOwnSource(draft, 'deploy', before?.id, at)
  const id = before?.id ?? draft.id
  const hash = draft.package?.hash ?? before?.packageHash ?? null
  if (before === undefined) yield* create(draft, hash, at)
  else yield* update(before, draft, hash, at)
  const triggersChanged = yield* replaceTriggers(scope, id, draft, at)
  if (draft.package !== undefined)
    yield* deploy(scope, draft, { jobId: id, current: before?.packageHash ?? null, added: draft.package, actor, at })
  if (origin === 'folder') yield* markFolderJob(id, save.place ?? null)
  else if (draft.package !== undefined) yield* unmarkFolderJob(id)
  yield* recordAudit(scope, yield* auditOf(scope, save, id, hash), at)
  const job = yield* requireJob(id)
  const changes = yield* restart(scope, before, job, triggersChanged || afresh, at)
  if (before !== undefined) yield* shortenRest(scope, id, at)
  return { job, ...changes }
}

function* deploy(scope: Scope, draft: JobDraft, deployed: AddedPackage): Steps<void> {
  yield* addPackage(deployed)
  const { jobId, added, actor, at } = deployed
  const { collectionId, name: jobName, type: jobType } = draft
  const facts = { jobId, jobName, jobType, hash: added.hash, source: added.source }
  yield* noteDeployment(scope, collectionId, { ...facts, deployedBy: actor.name, deployedAt: at }, at)
}

function requireVersion(before: JobRecord | undefined, basedOn: number | null, name: string): void {
  if ((before?.version ?? null) === basedOn) return
  if (basedOn === null) throw jobExists(name)
  throw new JobyardError('job-changed', `The job ${name} was changed or deleted by somebody else in the meantime.`)
}

function jobExists(name: string): JobyardError {
  return new JobyardError('job-exists', `There is a job ${name} already.`, { field: 'name' })
}

function* auditOf(
  scope: Scope,
  { draft, action, actor, at, changed = {} }: SaveJob,
  id: string,
  hash: string | null,
): Steps<AuditEntry> {
  const { kind, name: targetName, collectionId, triggers } = draft
  const schedules = [...(yield* auditedSchedules(scope, draft, at)), ...(draft.unreadable ?? [])]
  const told = schedules.length === 0 ? {} : { schedules }
  // What the log of the schedule calls this instance, whatever it is called later.
  const called = yield* calledHere(scope, id)
  const by = called === null ? {} : { called }
  const differs = Object.keys(changed).length === 0 ? {} : { changed }
  const types = triggers.map((trigger) => trigger.type)
  const detail = { kind, triggers: types, ...told, package: hash, ...by, ...differs }
  return { actor, action, targetType: 'job', targetId: id, targetName, collectionId, detail }
}

function* create(draft: JobDraft, hash: string | null, at: number): Steps<void> {
  const number = Number((yield* first<{ value: string }>(nextNumber))?.value)
  const { id, collectionId, kind, type, name, spec, policy, enabled, judged, warnings } = draft
  const names = [id, number, collectionId, kind, type, name, nameKey(name)] as const
  const rules = [JSON.stringify(spec), JSON.stringify(policy), enabled ? 1 : 0, judged ? 1 : 0] as const
  const made = yield* first(insertJob, ...names, ...rules, hash, JSON.stringify(warnings), at, at)
  // Another instance has made it since it was looked for, and its transaction was waited for.
  if (made === undefined) throw jobExists(name)
}

function* update(before: JobRecord, draft: JobDraft, hash: string | null, at: number): Steps<void> {
  const { name, spec, policy, enabled, judged, warnings } = draft
  const rules = [JSON.stringify(spec), JSON.stringify(policy), enabled ? 1 : 0, judged ? 1 : 0] as const
  yield* execute(updateJob, name, ...rules, hash, JSON.stringify(warnings), at, before.id)
}

/** Has the runs of a changed continuous job end gracefully; the place is filled again at once with what is new. */
function* restart(
  scope: Scope,
  before: JobRecord | undefined,
  job: JobRow,
  triggersChanged: boolean,
  at: number,
): Steps<Changes> {
  const changed =
    before !== undefined &&
    (triggersChanged ||
      before.packageHash !== job.packageHash ||
      before.spec !== JSON.stringify(job.spec) ||
      (before.enabled === 1) !== job.enabled)
  if (!changed) return { settled: [], created: [] }
  yield* execute(freshStart, job.id)
  const runs = (yield* all<{ id: string }>(liveContinuous, job.id)).map(({ id }) => id)
  const reason = job.enabled
    ? { code: 'redeployed', text: 'The job was changed; it starts again with what is new.' }
    : { code: 'user', text: 'The job was stopped.' }
  return yield* stopRuns(scope, runs, reason, at, 'now')
}

function* requireJob(id: string): Steps<JobRow> {
  const record = yield* first<JobRecord>(readJob, id)
  if (record === undefined) throw new JobyardError('job-unknown')
  return toJob(record)
}

const hideJob = sql('update job set deleted_at = ?, enabled = 0, version = version + 1 where id = ?')
const dropFollowers = sql('delete from job_trigger where job_id = ? or after_job_id = ?')
const dropPlaces = sql('delete from continuous where job_id = ?')
const liveRuns = sql('select id from run where job_id = ? and finished_at is null')

/**
 * Takes a job away. Its unfinished runs are stopped; its history goes with the next pruning. One that is gone already is
 * `job-unknown`.
 */
export function* deleteJob(
  {
    id,
    actor,
    at,
    origin,
  }: { readonly id: string; readonly actor: Actor; readonly at: number; readonly origin?: 'folder' },
  scope: Scope,
): Steps<Changes> {
  yield* lockBelow(scope, id, 'all')
  const record = yield* first<JobRecord>(liveJob, id)
  if (record === undefined) throw new JobyardError('job-unknown')
  if (origin === undefined) yield* requireOwnSource(record, 'delete', id, at)
  const { name: targetName, collectionId } = record
  yield* execute(hideJob, at, id)
  yield* execute(dropFollowers, id, id)
  yield* recordAudit(
    scope,
    { actor, action: 'job.delete', targetType: 'job', targetId: id, targetName, collectionId },
    at,
  )
  const runs = (yield* all<{ id: string }>(liveRuns, id)).map((run) => run.id)
  const changes = yield* stopRuns(scope, runs, { code: 'deleted', text: 'The job was deleted.' }, at, 'now')
  yield* execute(dropPlaces, id)
  return changes
}
