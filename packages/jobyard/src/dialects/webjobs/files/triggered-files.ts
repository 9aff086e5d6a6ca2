import { isFinished } from '@jobyard/jobs'
import type { RunRow } from '../../../domain/model.ts'
import { showDate } from '../net-time.ts'
import { showTrigger } from '../shapes.ts'
import { runStatus } from '../statuses.ts'
import { renderedFile } from './rendered-file.ts'
import { statusLine, triggeredEnd } from './run-lines.ts'
import { attemptSegments, type LogSources, ownSegment, type RunRecord, readRun } from './run-log.ts'
import { type Segment, textSegment } from './segments.ts'
import type { SiteFile } from './tree.ts'

/** The log of a run of a triggered job. */
export const OUTPUT_LOG = 'output_log.txt'
/** What the run's state is kept in. */
export const STATUS_FILE = 'status'

/** The log of a run: what the engine says of it, and all that it printed. */
export async function outputLog(sources: LogSources, run: RunRow): Promise<SiteFile> {
  const record = await readRun(sources, run)
  const segments = await runSegments(sources, record)
  const times = { createdAt: run.createdAt, modifiedAt: modifiedAt(record) }
  return renderedFile({ name: OUTPUT_LOG, ...times }, segments)
}

async function runSegments(sources: LogSources, record: RunRecord): Promise<Segment[]> {
  const { run, form, script } = record
  return [
    ownSegment(form, [statusLine(run.createdAt, 'Initializing')]),
    ...(await attemptSegments(sources, record)),
    ownSegment(form, triggeredEnd(run, script)),
  ]
}

/** When a run's log was written to last. */
export function modifiedAt({ run, attempts }: RunRecord): number {
  const times = attempts.flatMap(({ task, figures }) => [task.startedAt ?? 0, figures?.counts.lineTime ?? 0])
  return Math.max(run.createdAt, run.finishedAt ?? 0, ...times)
}

/** The state of a run as the engine of WebJobs keeps it. That it was aborted is never written there: nobody could have. */
export function statusFile(run: RunRow): SiteFile {
  const status = runStatus(run)
  const aborted = status === 'Aborted'
  const state = {
    Trigger: showTrigger(run),
    Status: aborted ? 'Running' : status,
    StartTime: showDate(run.startedAt ?? run.createdAt),
    ...(isFinished(run.state) && !aborted ? { EndTime: showDate(run.finishedAt) } : {}),
  }
  const text = JSON.stringify(state)
  const times = { createdAt: run.createdAt, modifiedAt: run.finishedAt ?? run.startedAt ?? run.createdAt }
  return renderedFile({ name: STATUS_FILE, ...times }, [textSegment(text)])
}
