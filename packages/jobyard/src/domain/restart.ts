import { DEFAULT_POLICY, type RestartPolicy } from './model.ts'

/** A run of a continuous job that ended sooner than this, in milliseconds, was short: two minutes, as in WebJobs. */
export const SHORT_RUN_MS = 120_000
/** So many short runs in a row are a crash loop. */
export const CRASH_LOOP_ENDS = 3

/** The rule that counts: a job's own, or where it has the usual one, that of its collection's settings, if they name one. */
export function restartRule(own: RestartPolicy, collectionMs: number | null): RestartPolicy {
  const usual = own.backoff === undefined && own.delayMs === DEFAULT_POLICY.restart.delayMs
  return usual && collectionMs !== null ? { delayMs: collectionMs } : own
}

/** True when a run ended by itself, so that the next one follows after a wait. */
export function endedByItself({
  state,
  reasonCode,
}: {
  readonly state: string
  readonly reasonCode: string | null
}): boolean {
  return state === 'completed' || (state === 'failed' && reasonCode !== 'lost')
}

/**
 * How many short runs in a row there are once a run has ended unasked. An end that somebody asked for (a stop, a deploy,
 * a shutdown) says nothing about the job and is not to be counted at all.
 */
export function countShortRun(before: number, ranMs: number): number {
  return ranMs < SHORT_RUN_MS ? before + 1 : 0
}

/**
 * Milliseconds until a continuous job's process is started again, after this many short runs in a row. After a run of two
 * minutes or more: at once. After a shorter one: `delayMs` (60 s unless set). With `backoff` that wait is multiplied by
 * its `factor` for every short run in a row before the latest, up to `maxMs`. Exit codes do not matter.
 */
export function restartDelay(policy: RestartPolicy, shortRuns: number): number {
  if (shortRuns === 0) return 0
  if (policy.backoff === undefined || policy.delayMs <= 0) return Math.max(0, policy.delayMs)
  const grown = policy.delayMs * policy.backoff.factor ** (shortRuns - 1)
  return Math.round(Math.min(grown, policy.backoff.maxMs))
}

/**
 * Whether a continuous job is in a crash loop: its last three or more runs all ended within two minutes of their start,
 * with whatever exit code and unasked. `runningForMs` is the age of the process that runs now, if one does: one that
 * has lasted two minutes has left the loop.
 */
export function isCrashLoop(shortRuns: number, runningForMs = 0): boolean {
  return runningForMs < SHORT_RUN_MS && shortRuns >= CRASH_LOOP_ENDS
}
