import type { State } from '@jobyard/jobs'
import type { NextTry } from '../../domain/retry.ts'
import type { RunCore } from './run-core.ts'
import { type NewTask, supersede, type TaskCore } from './tasks.ts'

/** How an attempt ended, as it goes on record. */
export interface Ending {
  readonly to: State
  readonly reason?: { readonly code: string; readonly text: string }
  /** JSON text. */
  readonly result?: string
  readonly usage?: {
    readonly cpuMs: number | null
    readonly peakBytes: number | null
    readonly exitCode?: number | null
  }
  /** Bytes of its output that are kept. Absent: nobody knows. */
  readonly outputBytes?: number
}

/** Another attempt at the same target, under its id. */
export interface Retry extends NextTry {
  readonly id: string
}

/** Notes on a task, and on its run for those who look at no task, how it went. */
export function recordEnd(task: TaskCore, run: RunCore, { to, reason, result, usage, outputBytes }: Ending): void {
  run.touched = true
  if (outputBytes !== undefined) run.outputBytes = (run.outputBytes ?? 0) + outputBytes
  if (result !== undefined) task.result = result
  if (reason !== undefined) {
    task.reasonCode = reason.code
    task.reasonText = reason.text
    if (to === 'failed' || (to === 'stopped' && run.reasonCode === null)) {
      run.reasonCode = reason.code
      run.reasonText = reason.text
    }
  }
  if (to === 'completed' && run.wanted === 'run' && run.nFailed === 0) {
    run.reasonCode = null
    run.reasonText = null
  }
  if (usage === undefined) return
  task.cpuMs = usage.cpuMs
  task.peakBytes = usage.peakBytes
  task.exitCode = usage.exitCode ?? null
  run.exitCode = usage.exitCode ?? run.exitCode
  run.cpuMs = usage.cpuMs === null ? run.cpuMs : (run.cpuMs ?? 0) + usage.cpuMs
  run.peakBytes = usage.peakBytes === null ? run.peakBytes : Math.max(run.peakBytes ?? 0, usage.peakBytes)
}

/** Takes the ended attempt out of the counts and gives the row of the next one. */
export function nextAttempt(task: TaskCore, run: RunCore, retry: Retry, at: number): NewTask {
  supersede(task, run)
  const next = { ...attemptAfter(task, retry, at), detail: task.detail }
  run.crashes = Math.max(run.crashes, next.crashes)
  run.touched = true
  return next
}

/** The attempt that follows another at its target, whose detail it shares. */
export function attemptAfter(
  { runId, target, attempt, crashes }: Pick<TaskCore, 'runId' | 'target' | 'attempt' | 'crashes'>,
  { id, delayMs, crashed }: Retry,
  at: number,
) {
  return {
    id,
    runId,
    target,
    attempt: attempt + 1,
    crashes: crashes + (crashed ? 1 : 0),
    state: 'pending',
    owner: null,
    fence: 0,
    // A time of now would be later than the one that a write beside it goes by, and the run would rest for nothing.
    notBefore: delayMs === 0 ? null : at + delayMs,
    createdAt: at,
    startedAt: null,
  } as const satisfies Omit<NewTask, 'detail'>
}
