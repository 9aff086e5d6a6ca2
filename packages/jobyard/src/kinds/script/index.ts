import type { JobKind } from '../../engine/kind.ts'
import { beginScript, type ScriptParts } from './begin.ts'
import { countedGrace, scriptLimits } from './limits.ts'
import { checkChange, openSecrets, prepareScript, showSpec } from './prepare.ts'
import type { PackageRules } from './settings-rules.ts'
import { ScriptChange, ScriptSpec } from './spec.ts'

export type { ScriptParts } from './begin.ts'

/** The kind of jobs that run a script from a package: by hand, by webhook, on a schedule, or continuously. */
export function createScriptKind(parts: ScriptParts): JobKind<ScriptSpec> {
  return {
    name: 'script',
    types: ['triggered', 'continuous'],
    spec: ScriptSpec,
    change: ScriptChange,
    told: ['inPlace', 'memory', 'processes', 'idleTimeout', 'stopSignal', 'ownSingleton'],
    // Sealing turns what callers send into what is stored.
    checkChange,
    prepare: async (draft) => prepareScript(draft, parts.sealer),
    show: showSpec,
    plan: () => [{ target: parts.instance }],
    begin: (task, spec, context) => beginScript(parts, task, spec, context),
    secrets: (spec, job) => Object.values(openSecrets(job.name, spec, parts.sealer)),
    graceMs: (job) => countedGrace(job).value,
    packaged: ({ settings }) => (settings as { rules?: PackageRules } | undefined)?.rules?.policy ?? {},
    limits: (job, steering) => scriptLimits(job, steering, parts.defaults),
  }
}
