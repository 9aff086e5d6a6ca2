import { isUtf8 } from 'node:buffer'
import type { Static } from 'typebox'
import type { RunRow, TaskRow } from '../../domain/model.ts'
import type { OutputEntry, OutputPage } from '../../store/output/contract.ts'
import type { JobBrief } from '../../store/procedures/read-jobs.ts'
import type { OutputPage as OutputPageSchema, Run, Task } from '../schemas/runs.ts'

/** A moment as it is shown. */
export function showInstant(time: number): string {
  return new Date(time).toISOString()
}

/** A moment or nothing as it is shown. */
export function showMaybeInstant(time: number | null | undefined): string | null {
  return time === null || time === undefined ? null : showInstant(time)
}

/** A run as it is shown. Only one that is deleted while it is being shown has no job any longer. */
export function showRun(run: RunRow, brief: JobBrief | undefined): Static<typeof Run> {
  const { id, number, why, state, wanted, queued, exitCode, cpuMs, peakBytes } = run
  const { number: jobNumber, name, kind, type } = brief ?? { number: 0, name: '(deleted)', kind: run.kind, type: '' }
  return {
    id,
    job: { id: run.jobId, number: jobNumber, name, kind, type },
    number,
    why,
    detail: { ...run.detail },
    args: [...run.args],
    state,
    wanted,
    counts: { ...run.counts },
    package: run.packageHash,
    scheduledFor: showMaybeInstant(run.scheduledFor),
    createdAt: showInstant(run.createdAt),
    startedAt: showMaybeInstant(run.startedAt),
    finishedAt: showMaybeInstant(run.finishedAt),
    reason: showReason(run),
    exitCode,
    cpuMs,
    peakBytes,
    queued,
  }
}

/** A task as it is shown. */
export function showTask(task: TaskRow): Static<typeof Task> {
  const { id, runId, target, attempt, state, detail, result, exitCode, cpuMs, peakBytes } = task
  return {
    id,
    runId,
    target,
    attempt,
    state,
    detail: detail ?? null,
    notBefore: showMaybeInstant(task.notBefore),
    parkedUntil: showMaybeInstant(task.parkedUntil),
    reason: showReason(task),
    result: result ?? null,
    exitCode,
    cpuMs,
    peakBytes,
    createdAt: showInstant(task.createdAt),
    startedAt: showMaybeInstant(task.startedAt),
    finishedAt: showMaybeInstant(task.finishedAt),
  }
}

function showReason({ reasonCode, reasonText }: { reasonCode: string | null; reasonText: string | null }) {
  return reasonCode === null ? null : { code: reasonCode, text: reasonText ?? '' }
}

/** A piece of output as it is shown: as text when it is valid UTF-8, else in base64, so that no byte is lost. */
export function showEntry({ seq, time, stream, bytes }: OutputEntry) {
  const body = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
  return { seq, time: showInstant(time), stream, ...body }
}

/** A page of output as it is shown. */
export function showOutput(page: OutputPage): Static<typeof OutputPageSchema> {
  const { entries, firstSeq, lastSeq, bytes, dropped, ended } = page
  const last = entries.at(-1)?.seq
  const next = last !== undefined && last < lastSeq ? last : null
  return { items: entries.map(showEntry), firstSeq, lastSeq, bytes, dropped, ended, next }
}
