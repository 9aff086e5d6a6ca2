import { isDeepStrictEqual } from 'node:util'
import type { Static } from 'typebox'
import type { Steering } from '../../domain/app-settings.ts'
import { formatDuration, formatSize } from '../../domain/durations.ts'
import { DEFAULT_POLICY, type JobRow, type Policy } from '../../domain/model.ts'
import { restartRule } from '../../domain/restart.ts'
import { keptRuns } from '../../domain/retention.ts'
import type { Counted, JobKind, RuleOrigin } from '../../engine/kind.ts'
import type { EffectiveRules } from '../schemas/effective.ts'

type Shown = Static<typeof EffectiveRules>

/** What counts for a job in the end, and whose word it is. */
export function showEffective(job: JobRow, kind: JobKind | undefined, steering: Steering): Shown {
  const packaged = kind?.packaged?.(job.spec) ?? {}
  return {
    keepRuns: keptOf(job, steering, packaged),
    ...(job.type === 'continuous' ? { restart: restartOf(job, steering, packaged) } : {}),
    ...showLimits(kind?.limits?.(job, steering)),
  }
}

function keptOf({ type, policy }: JobRow, steering: Steering, packaged: Partial<Policy>): Shown['keepRuns'] {
  const history = type === 'continuous' ? null : steering.history
  const value = keptRuns(policy, history)
  return { value, from: originOf(policy, packaged, 'keepRuns') ?? steeredBy(history) }
}

function restartOf({ policy }: JobRow, { restartMs }: Steering, packaged: Partial<Policy>): Shown['restart'] & object {
  const { delayMs } = restartRule(policy.restart, restartMs)
  return { value: formatDuration(delayMs), from: originOf(policy, packaged, 'restart') ?? steeredBy(restartMs) }
}

/** Whose word a rule is that is not the usual one: the package's where it is what that says. */
function originOf(policy: Policy, packaged: Partial<Policy>, name: 'keepRuns' | 'restart'): RuleOrigin | undefined {
  if (isDeepStrictEqual(policy[name], DEFAULT_POLICY[name])) return undefined
  return isDeepStrictEqual(policy[name], packaged[name]) ? 'settings.job' : 'job'
}

function steeredBy(setting: number | null): RuleOrigin {
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
