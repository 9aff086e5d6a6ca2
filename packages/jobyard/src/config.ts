import { JOB_SETTINGS } from './config/job-settings.ts'
import { LIMIT_SETTINGS } from './config/limit-settings.ts'
import { LOG_SETTINGS, SERVER_SETTINGS } from './config/server-settings.ts'
import type { Setting } from './config/setting.ts'

/** Every setting of the server, under the name that it has in {@link Config}. Durations are milliseconds, sizes bytes. */
export const SETTINGS = { ...SERVER_SETTINGS, ...JOB_SETTINGS, ...LIMIT_SETTINGS, ...LOG_SETTINGS }

/** Name of a setting in {@link Config}. */
export type SettingKey = keyof typeof SETTINGS

/** Where a setting's value came from. */
export type Source = 'flag' | 'environment' | 'default'

type Values = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never }

/** The settings of a server. Durations are milliseconds, sizes bytes, paths absolute; what is not set is null. */
export interface Config extends Values {
  /** Where each value came from. A limit of jobs that is only a default holds only where control groups can keep it. */
  readonly sources: Readonly<Record<SettingKey, Source>>
  /** Each value as it may be shown to people. */
  readonly shown: Readonly<Record<SettingKey, string>>
}

/** The flag of a setting's variable: `--database-url`. */
export function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll('_', '-')}`
}

/** The names of all settings, in the order of the table. */
export function settingKeys(): SettingKey[] {
  return Object.keys(SETTINGS) as SettingKey[]
}
