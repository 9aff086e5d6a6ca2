import { parseDuration, parseSize } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { TriggerSpec, Warning } from '../../domain/model.ts'
import { DEFAULT_TIME_ZONE, requireZone } from '../../domain/zone.ts'
import type { Draft } from '../../engine/kind.ts'
import type { Sealer } from '../../store/seal.ts'
import { checkArguments } from './arguments.ts'
import { checkSettings } from './environment.ts'
import { checkJobName } from './names.ts'
import type { PackageScript } from './package-script.ts'
import { NO_SETTINGS, type SettingsJob } from './settings-job.ts'
import type { ScriptSpec } from './spec.ts'

/** A spec as callers send it: new secrets are plain text, kept ones are what {@link showSpec} gave, or sealed. */
export type ScriptInput = Omit<ScriptSpec, 'secrets'> & {
  readonly secrets?: Readonly<Record<string, string | { readonly sealed?: string; readonly set?: boolean }>>
}

/** What of a package is stored beside its hash, so that neither a deployment nor a run must read its files again. */
export type PackageDetail = PackageScript

/** Completes a script job before it is saved: what its package says, sealed secrets, warnings. */
export function prepareScript(
  draft: Draft<ScriptInput>,
  sealer: Sealer,
): { spec: ScriptSpec; triggers: TriggerSpec[]; warnings: Warning[] } {
  checkJobName(draft.name)
  if (draft.package === null) {
    throw new JobyardError('package-missing', `The job ${draft.name} has no package.`, { field: 'package' })
  }
  const detail = draft.package.detail as PackageDetail
  const settings: SettingsJob = { ...NO_SETTINGS, ...detail.settings }
  checkSpec(draft.spec)
  const { secrets: _plain, ...said } = draft.spec
  const spec = { ...said, ...sealSecrets(draft, sealer), settings }
  const { triggers, warnings } = triggersOf(draft, settings)
  return { spec, triggers, warnings: [...detail.warnings.map(({ code, message }) => ({ code, message })), ...warnings] }
}

function checkSpec({ env = {}, args = [], memory, idleTimeout }: ScriptInput): void {
  checkSettings(env, 'spec.env')
  checkArguments(args, 'spec.args')
  if (memory !== undefined && memory !== 'none') parseSize(memory, 'spec.memory')
  if (idleTimeout !== undefined) parseDuration(idleTimeout, 'spec.idleTimeout')
}

/** What a secret is sealed for: it cannot be opened as another job's, or under another name. */
export function secretPlace(job: string, variable: string): string {
  return `script:${job.toLowerCase()}:${variable}`
}

function sealSecrets({ name: job, spec }: Draft<ScriptInput>, sealer: Sealer): Pick<ScriptSpec, 'secrets'> {
  if (spec.secrets === undefined) return {}
  const sealed = Object.entries(spec.secrets).map(([name, value]) => {
    if (typeof value !== 'string') return [name, { sealed: value.sealed ?? '' }] as const
    checkSettings({ [name]: value }, 'spec.secrets')
    return [name, sealer.seal(value, secretPlace(job, name))] as const
  })
  const lost = sealed.find(([, value]) => value.sealed === '')
  if (lost !== undefined) {
    const message = `The secret ${lost[0]} has no value to keep; send its value as text.`
    throw new JobyardError('input-invalid', message, { field: `spec.secrets.${lost[0]}` })
  }
  return { secrets: Object.fromEntries(sealed) }
}

/**
 * The spec as people set it: without what the package says, which is shown with the package, and without what is secret;
 * of each secret only that it is set.
 */
export function showSpec({ secrets, settings: _, ...spec }: ScriptSpec): unknown {
  if (secrets === undefined) return spec
  return { ...spec, secrets: Object.fromEntries(Object.keys(secrets).map((name) => [name, { set: true }])) }
}

/** The secret values of a spec, by the names of their variables. */
export function openSecrets(job: string, { secrets = {} }: ScriptSpec, sealer: Sealer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [name, sealer.open(value, secretPlace(job, name))]),
  )
}

function triggersOf(
  draft: Draft<ScriptInput>,
  settings: SettingsJob,
): { triggers: TriggerSpec[]; warnings: Warning[] } {
  const kept = draft.triggers.filter((trigger) => !isFromPackage(trigger))
  if (draft.type === 'continuous') return continuousTriggers(draft, kept, settings)
  const misplaced = kept.find((trigger) => trigger.type === 'continuous')
  if (misplaced !== undefined) {
    throw new JobyardError('input-invalid', 'A triggered job cannot have a continuous trigger.', { field: 'triggers' })
  }
  // A schedule that somebody set is more than one that came along in a zip.
  const scheduled = kept.some(({ type }) => type === 'schedule')
  if (
    settings.schedule === undefined ||
    scheduled ||
    (draft.triggersGiven && kept.every(({ type }) => type === 'webhook'))
  ) {
    return { triggers: kept, warnings: [] }
  }
  const trigger = {
    type: 'schedule',
    ncrontab: settings.schedule,
    timeZone: timeZoneOf(settings),
    origin: 'package',
  } as const
  return { triggers: [...kept, trigger], warnings: [] }
}

function isFromPackage(trigger: TriggerSpec): boolean {
  return trigger.type === 'schedule' && trigger.origin === 'package'
}

function timeZoneOf({ jobyard }: SettingsJob): string {
  const zone = jobyard?.timeZone
  return typeof zone === 'string' ? requireZone(zone, 'settings.job.jobyard.timeZone') : DEFAULT_TIME_ZONE
}

function continuousTriggers(
  draft: Draft<ScriptInput>,
  kept: readonly TriggerSpec[],
  settings: SettingsJob,
): { triggers: TriggerSpec[]; warnings: Warning[] } {
  const other = kept.find(({ type }) => type !== 'continuous')
  if (other !== undefined) {
    const hint = 'A continuous job runs all the time; make it a triggered one for schedules, webhooks and other jobs.'
    throw new JobyardError('input-invalid', `A continuous job cannot have a ${other.type} trigger.`, {
      field: 'triggers',
      hint,
    })
  }
  const given = draft.triggersGiven ? kept.find(({ type }) => type === 'continuous') : undefined
  const singleton = given?.type === 'continuous' ? given.singleton : undefined
  const before = kept.find(({ type }) => type === 'continuous')
  const inherited = settings.isSingleton ?? (before?.type === 'continuous' ? (before.singleton ?? false) : false)
  const warnings =
    settings.schedule === undefined
      ? []
      : [{ code: 'schedule-ignored', message: 'settings.job has a schedule, which a continuous job does not follow.' }]
  return { triggers: [{ type: 'continuous', singleton: singleton ?? inherited }], warnings }
}
