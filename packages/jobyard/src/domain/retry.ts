import type { Policy, RetryPolicy } from './model.ts'

/** Another attempt at the same target. */
export interface NextTry {
  /** Milliseconds to wait, from when the attempt before it has ended on record; the clock may be set until then. */
  readonly delayMs: number
  /** True when a crash ended the attempt before, which does not use up the attempts of the job's policy. */
  readonly crashed: boolean
}

/** An attempt that has failed. `crashes` is how many before it a crash ended. */
interface FailedTry {
  readonly attempt: number
  readonly crashes: number
}

/** The attempt that follows one that failed, of which `lot` draws the jitter; null when there is to be none. */
export function tryAfterFailure(policy: RetryPolicy, { attempt, crashes }: FailedTry, lot: number): NextTry | null {
  const delayMs = nextAttemptDelay(policy, attempt - crashes, lot)
  return delayMs === null ? null : { delayMs, crashed: false }
}

/** The attempt that follows one that a crash ended; null when there is to be none. */
export function tryAfterCrash(
  { onCrash, maxCrashes }: Pick<Policy, 'onCrash' | 'maxCrashes'>,
  { crashes }: FailedTry,
): NextTry | null {
  return onCrash === 'retry' && crashes < maxCrashes ? { delayMs: 0, crashed: true } : null
}

/**
 * Milliseconds to wait before the attempt that follows a failed one; null when there is to be no other.
 *
 * `attempts` of a policy counts the first attempt too, so 3 means two retries. Fixed: always `delayMs`. Exponential:
 * `delayMs`, then times `factor` for each further failure, at most `maxDelayMs`; the share `jitter` of that is then
 * drawn by lot, so the wait lies between `(1 - jitter)` times it and all of it. `attemptJustFailed` counts from 1;
 * `random` is at least 0 and less than 1.
 */
export function nextAttemptDelay(policy: RetryPolicy, attemptJustFailed: number, random: number): number | null {
  if (policy.kind === 'none' || attemptJustFailed >= policy.attempts) return null
  if (policy.kind === 'fixed') return Math.round(policy.delayMs)
  if (policy.delayMs <= 0) return 0
  const grown = policy.delayMs * policy.factor ** Math.max(0, attemptJustFailed - 1)
  const longest = Math.min(grown, policy.maxDelayMs)
  return Math.round(longest * (1 - policy.jitter + policy.jitter * random))
}
