import type { Steering } from '../../domain/app-settings.ts'
import { parseDuration, parseSize } from '../../domain/durations.ts'
import type { JobRow } from '../../domain/model.ts'
import type { Counted, KindLimits } from '../../engine/kind.ts'
import { NO_RULES, type PackageRules } from './settings-rules.ts'
import type { ScriptSpec } from './spec.ts'

/** Limits of scripts that name none; undefined: no limit. */
export interface UsualLimits {
  readonly memoryBytes: number | undefined
  readonly processes: number | undefined
}

/** The limits of a script job that count in the end, and whose word each is. */
export function scriptLimits(job: JobRow, steering: Steering, usual: UsualLimits): KindLimits {
  const spec = job.spec as ScriptSpec
  return {
    graceMs: countedGrace(job),
    idleMs: countedIdle(spec, job.type, steering),
    memoryBytes: countedMemory(spec, usual),
    processes: countedProcesses(spec, usual),
    stopSignal: said(spec, 'stopSignal') ?? { value: 'after-grace', from: 'default' },
  }
}

/** Five seconds for continuous jobs and thirty for others, unless somebody says otherwise. */
export function countedGrace({ type, spec, policy }: Pick<JobRow, 'type' | 'spec' | 'policy'>): Counted<number> {
  if (policy.graceMs !== null) return { value: policy.graceMs, from: 'job' }
  const settings = (spec as ScriptSpec).settings as { stoppingWaitMs?: number } | undefined
  if (settings?.stoppingWaitMs !== undefined) return { value: settings.stoppingWaitMs, from: 'settings.job' }
  return { value: type === 'continuous' ? 5000 : 30_000, from: 'default' }
}

/** The job's own word, then its package's, and for triggered jobs that of the collection's settings. */
function countedIdle(spec: ScriptSpec, type: string, steering: Steering): Counted<number | null> {
  const word = said(spec, 'idleTimeout')
  if (word !== undefined) return { ...word, value: parseDuration(word.value) }
  if (type === 'continuous' || steering.idleMs === null) return { value: null, from: 'default' }
  return { value: steering.idleMs, from: 'app-settings' }
}

function countedMemory(spec: ScriptSpec, { memoryBytes }: UsualLimits): Counted<number | null> {
  const word = said(spec, 'memory')
  if (word === undefined) return { value: memoryBytes ?? null, from: 'server' }
  return { ...word, value: word.value === 'none' ? null : parseSize(word.value) }
}

function countedProcesses(spec: ScriptSpec, { processes }: UsualLimits): Counted<number | null> {
  const word = said(spec, 'processes')
  if (word === undefined) return { value: processes ?? null, from: 'server' }
  return { ...word, value: word.value === 0 ? null : word.value }
}

/** What the job says, or else settings.job of its package; undefined: neither says anything. */
function said<K extends keyof PackageRules['limits']>(
  spec: ScriptSpec,
  name: K,
): Counted<Exclude<PackageRules['limits'][K], undefined>> | undefined {
  const { limits } = (spec.settings as { rules?: PackageRules } | undefined)?.rules ?? NO_RULES
  for (const [from, words] of [
    ['job', spec],
    ['settings.job', limits],
  ] as const) {
    const value: PackageRules['limits'][K] = words[name]
    if (value !== undefined) return { value: value as Exclude<PackageRules['limits'][K], undefined>, from }
  }
  return undefined
}
