import type { JobRow, Policy, RunRow, TaskRow, TriggerSpec, Warning } from '../../domain/model.ts'
import { CORE_COLUMNS, countsOf, type RunCore } from './run-core.ts'
import { TASK_COLUMNS, type TaskCore } from './tasks.ts'

/** The select list of a whole run. */
export const RUN_COLUMNS = `${CORE_COLUMNS}, run.collection_id as "collectionId", run.kind, run.detail, run.args,
  run.package_hash as "packageHash", run.job_version as "jobVersion", run.scheduled_for as "scheduledFor"`

/** A whole run as the database gives it. */
export interface RunRecord extends RunCore {
  readonly collectionId: string
  readonly kind: string
  readonly detail: string
  readonly args: string
  packageHash: string | null
  jobVersion: number | null
  readonly scheduledFor: number | null
}

/** Turns a run's record into the model's run. Written out, because spreading rows took a third of a claim's time. */
export function toRun(record: RunRecord): RunRow {
  return {
    id: record.id,
    jobId: record.jobId,
    collectionId: record.collectionId,
    kind: record.kind,
    number: record.number,
    why: record.why as RunRow['why'],
    detail: parseObject(record.detail),
    args: record.args === '[]' ? [] : JSON.parse(record.args),
    packageHash: record.packageHash,
    jobVersion: record.jobVersion,
    state: record.state,
    wanted: record.wanted,
    planClosed: record.planClosed === 1,
    cursor: record.cursor,
    counts: countsOf(record),
    owner: record.owner,
    fence: record.fence,
    crashes: record.crashes,
    dispatchAt: record.dispatchAt,
    queued: record.queued === 1,
    scheduledFor: record.scheduledFor,
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    finishedAt: record.finishedAt,
    reasonCode: record.reasonCode,
    reasonText: record.reasonText,
    exitCode: record.exitCode,
    cpuMs: record.cpuMs,
    peakBytes: record.peakBytes,
  }
}

function parseObject(text: string): Record<string, unknown> {
  return text === '{}' ? {} : JSON.parse(text)
}

/** The select list of a whole task. */
export const TASK_RECORD_COLUMNS = `${TASK_COLUMNS}, task.not_before as "notBefore", task.created_at as "createdAt"`

/** A whole task as the database gives it. */
export interface TaskRecord extends TaskCore {
  readonly notBefore: number | null
  readonly createdAt: number
}

/** Turns a task's record into the model's task. */
export function toTask({ latest: _latest, detail, result, ...row }: TaskRecord): TaskRow {
  return {
    ...row,
    detail: detail === null ? null : JSON.parse(detail),
    result: result === null ? null : JSON.parse(result),
  }
}

/** The select list of a whole job. */
export const JOB_COLUMNS = `job.id, job.number, job.collection_id as "collectionId", job.kind, job.type, job.name,
  job.spec, job.policy, job.enabled, job.package_hash as "packageHash", job.version, job.warnings,
  job.created_at as "createdAt", job.updated_at as "updatedAt"`

/** A whole job as the database gives it. */
export interface JobRecord extends Omit<JobRow, 'spec' | 'policy' | 'enabled' | 'warnings'> {
  readonly spec: string
  readonly policy: string
  readonly enabled: number
  readonly warnings: string
}

/** Turns a job's record into the model's job. */
export function toJob({ spec, policy, enabled, warnings, ...row }: JobRecord): JobRow {
  return {
    ...row,
    spec: JSON.parse(spec),
    policy: JSON.parse(policy) as Policy,
    enabled: enabled === 1,
    warnings: JSON.parse(warnings) as Warning[],
  }
}

/** A trigger as it is stored. */
export interface TriggerRow {
  readonly id: string
  readonly jobId: string
  readonly spec: TriggerSpec
  /** When its next occurrence falls due; null for what is no schedule, or one that never comes again. */
  readonly nextDue: number | null
}

/** Turns a trigger's record into the model's trigger. */
export function toTrigger(record: {
  id: string
  jobId: string
  type: string
  detail: string
  nextDue: number | null
}): TriggerRow {
  const { id, jobId, type, detail, nextDue } = record
  return { id, jobId, spec: { type, ...JSON.parse(detail) } as TriggerSpec, nextDue }
}
