import type { Policy } from '@jobyard/client'
import { numberOf, textOf } from './draft-values.ts'

/** The rules of a job as they are edited: texts as they are typed, empty for what is usual. */
export interface RulesDraft {
  readonly overlap: Policy['overlap']
  readonly queueDepth: string
  readonly retry: 'none' | 'fixed' | 'exponential'
  readonly attempts: string
  readonly delay: string
  readonly factor: string
  readonly maxDelay: string
  readonly jitter: string
  readonly onCrash: Policy['onCrash']
  readonly maxCrashes: string
  readonly restartDelay: string
  /** Whether the wait before a start grows with every short run. */
  readonly backoff: 'same' | 'growing'
  readonly backoffFactor: string
  readonly backoffMax: string
  readonly keepRuns: string
  readonly keepAge: string
  /** Ids of jobs. */
  readonly onFailure: readonly string[]
}

/** What is offered where a rule has nothing to say yet. */
const ATTEMPTS = 3
const DELAY = '30s'
const RESTART = '60s'
const BACKOFF = { factor: 2, max: '10m' }

/** The rules of a job, to be edited. */
export function rulesDraft({ retry, restart, ...policy }: Policy): RulesDraft {
  const growing = retry.kind === 'exponential' ? retry : undefined
  return {
    overlap: policy.overlap,
    queueDepth: String(policy.queueDepth),
    retry: retry.kind,
    attempts: String(retry.kind === 'none' ? ATTEMPTS : retry.attempts),
    delay: retry.kind === 'none' ? DELAY : retry.delay,
    factor: String(growing?.factor ?? ''),
    maxDelay: growing?.maxDelay ?? '',
    jitter: String(growing?.jitter ?? ''),
    onCrash: policy.onCrash,
    maxCrashes: String(policy.maxCrashes),
    restartDelay: restart.delay,
    backoff: restart.backoff === undefined ? 'same' : 'growing',
    backoffFactor: String(restart.backoff?.factor ?? BACKOFF.factor),
    backoffMax: restart.backoff?.max ?? BACKOFF.max,
    keepRuns: String(policy.keepRuns),
    keepAge: policy.keepAge ?? '',
    onFailure: policy.onFailure,
  }
}

/** The rules as they are sent, those of its type alone; null takes what is usual. */
export function policyOf(draft: RulesDraft, type: string): Readonly<Record<string, unknown>> {
  const kept = { keepRuns: numberOf(draft.keepRuns), keepAge: textOf(draft.keepAge), onFailure: draft.onFailure }
  if (type === 'continuous') return { restart: restartOf(draft), ...kept }
  return {
    overlap: draft.overlap,
    queueDepth: numberOf(draft.queueDepth),
    retry: retryOf(draft),
    onCrash: draft.onCrash,
    maxCrashes: numberOf(draft.maxCrashes),
    ...kept,
  }
}

function retryOf({ retry, attempts, delay, factor, maxDelay, jitter }: RulesDraft) {
  if (retry === 'none') return { kind: 'none' }
  const common = { kind: retry, attempts: numberOf(attempts) ?? ATTEMPTS, delay: textOf(delay) ?? DELAY }
  if (retry === 'fixed') return common
  return {
    ...common,
    ...present('factor', numberOf(factor)),
    ...present('maxDelay', textOf(maxDelay)),
    ...present('jitter', numberOf(jitter)),
  }
}

function restartOf({ restartDelay, backoff, backoffFactor, backoffMax }: RulesDraft) {
  const delay = textOf(restartDelay)
  if (backoff === 'same') return delay === null ? null : { delay }
  const growth = { factor: numberOf(backoffFactor) ?? BACKOFF.factor, max: textOf(backoffMax) ?? BACKOFF.max }
  return { delay: delay ?? RESTART, backoff: growth }
}

function present(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === null ? {} : { [name]: value }
}
