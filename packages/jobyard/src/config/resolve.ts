import { type Config, flagOf, SETTINGS, type SettingKey, type Source, settingKeys } from '../config.ts'
import { JobyardError } from '../domain/errors.ts'
import { nearest } from '../domain/spelling.ts'
import type { Machine, Setting } from './setting.ts'
import type { ValueType } from './values.ts'

/** What a configuration is made from. */
export interface ConfigInput extends Machine {
  /** Flags as the command line gives them, under their names in camel case: `databaseUrl`. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
}

function flagKey(variable: string): string {
  return variable.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * The settings: flags over environment over defaults. An empty variable counts as not set. Throws 'setting-unknown' for
 * a JOBYARD_ variable that is none, and 'setting-invalid' with the flag or variable at fault.
 */
export function resolveConfig(input: ConfigInput): Config {
  refuseUnknown(input.env)
  const values: Partial<Record<SettingKey, unknown>> = {}
  const sources: Partial<Record<SettingKey, Source>> = {}
  const shown: Partial<Record<SettingKey, string>> = {}
  const data = resolveOne(SETTINGS.dataFolder, input, '').value
  for (const key of settingKeys()) {
    const resolved = resolveOne<unknown>(SETTINGS[key], input, data)
    values[key] = resolved.value
    sources[key] = resolved.source
    shown[key] = resolved.shown
  }
  // Filled in above for every key of the table that the types are made from.
  const config = { ...values, sources, shown } as Config
  if ((config.tlsCert === null) !== (config.tlsKey === null)) {
    const missing = config.tlsCert === null ? 'JOBYARD_TLS_CERT' : 'JOBYARD_TLS_KEY'
    throw new JobyardError('setting-invalid', `${missing} is not set, but the other half of the pair is.`, {
      field: missing,
      hint: 'Set both JOBYARD_TLS_CERT and JOBYARD_TLS_KEY, or neither.',
    })
  }
  return config
}

interface Resolved<T> {
  readonly value: T
  readonly source: Source
  readonly shown: string
}

function resolveOne<T>({ variable, type, fallback }: Setting<T>, input: ConfigInput, data: string): Resolved<T> {
  const as = (value: T, source: Source): Resolved<T> => ({ value, source, shown: type.show(value) })
  const flag = input.flags[flagKey(variable)]
  if (flag !== undefined) return as(readValue(type, String(flag), flagOf(variable), input.folder), 'flag')
  const name = `JOBYARD_${variable}`
  const given = input.env[name]
  if (given !== undefined && given !== '') return as(readValue(type, given, name, input.folder), 'environment')
  return as(fallback(input, data), 'default')
}

function readValue<T>(type: ValueType<T>, given: string, name: string, folder: string): T {
  if (given.trim() === '') throw new JobyardError('setting-invalid', `${name} is empty.`, { field: name })
  try {
    return type.read(given.trim(), folder)
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    throw new JobyardError('setting-invalid', `${name}: ${error.message}`, {
      field: name,
      hint: error.hint,
      cause: error,
    })
  }
}

/** What belongs to the command line, or what jobs get and may hand on to a server that they start. */
const FOREIGN = new Set([
  ...['URL', 'TOKEN', 'MARK', 'PATH', 'NAME', 'TYPE', 'DATA_PATH', 'RUN_ID', 'COMMAND_ARGUMENTS', 'SHUTDOWN_FILE'],
  ...['JOB_PORT', 'JOB_ID', 'COLLECTION', 'TASK_ID', 'ATTEMPT', 'TRIGGER', 'PAYLOAD_FILE'],
])

function refuseUnknown(env: ConfigInput['env']): void {
  const known = settingKeys().map((key) => SETTINGS[key].variable)
  for (const name of Object.keys(env)) {
    if (!name.startsWith('JOBYARD_')) continue
    const variable = name.slice('JOBYARD_'.length)
    if (known.includes(variable) || FOREIGN.has(variable)) continue
    const near = nearest(variable, known)
    throw new JobyardError('setting-unknown', `There is no setting ${name}.`, {
      field: name,
      hint:
        near === undefined
          ? 'Remove it from the environment; `jobyard config` lists all settings.'
          : `Did you mean JOBYARD_${near}? \`jobyard config\` lists all settings.`,
    })
  }
}
