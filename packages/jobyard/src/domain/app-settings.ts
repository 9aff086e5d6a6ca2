import { requireZone } from './zone.ts'

/** The most settings that a collection can have. */
export const MOST_SETTINGS = 1000
/** The most bytes that names and values of a collection's settings may have together. */
export const LARGEST_SETTINGS_BYTES = 64 * 1024
/** The longest name, in characters. */
export const LONGEST_SETTING_NAME = 256
/** The largest value, in bytes. */
export const LARGEST_SETTING_VALUE = 32 * 1024

/** Characters of a value that are shown in a warning. */
const LONGEST_SHOWN = 80

/** The variable by which left-over processes are found; nobody but the process host sets it. */
const MARK = 'JOBYARD_MARK'

/** What a setting can steer. */
export type Steer = 'stopped' | 'unscheduled' | 'restart' | 'idle' | 'history' | 'zone' | 'instance'

/** What the settings of a collection say to the engine. */
export interface Steering {
  /** Nothing starts, and continuous jobs are stopped: WEBJOBS_STOPPED, or WEBJOB_STOPPED as Azure's documentation has it. */
  readonly stopped: boolean
  /** No schedule falls due: WEBJOBS_DISABLE_SCHEDULE. */
  readonly unscheduled: boolean
  /** Milliseconds before a continuous job starts again after a short run: WEBJOBS_RESTART_TIME; null: the jobs' own rule. */
  readonly restartMs: number | null
  /** Milliseconds after which a triggered run that neither prints nor uses CPU is ended: WEBJOBS_IDLE_TIMEOUT; null: never. */
  readonly idleMs: number | null
  /** Finished runs of a triggered job that are kept: WEBJOBS_HISTORY_SIZE; null: the jobs' own rule. */
  readonly history: number | null
  /** IANA name of the zone of schedules that name none: WEBSITE_TIME_ZONE; null: UTC. */
  readonly timeZone: string | null
  /** What instances are called to jobs: WEBSITE_INSTANCE_ID; null: by their own names. */
  readonly instanceId: string | null
  /** False: logs of continuous jobs warn that the site is not always on, for clients that look for it. */
  readonly alwaysOn: boolean
}

/** What a collection without settings says. */
export const NO_STEERING: Steering = {
  stopped: false,
  unscheduled: false,
  restartMs: null,
  idleMs: null,
  history: null,
  timeZone: null,
  instanceId: null,
  alwaysOn: true,
}

/** Of all that is said of it only `0` counts, and it changes no more than what logs say. */
const ALWAYS_ON = 'website_scm_always_on_enabled'

/** What a setting that steers says, as the database keeps it beside its value. */
export interface SteerValue {
  readonly steer: Steer
  /** A flag as 0 or 1, a time in milliseconds, a count; null for texts, and for what counts as not set. */
  readonly amount: number | null
  /** What is wrong with the value, which then counts as not set; null: nothing. */
  readonly fault: string | null
}

type Reading = Pick<SteerValue, 'amount' | 'fault'>

const STEERS: Readonly<Record<string, { readonly steer: Steer; readonly read: (value: string) => Reading }>> = {
  webjobs_stopped: { steer: 'stopped', read: readFlag },
  webjob_stopped: { steer: 'stopped', read: readFlag },
  webjobs_disable_schedule: { steer: 'unscheduled', read: readFlag },
  webjobs_restart_time: { steer: 'restart', read: readSeconds },
  webjobs_idle_timeout: { steer: 'idle', read: readSeconds },
  webjobs_history_size: { steer: 'history', read: readHistory },
  website_time_zone: { steer: 'zone', read: readZone },
  website_instance_id: { steer: 'instance', read: () => ({ amount: null, fault: null }) },
}

/** Names of settings compare without regard to case. */
export function settingKey(name: string): string {
  return name.toLowerCase()
}

/** What a setting says to the engine; null for one that only jobs care about. */
export function readSteer(name: string, value: string): SteerValue | null {
  const known = Object.hasOwn(STEERS, settingKey(name)) ? STEERS[settingKey(name)] : undefined
  return known === undefined ? null : { steer: known.steer, ...known.read(value) }
}

/**
 * What is wrong with the value of a setting that steers, as a sentence: Kudu's clients may set what cannot be read, and
 * nobody must be left to wonder why nothing follows. Null: nothing is.
 */
export function steerWarning(name: string, value: string): string | null {
  const fault = readSteer(name, value)?.fault ?? null
  if (fault === null) return null
  const told = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value
  // Flags say themselves what counts.
  return `${JSON.stringify(told)} ${fault}${fault.includes('so it is') ? '' : ', so it counts as not set'}.`
}

/** What these settings say to the engine together. */
export function steeringOf(settings: Iterable<{ readonly name: string; readonly value: string }>): Steering {
  const said: { -readonly [K in keyof Steering]: Steering[K] } = { ...NO_STEERING }
  for (const { name, value } of settings) {
    if (settingKey(name) === ALWAYS_ON) said.alwaysOn = value !== '0'
    const read = readSteer(name, value)
    if (read === null || read.fault !== null) continue
    const { steer, amount } = read
    if (steer === 'stopped') said.stopped ||= amount === 1
    else if (steer === 'unscheduled') said.unscheduled = amount === 1
    else if (steer === 'restart') said.restartMs = amount
    else if (steer === 'idle') said.idleMs = amount === 0 ? null : amount
    else if (steer === 'history') said.history = amount
    else if (steer === 'zone') said.timeZone = zoneOf(value)
    else said.instanceId = value === '' ? null : value
  }
  return said
}

/** The zone that a value of WEBSITE_TIME_ZONE names, by its IANA name or that of Windows; null: none that is known. */
export function zoneOf(value: string): string | null {
  const name = value.trim()
  if (name === '') return null
  try {
    return requireZone(name)
  } catch {
    // Whoever writes the setting through /v1 is told; from elsewhere it counts as not set, as with WebJobs.
    return null
  }
}

/** What keeps a name and a value from becoming an environment variable; undefined: nothing. */
export function variableFault(name: string, value: string): string | undefined {
  if (name === '') return 'has no name'
  if (name.includes('=')) return 'has "=" in its name, which no environment variable can'
  if (name.includes('\0')) return 'has a NUL in its name'
  // Windows does not tell the case of names.
  if (name.toUpperCase() === MARK) return 'is reserved for finding left-over processes'
  if (value.includes('\0')) return 'has a NUL in its value'
  return undefined
}

/** What keeps this from being a setting of a collection; undefined: nothing. */
export function settingFault(name: string, value: string): string | undefined {
  const fault = variableFault(name, value)
  if (fault !== undefined) return fault
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f]/.test(name)) return 'has a control character in its name'
  if (name.trim() !== name) return 'has a blank at the beginning or the end of its name'
  if (name.length > LONGEST_SETTING_NAME) return `has a name of more than ${LONGEST_SETTING_NAME} characters`
  if (!name.isWellFormed() || !value.isWellFormed()) return 'is not valid Unicode'
  if (Buffer.byteLength(value) > LARGEST_SETTING_VALUE) {
    return `has a value of more than ${LARGEST_SETTING_VALUE / 1024} KB`
  }
  return undefined
}

/** `1` and `true` in any case are on, all else is off. */
function readFlag(value: string): Reading {
  const word = value.trim().toLowerCase()
  const known = ['1', 'true', '0', 'false', ''].includes(word)
  return {
    amount: word === '1' || word === 'true' ? 1 : 0,
    fault: known ? null : 'is neither 1 or true nor 0 or false, so it is off',
  }
}

/** Whole seconds, here in milliseconds; below zero counts as zero, what is no whole number as not set. */
function readSeconds(value: string): Reading {
  const seconds = readInteger(value)
  if (seconds === null) return { amount: null, fault: 'is not a whole number of seconds' }
  return { amount: Math.max(0, seconds) * 1000, fault: null }
}

function readHistory(value: string): Reading {
  const count = readInteger(value)
  return count === null || count <= 0
    ? { amount: null, fault: 'is not a whole number above 0' }
    : { amount: count, fault: null }
}

function readZone(value: string): Reading {
  const known = value.trim() === '' || zoneOf(value) !== null
  return { amount: null, fault: known ? null : 'is no time zone, neither by an IANA name nor by one of Windows' }
}

/** A 32-bit number as .NET reads one: blanks around it and a sign are taken. */
function readInteger(value: string): number | null {
  const text = value.trim()
  if (!/^[+-]?\d{1,10}$/.test(text)) return null
  const number = Number(text)
  return Math.abs(number) <= 2_147_483_647 ? number : null
}
