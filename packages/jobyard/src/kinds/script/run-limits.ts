import { parseDuration, parseSize } from '../../domain/durations.ts'
import type { JobRow } from '../../domain/model.ts'
import type { TaskContext } from '../../engine/kind.ts'
import { NO_RULES, type PackageRules } from './settings-rules.ts'
import type { ScriptSpec } from './spec.ts'

/*
 * Within what bounds a script runs: the job's own word counts first, then that of settings.job of its package, then what is
 * usual here.
 */

/** Grace of a stop when the policy names none: settings.job, else five seconds for continuous jobs and thirty for others. */
export function defaultGrace({ type, spec }: JobRow): number {
  const settings = (spec as ScriptSpec).settings as { stoppingWaitMs?: number } | undefined
  return settings?.stoppingWaitMs ?? (type === 'continuous' ? 5000 : 30_000)
}

/** What settings.job says, as far as the job itself says nothing. */
export function rulesOf({ settings }: ScriptSpec): PackageRules {
  return (settings as { rules?: PackageRules } | undefined)?.rules ?? NO_RULES
}

/** The job's own word, then its package's, and for triggered jobs that of the collection's settings. */
export function idleMs(spec: ScriptSpec, { job, settings }: TaskContext): number | null {
  const said = spec.idleTimeout ?? rulesOf(spec).limits.idleTimeout
  if (said !== undefined) return parseDuration(said)
  return job.type === 'continuous' ? null : settings.steering.idleMs
}

/** Limits of jobs that name none; undefined: no limit. */
export interface DefaultLimits {
  readonly memoryBytes: number | undefined
  readonly processes: number | undefined
}

/** What a run may use; what is absent has no limit. */
export interface RunLimits {
  readonly memoryBytes?: number
  readonly processes?: number
}

/** What a run may use. */
export function limitsOf(spec: ScriptSpec, defaults: DefaultLimits): RunLimits {
  const said = { ...rulesOf(spec).limits, ...withoutUndefined(spec) }
  const memory =
    said.memory === 'none' ? undefined : said.memory === undefined ? defaults.memoryBytes : parseSize(said.memory)
  const processes = said.processes === 0 ? undefined : (said.processes ?? defaults.processes)
  return {
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(processes === undefined ? {} : { processes }),
  }
}

function withoutUndefined({ memory, processes }: ScriptSpec): Pick<ScriptSpec, 'memory' | 'processes'> {
  return { ...(memory === undefined ? {} : { memory }), ...(processes === undefined ? {} : { processes }) }
}
