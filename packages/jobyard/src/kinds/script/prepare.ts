import { parseDuration, parseSize } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import { parseMemoryLimit } from '../../domain/memory-limit.ts'
import type { TriggerSpec, Warning } from '../../domain/model.ts'
import { DEFAULT_TIME_ZONE } from '../../domain/zone.ts'
import type { Draft, JobKind } from '../../engine/kind.ts'
import type { UnreadableSchedule } from '../../store/procedures/replace-triggers.ts'
import type { Sealer } from '../../store/seal.ts'
import { checkArguments } from './arguments.ts'
import { checkSettings } from './environment.ts'
import { checkJobName, quoteName } from './names.ts'
import type { PackageScript } from './package-script.ts'
import { NO_SETTINGS, readSettingsJob, type SettingsJob } from './settings-job.ts'
import type { ScriptSpec } from './spec.ts'
import { unreadableSchedule } from './unreadable-schedule.ts'

/** A spec as callers send it: new secrets are plain text, kept ones are what {@link showSpec} gave, or sealed. */
export type ScriptInput = Omit<ScriptSpec, 'secrets'> & {
  readonly secrets?: Readonly<Record<string, string | { readonly sealed?: string; readonly set?: boolean }>>
}

/** What of a package is stored beside its hash, so that neither a deployment nor a run must read its files again. */
export type PackageDetail = PackageScript

/** Completes a script job before it is saved: what its package says, sealed secrets, warnings. */
export function prepareScript(draft: Draft<ScriptInput>, sealer: Sealer): Prepared {
  checkJobName(draft.name)
  if (draft.package === null) {
    throw new JobyardError('package-missing', `The job ${draft.name} has no package.`, { field: 'package' })
  }
  const detail = draft.package.detail as PackageDetail
  const { settings, warnings: found } = settingsOf(draft.spec, detail)
  const earlier = (draft.spec.settings ?? {}) as Partial<StoredSettings>
  checkSpec(draft.spec)
  const { secrets: _plain, ownSingleton: _before, ...said } = draft.spec
  const disabled = draft.type === 'continuous' && detail.disabled
  const stored: StoredSettings = { ...settings, ...(disabled ? { disabled } : {}) }
  const ownSingleton = draft.type === 'continuous' ? ownSingletonOf(draft) : undefined
  const word = ownSingleton === undefined ? {} : { ownSingleton }
  const spec = { ...said, ...sealSecrets(draft, sealer), ...word, settings: stored }
  const { triggers, warnings } = triggersOf(draft, settings, ownSingleton)
  const told = found.map(({ code, message }) => ({ code, message }))
  return {
    spec,
    triggers,
    warnings: [...told, ...(disabled ? [DISABLED] : []), ...warnings],
    unreadable: unreadableOf(draft, triggers, settings),
    policy: { now: settings.rules.policy, before: earlier.rules?.policy ?? {} },
    ...(draft.packageGiven === true ? startOrStop(disabled, earlier.disabled === true) : {}),
  }
}

type Prepared = Awaited<ReturnType<NonNullable<JobKind<ScriptSpec>['prepare']>>>

/** What is stored of settings.job with the job: whether its package stopped it, too. */
type StoredSettings = SettingsJob & { readonly disabled?: boolean }

const DISABLED: Warning = {
  code: 'disabled-by-package',
  message: 'The package holds disable.job: whenever it is deployed the job is stopped, until somebody starts it.',
}

/** `disable.job` stops a continuous job; a package without it starts one that the package before had stopped. */
function startOrStop(disabled: boolean, wasDisabled: boolean): { enabled?: boolean } {
  if (disabled) return { enabled: false }
  return wasDisabled ? { enabled: true } : {}
}

/** The settings that count: those that somebody put in the place of settings.job, or the package's own. */
function settingsOf(
  { ownSettings }: ScriptInput,
  detail: PackageDetail,
): { readonly settings: SettingsJob; readonly warnings: readonly Warning[] } {
  const ofPackage: SettingsJob = { ...NO_SETTINGS, ...detail.settings }
  if (ownSettings === undefined) return { settings: ofPackage, warnings: detail.warnings }
  const settings = readSettingsJob(Buffer.from(ownSettings))
  const replaced = new Set(ofPackage.warnings.map(({ message }) => message))
  const ofScript = detail.warnings.filter(({ message }) => !replaced.has(message))
  return { settings, warnings: [...ofScript, ...settings.warnings, ...overridden(ofPackage)] }
}

/** That a package's settings.job has no effect would surprise whoever deployed it. */
function overridden({ all }: SettingsJob): Warning[] {
  if (Object.keys(all).length === 0) return []
  const message = 'Settings that were put in place through the interface of Kudu count instead of settings.job.'
  return [{ code: 'settings-overridden', message }]
}

/** Only what is said now: a job that has less memory than can work must not be in the way of what else is said of it. */
export function checkChange({ memory }: Readonly<Record<string, unknown>>): void {
  if (typeof memory === 'string' && memory !== 'none') parseMemoryLimit(memory, 'spec.memory')
}

function checkSpec({ env = {}, args = [], memory, idleTimeout }: ScriptInput): void {
  checkSettings(env, 'spec.env')
  checkArguments(args, 'spec.args')
  if (memory !== undefined && memory !== 'none') parseSize(memory, 'spec.memory')
  if (idleTimeout !== undefined && parseDuration(idleTimeout, 'spec.idleTimeout') === 0) {
    throw new JobyardError(
      'input-invalid',
      'A run that is idle can only be ended after a time that is longer than 0.',
      {
        field: 'spec.idleTimeout',
      },
    )
  }
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
export function showSpec({
  secrets,
  settings: _,
  ownSettings: _own,
  ownSingleton: _word,
  ...spec
}: ScriptSpec): unknown {
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
  ownSingleton: boolean | undefined,
): { triggers: TriggerSpec[]; warnings: Warning[] } {
  const kept = draft.triggers.filter((trigger) => !isFromPackage(trigger))
  if (draft.type === 'continuous') return continuousTriggers(kept, settings, ownSingleton)
  const misplaced = kept.find((trigger) => trigger.type === 'continuous')
  if (misplaced !== undefined) {
    throw new JobyardError('input-invalid', 'A triggered job cannot have a continuous trigger.', { field: 'triggers' })
  }
  // A schedule that somebody set is more than one that came along in a zip.
  const own = kept.filter((trigger) => trigger.type === 'schedule')
  if (own.length > 0) return { triggers: kept, warnings: hiddenSchedule(own, settings) }
  if (settings.schedule === undefined || takesScheduleAway(draft, kept) || tookItAway(draft, settings)) {
    return { triggers: kept, warnings: [] }
  }
  const trigger = {
    type: 'schedule',
    ncrontab: settings.schedule,
    ...zoneOf(settings),
    origin: 'package',
  } as const
  return { triggers: [...kept, trigger], warnings: [] }
}

/** A continuous job has no schedule, and one that was set for the job itself counts whatever settings.job says. */
function unreadableOf(
  { type }: Draft<ScriptInput>,
  triggers: readonly TriggerSpec[],
  settings: SettingsJob,
): UnreadableSchedule[] {
  if (type === 'continuous' || triggers.some((trigger) => trigger.type === 'schedule')) return []
  const found = unreadableSchedule({ settings })
  return found === undefined ? [] : [found]
}

type Schedule = Extract<TriggerSpec, { type: 'schedule' }>

/** What settings.job says of a schedule must not be without effect unnoticed, unless the schedules that count say the same. */
function hiddenSchedule(own: readonly Schedule[], { schedule, rules }: SettingsJob): Warning[] {
  if (schedule === undefined) return []
  const isSaid = ({ ncrontab, timeZone }: Schedule) =>
    ncrontab === schedule && (rules.timeZone === undefined || rules.timeZone === timeZone)
  if (own.some(isSaid)) return []
  const counts = own.map(({ ncrontab }) => quoteName(ncrontab)).join(', ')
  const message = `settings.job has the schedule ${quoteName(schedule)}, but what was set for the job itself counts: ${counts}.`
  return [{ code: 'schedule-overridden', message }]
}

/** Whoever names triggers, and nothing that begins a run by itself, wants no schedule; unless that of the package is among them. */
function takesScheduleAway({ triggersGiven, triggers }: Draft<ScriptInput>, kept: readonly TriggerSpec[]): boolean {
  return triggersGiven && !triggers.some(isFromPackage) && kept.every(({ type }) => type === 'webhook')
}

/** It was taken away before, and neither a deployment nor other settings have said anew that there is one. */
function tookItAway(draft: Draft<ScriptInput>, { schedule }: SettingsJob): boolean {
  if (draft.triggersGiven || draft.packageGiven === true || draft.triggers.some(isFromPackage)) return false
  const earlier = draft.spec.settings as Partial<StoredSettings> | undefined
  return earlier?.schedule === schedule
}

function isFromPackage(trigger: TriggerSpec): boolean {
  return trigger.type === 'schedule' && trigger.origin === 'package'
}

/** The zone that the package names, else that of the collection, which whoever stores the job knows. */
function zoneOf({ rules: { timeZone } }: SettingsJob): { timeZone: string; zone?: 'default' } {
  return timeZone === undefined ? { timeZone: DEFAULT_TIME_ZONE, zone: 'default' } : { timeZone }
}

/** What people said of a continuous job's instances: now, or before and not taken back; undefined: the package's word counts. */
function ownSingletonOf({ triggersGiven, triggers, spec }: Draft<ScriptInput>): boolean | undefined {
  if (!triggersGiven) return spec.ownSingleton
  return triggers.find((trigger) => trigger.type === 'continuous')?.singleton
}

function continuousTriggers(
  kept: readonly TriggerSpec[],
  settings: SettingsJob,
  own: boolean | undefined,
): { triggers: TriggerSpec[]; warnings: Warning[] } {
  const other = kept.find(({ type }) => type !== 'continuous')
  if (other !== undefined) {
    const hint = 'A continuous job runs all the time; make it a triggered one for schedules, webhooks and other jobs.'
    throw new JobyardError('input-invalid', `A continuous job cannot have a ${other.type} trigger.`, {
      field: 'triggers',
      hint,
    })
  }
  const { isSingleton, schedule } = settings
  const warnings: Warning[] = []
  if (schedule !== undefined) {
    const message = 'settings.job has a schedule, which a continuous job does not follow.'
    warnings.push({ code: 'schedule-ignored', message })
  }
  if (own !== undefined && isSingleton !== undefined && own !== isSingleton) {
    const counts = own ? 'it runs on one instance only' : 'it runs on all instances'
    const message = `settings.job has is_singleton ${isSingleton}, but what was set for the job itself counts: ${counts}.`
    warnings.push({ code: 'singleton-overridden', message })
  }
  return { triggers: [{ type: 'continuous', singleton: own ?? isSingleton ?? false }], warnings }
}
