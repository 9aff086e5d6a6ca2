import { type Config, flagOf, SETTINGS, type Source, settingKeys } from '../config.ts'

/** A setting as people see it. */
export interface SettingRow {
  /** Name of the environment variable. */
  readonly setting: string
  readonly flag: string
  /** Its value as text; `set` for what is secret. */
  readonly value: string
  readonly source: Source
  readonly meaning: string
}

/** Every setting with its value and where that came from, in the order of the table. Holds no secret. */
export function describeConfig(config: Config): SettingRow[] {
  return settingKeys().map((key) => {
    const { variable, meaning } = SETTINGS[key]
    const setting = `JOBYARD_${variable}`
    return { setting, flag: flagOf(variable), value: config.shown[key], source: config.sources[key], meaning }
  })
}

/** The reference of all settings in Markdown. */
export function renderSettings(): string {
  const rows = settingKeys().map((key) => {
    const { variable, type, otherwise, meaning } = SETTINGS[key]
    return `| \`JOBYARD_${variable}\` | \`${flagOf(variable)}\` | ${type.name} | ${otherwise} | ${meaning} |`
  })
  return [
    '# Settings',
    '',
    'A setting is read from its flag, else from the environment, else it has its default. `jobyard config` prints all of',
    'them with the values they have and where these came from. An empty variable counts as not set; an unknown `JOBYARD_`',
    'variable is refused, so that a mistyped one is noticed.',
    '',
    'Durations are a number with its unit (`500ms`, `30s`, `5m`, `2h`, `7d`), sizes too (`64KB`, `10MB`, `1GB`, in multiples',
    'of 1,024).',
    '',
    '| variable | flag | type | default | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
