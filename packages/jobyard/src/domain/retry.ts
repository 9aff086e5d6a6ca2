import type { RetryPolicy } from './model.ts'

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
