import type { Static } from 'typebox'
import type { Steering } from '../../domain/app-settings.ts'
import { formatDuration, formatSize } from '../../domain/durations.ts'
import { DEFAULT_POLICY, type JobRow } from '../../domain/model.ts'
import { restartRule } from '../../domain/restart.ts'
import { keptRuns } from '../../domain/retention.ts'
import type { Counted, JobKind, RuleOrigin } from '../../engine/kind.ts'
import type { EffectiveRules } from '../schemas/effective.ts'

type Shown = Static<typeof EffectiveRules>

/** What counts for a job in the end, and whose word it is. */
export function showEffective(job: JobRow, kind: JobKind | undefined, steering: Steering): Shown {
  return {
    keepRuns: keptOf(job, steering),
    ...(job.type === 'continuous' ? { restart: restartOf(job, steering) } : {}),
    ...showLimits(kind?.limits?.(job, steering)),
  }
}

function keptOf({ type, policy }: JobRow, steering: Steering): Shown['keepRuns'] {
  const history = type === 'continuous' ? null : steering.history
  const value = keptRuns(policy, history)
  return { value, from: originOf(policy.keepRuns !== DEFAULT_POLICY.keepRuns, history) }
}

function restartOf({ policy: { restart } }: JobRow, { restartMs }: Steering): Exclude<Shown['restart'], undefined> {
  const own = restart.backoff !== undefined || restart.delayMs !== DEFAULT_POLICY.restart.delayMs
  return { value: formatDuration(restartRule(restart, restartMs).delayMs), from: originOf(own, restartMs) }
}

function originOf(own: boolean, setting: number | null): RuleOrigin {
  if (own) return 'job'
  return setting === null ? 'default' : 'app-settings'
}

function showLimits(limits: ReturnType<NonNullable<JobKind['limits']>> | undefined) {
  if (limits === undefined) return {}
  const { graceMs, idleMs, memoryBytes, processes, stopSignal } = limits
  return {
    grace: { ...graceMs, value: formatDuration(graceMs.value) },
    idleTimeout: inText(idleMs, formatDuration),
    memory: inText(memoryBytes, formatSize),
    processes,
    stopSignal,
  }
}

function inText({ value, from }: Counted<number | null>, format: (value: number) => string) {
  return { value: value === null ? null : format(value), from }
}
