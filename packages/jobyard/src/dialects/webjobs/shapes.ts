import { isFinished } from '@jobyard/jobs'
import type { RunRow } from '../../domain/model.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import { showRunId } from '../../domain/webjobs-run-id.ts'
import type { RunOutline } from '../../store/procedures/outline-jobs.ts'
import type { JsonText } from './json-text.ts'
import type { Links } from './links.ts'
import { showDate, showTimeSpan } from './net-time.ts'
import { type ContinuousStatus, runStatus } from './statuses.ts'

/*
 * What Kudu's answers consist of. The members stand in the order in which Kudu writes them, and none is ever left out:
 * clients compare texts.
 */

/** What a job's settings.job says: as it was read, or its text where that would not come out as it was written. */
export type Settings = Readonly<Record<string, unknown>> | JsonText

/** A run of a triggered job. */
export interface RunShape {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly start_time: string
  readonly end_time: string
  readonly duration: string | null
  readonly output_url: string | null
  readonly error_url: string | null
  readonly url: string
  readonly job_name: string
  readonly trigger: string
}

/** A triggered job. */
export interface TriggeredShape extends CommonShape {
  readonly latest_run: RunShape | null
  readonly history_url: string
  readonly scheduler_logs_url: string | null
}

/** A continuous job. */
export interface ContinuousShape extends CommonShape {
  readonly status: string | null
  readonly detailed_status: string | null
  readonly log_url: string
}

/** A job of either type. */
export type JobShape = TriggeredShape | ContinuousShape

interface CommonShape {
  readonly name: string
  readonly run_command: string
  readonly url: string
  readonly extra_info_url: string
  readonly type: string
  readonly error: string | null
  readonly using_sdk: boolean
  readonly settings: Settings
}

/** A job with all that is shown of it. */
export interface WebJob {
  readonly id: string
  readonly collectionId: string
  readonly name: string
  readonly type: string
  /** The script, relative to the top of the package. */
  readonly command: string
  readonly settings: Settings
  /** Whether there is, or was, a schedule: then there is a log of it. */
  readonly scheduled: boolean
  /** Whether the job said in its data folder that it is made with the WebJobs SDK. */
  readonly usingSdk: boolean
  /** Of a triggered job; null when it never ran. */
  readonly latestRun: RunOutline | null
  /** Of a continuous job; null for others. */
  readonly status: ContinuousStatus | null
}

/** A job as Kudu shows it. `now` in epoch milliseconds. */
export function showJob(job: WebJob, links: Links, now: number): JobShape {
  const { name, type } = job
  const common: CommonShape = {
    name,
    run_command: job.command,
    url: links.job(job),
    extra_info_url: links.page(job),
    type,
    error: null,
    using_sdk: job.usingSdk,
    settings: job.settings,
  }
  if (job.status !== null) {
    const { status, detail } = job.status
    return { status, detailed_status: detail, log_url: links.data(job, 'job_log.txt'), ...common }
  }
  return {
    latest_run: job.latestRun === null ? null : showRun(job.latestRun, job, links, now),
    history_url: links.history(job),
    scheduler_logs_url: job.scheduled ? links.data(job, 'job_scheduler.log') : null,
    ...common,
  }
}

/** A run as Kudu shows it. `now` in epoch milliseconds. */
export function showRun(run: RunOutline, job: Pick<WebJob, 'name' | 'type'>, links: Links, now: number): RunShape {
  const id = showRunId(run)
  const begun = run.startedAt ?? run.createdAt
  return {
    id,
    name: id,
    status: runStatus(run),
    start_time: showDate(begun),
    end_time: showDate(run.finishedAt),
    duration: showTimeSpan((isFinished(run.state) ? (run.finishedAt ?? now) : now) - begun),
    output_url: links.data(job, `${id}/output_log.txt`),
    error_url: null,
    url: links.run(job, id),
    job_name: job.name,
    trigger: showTrigger(run),
  }
}

/** Why a run began, in Kudu's words: by its schedule, or by somebody outside, known by the name of his program. */
export function showTrigger({ why, detail }: Pick<RunRow, 'why' | 'detail'>): string {
  if (why === 'schedule') return `Schedule - ${normalise(detail.ncrontab)}`
  return `External - ${typeof detail.userAgent === 'string' ? detail.userAgent : PROGRAMS[why]}`
}

/** Who stands for a run that no request to Kudu's addresses began. */
const PROGRAMS: Readonly<Record<RunRow['why'], string>> = {
  manual: 'Jobyard',
  rerun: 'Jobyard (rerun)',
  webhook: 'Jobyard (webhook)',
  after: 'Jobyard (after another job)',
  failure: 'Jobyard (after a failure)',
  schedule: 'Jobyard',
  continuous: 'Jobyard',
}

function normalise(ncrontab: unknown): string {
  return typeof ncrontab === 'string' ? parseNcrontab(ncrontab).normalised : ''
}
