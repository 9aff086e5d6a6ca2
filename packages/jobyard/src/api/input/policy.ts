import type { Static } from 'typebox'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../domain/durations.ts'
import { DEFAULT_POLICY, type Policy, type RestartPolicy, type RetryPolicy } from '../../domain/model.ts'
import type { PolicyInput, Policy as PolicySchema } from '../schemas/policy.ts'

type Sent = Static<typeof PolicyInput>
type Shown = Static<typeof PolicySchema>

/** What an exponential retry takes for members that are left out. */
const MAX_DELAY_MS = 3_600_000
const FACTOR = 2
const JITTER = 0.2

/** The plain members of a policy, which are spelled alike on both sides. */
const PLAIN = ['overlap', 'queueDepth', 'onCrash', 'maxCrashes', 'keepRuns', 'parallel'] as const

/**
 * The policy that was sent, in the model's terms; null takes the default. `onFailure` is left to the caller, who can find
 * jobs. Throws 'duration-invalid' and 'size-invalid' with the path of the member.
 */
export function readPolicy(sent: Sent): Partial<Omit<Policy, 'onFailure'>> {
  const plain = PLAIN.flatMap((name) => (sent[name] === undefined ? [] : [[name, sent[name] ?? DEFAULT_POLICY[name]]]))
  const { retry, misfire, restart, timeout, keepAge, grace, output } = sent
  return {
    ...Object.fromEntries(plain),
    ...(retry === undefined ? {} : { retry: retry === null ? DEFAULT_POLICY.retry : readRetry(retry) }),
    ...(misfire === undefined ? {} : { misfire: readMisfire(misfire) }),
    ...(restart === undefined ? {} : { restart: readRestart(restart) }),
    ...(timeout === undefined ? {} : { timeoutMs: readMaybeDuration(timeout, 'policy.timeout') }),
    ...(keepAge === undefined ? {} : { keepAgeMs: readMaybeDuration(keepAge, 'policy.keepAge') }),
    ...(grace === undefined ? {} : { graceMs: readMaybeDuration(grace, 'policy.grace') }),
    ...(output === undefined
      ? {}
      : { outputBytes: output === null ? DEFAULT_POLICY.outputBytes : parseSize(output, 'policy.output') }),
  }
}

function readMaybeDuration(text: string | null, field: string): number | null {
  return text === null ? null : parseDuration(text, field)
}

function readRetry(retry: NonNullable<Sent['retry']>): RetryPolicy {
  if (retry.kind === 'none') return { kind: 'none' }
  const { attempts } = retry
  const delayMs = parseDuration(retry.delay, 'policy.retry.delay')
  if (retry.kind === 'fixed') return { kind: 'fixed', attempts, delayMs }
  const { factor = FACTOR, jitter = JITTER, maxDelay } = retry
  const maxDelayMs = maxDelay === undefined ? MAX_DELAY_MS : parseDuration(maxDelay, 'policy.retry.maxDelay')
  return { kind: 'exponential', attempts, delayMs, factor, maxDelayMs, jitter }
}

function readMisfire(misfire: Exclude<Sent['misfire'], undefined>): Policy['misfire'] {
  if (misfire === null) return DEFAULT_POLICY.misfire
  const { kind, window } = misfire
  const windowMs =
    window === undefined ? DEFAULT_POLICY.misfire.windowMs : parseDuration(window, 'policy.misfire.window')
  return { kind, windowMs }
}

function readRestart(restart: Exclude<Sent['restart'], undefined>): RestartPolicy {
  if (restart === null) return DEFAULT_POLICY.restart
  const delayMs = parseDuration(restart.delay, 'policy.restart.delay')
  if (restart.backoff === undefined) return { delayMs }
  const { factor, max } = restart.backoff
  return { delayMs, backoff: { factor, maxMs: parseDuration(max, 'policy.restart.backoff.max') } }
}

/** A policy as it is shown. */
export function showPolicy(policy: Policy): Shown {
  const { timeoutMs, keepAgeMs, graceMs, outputBytes, retry, misfire, restart, onFailure, ...plain } = policy
  return {
    ...plain,
    retry: showRetry(retry),
    timeout: showMaybeDuration(timeoutMs),
    misfire: { kind: misfire.kind, window: formatDuration(misfire.windowMs) },
    keepAge: showMaybeDuration(keepAgeMs),
    onFailure: [...onFailure],
    restart: {
      delay: formatDuration(restart.delayMs),
      ...(restart.backoff === undefined
        ? {}
        : { backoff: { factor: restart.backoff.factor, max: formatDuration(restart.backoff.maxMs) } }),
    },
    grace: showMaybeDuration(graceMs),
    output: formatSize(outputBytes),
  }
}

function showMaybeDuration(milliseconds: number | null): string | null {
  return milliseconds === null ? null : formatDuration(milliseconds)
}

function showRetry(retry: RetryPolicy): Shown['retry'] {
  if (retry.kind === 'none') return { kind: 'none' }
  const { attempts, delayMs } = retry
  const delay = formatDuration(delayMs)
  if (retry.kind === 'fixed') return { kind: 'fixed', attempts, delay }
  const { kind, factor, jitter, maxDelayMs } = retry
  return { kind, attempts, delay, factor, maxDelay: formatDuration(maxDelayMs), jitter }
}
