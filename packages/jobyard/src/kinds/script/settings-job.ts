import { isUtf8 } from 'node:buffer'
import { JobyardError } from '../../domain/errors.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import { JsonFault, type JsonMember, type JsonValue, placeOf, readJsonObject, writeJsonObject } from './lenient-json.ts'
import { showValue } from './names.ts'
import { NO_RULES, type PackageRules, readRules } from './settings-rules.ts'
import type { ScriptWarning } from './warning.ts'

/** The file beside the script that holds the job's settings. */
export const SETTINGS_FILE = 'settings.job'

/** The largest settings.job that is read, in bytes; its keys are stored with the job. */
export const LARGEST_SETTINGS = 64 * 1024

/**
 * What settings.job says. A key that is absent, or of a wrong type, is undefined: the default depends on the type of the
 * job and on the script.
 */
export interface SettingsJob {
  /** `is_singleton`: run on one instance only. Continuous jobs; default false. */
  readonly isSingleton: boolean | undefined
  /** `is_in_place`: keep the working folder as runs leave it. Default false, but true for a `.js` script. */
  readonly isInPlace: boolean | undefined
  /** `stopping_wait_time`, here in milliseconds. Default 5,000 for continuous jobs, 30,000 for triggered ones. */
  readonly stoppingWaitMs: number | undefined
  /** `schedule`: six-field NCRONTAB, already checked. Ignored by continuous jobs. */
  readonly schedule: string | undefined
  /** The object under `jobyard`, for settings that WebJobs have not. */
  readonly jobyard: { readonly [key: string]: JsonValue } | undefined
  /** What that object says, as far as it is understood. */
  readonly rules: PackageRules
  /** Every key as it was written, unknown ones too. */
  readonly all: { readonly [key: string]: JsonValue }
  /** {@link all} as a JSON text with the order and the numbers as they were written; absent where `JSON.stringify` would give the same. */
  readonly exact?: string
  readonly warnings: readonly ScriptWarning[]
}

/** The settings of a package without settings.job. */
export const NO_SETTINGS: SettingsJob = {
  isSingleton: undefined,
  isInPlace: undefined,
  stoppingWaitMs: undefined,
  schedule: undefined,
  jobyard: undefined,
  rules: NO_RULES,
  all: {},
  warnings: [],
}

/**
 * Reads the contents of a settings.job. Kudu took a file that it could not read for an empty one; here it is refused:
 * 'settings-invalid' with line and column. A known key of a wrong type, and a schedule that cannot be read, gives a
 * warning and counts as absent.
 */
export function readSettingsJob(contents: Uint8Array): SettingsJob {
  if (contents.length > LARGEST_SETTINGS) throw largeSettings(contents.length)
  if (!isUtf8(contents)) throw refuse(`${SETTINGS_FILE} is not UTF-8 text.`, { hint: 'Save the file as UTF-8.' })
  const text = Buffer.from(contents).toString('utf8')
  const members = readMembers(text)
  const warnings: ScriptWarning[] = []
  const schedule = takeSchedule(members, text, warnings)
  const jobyard = takeKey(members, 'jobyard', 'an object', asObject, warnings)
  const { rules, warnings: ofRules } = readRules(jobyard ?? {})
  warnings.push(...ofRules)
  return {
    isSingleton: takeKey(members, 'is_singleton', 'true or false', asBoolean, warnings),
    isInPlace: takeKey(members, 'is_in_place', 'true or false', asBoolean, warnings),
    stoppingWaitMs: takeKey(
      members,
      'stopping_wait_time',
      'a whole number of seconds, 0 to 86400',
      asSeconds,
      warnings,
    ),
    schedule,
    jobyard,
    rules,
    ...keptAsWritten(members),
    warnings,
  }
}

/** The refusal of a settings.job of so many bytes. */
export function largeSettings(bytes: number): JobyardError {
  const hint = 'Keep what scripts read in a file of another name.'
  return refuse(`${SETTINGS_FILE} has ${bytes} bytes; at most ${LARGEST_SETTINGS} are read.`, { hint })
}

function keptAsWritten(members: ReadonlyMap<string, JsonMember>): Pick<SettingsJob, 'all' | 'exact'> {
  const all = Object.fromEntries([...members].map(([key, member]) => [key, member.value]))
  const exact = writeJsonObject(new Map([...members].map(([key, { json }]) => [key, json])))
  return JSON.stringify(all) === exact ? { all } : { all, exact }
}

function readMembers(text: string): ReadonlyMap<string, JsonMember> {
  try {
    return readJsonObject(text)
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    const { line, column } = placeOf(text, error.position)
    const message = `${SETTINGS_FILE} is not valid JSON in line ${line}, column ${column}: ${error.message}.`
    throw refuse(message, { position: error.position, data: { line, column } })
  }
}

function refuse(
  message: string,
  details: { position?: number; data?: Record<string, unknown>; hint?: string } = {},
): JobyardError {
  return new JobyardError('settings-invalid', message, { field: SETTINGS_FILE, ...details })
}

function takeKey<Value>(
  members: ReadonlyMap<string, JsonMember>,
  key: string,
  expected: string,
  convert: (member: JsonMember) => Value | undefined,
  warnings: ScriptWarning[],
): Value | undefined {
  const member = members.get(key)
  if (member === undefined) return undefined
  const value = convert(member)
  if (value !== undefined) return value
  warnings.push({
    code: 'settings-ignored',
    field: key,
    message: `${key} in ${SETTINGS_FILE} is ${showValue(member.text)}, not ${expected}; its default is used.`,
  })
  return undefined
}

function asText({ value }: JsonMember): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function asBoolean({ value }: JsonMember): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** Kudu takes an integer as JSON writes one: `5`, but neither `5.0` nor `"5"`. */
function asSeconds({ value, text }: JsonMember): number | undefined {
  return typeof value === 'number' && /^\d+$/.test(text) && value <= LONGEST_WAIT ? value * 1000 : undefined
}

/** A day, in seconds. */
const LONGEST_WAIT = 86_400

function asObject({ value }: JsonMember): { readonly [key: string]: JsonValue } | undefined {
  return isObject(value) ? value : undefined
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schedule, if it can be read; what is wrong with it, or doubtful, is told. */
function takeSchedule(
  members: ReadonlyMap<string, JsonMember>,
  text: string,
  warnings: ScriptWarning[],
): string | undefined {
  const schedule = takeKey(members, 'schedule', 'a text', asText, warnings)
  if (schedule === undefined) return undefined
  try {
    const doubts = parseNcrontab(schedule).warnings
    warnings.push(...doubts.map((warning) => ({ ...warning, field: 'schedule' })))
    return schedule
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    const { line } = placeOf(text, members.get('schedule')?.position ?? 0)
    const { code, message, position, hint } = error
    warnings.push({
      code,
      field: 'schedule',
      message: `The job has no schedule: ${message} (schedule in ${SETTINGS_FILE}, line ${line}) ${hint}`,
      ...(position === undefined ? {} : { position }),
    })
    return undefined
  }
}
