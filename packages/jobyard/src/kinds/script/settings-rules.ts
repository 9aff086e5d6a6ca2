import { formatSize, parseDuration, parseSize } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import { LEAST_MEMORY_BYTES, parseMemoryLimit } from '../../domain/memory-limit.ts'
import { DEFAULT_POLICY, type Policy, type RetryPolicy } from '../../domain/model.ts'
import { nearest } from '../../domain/spelling.ts'
import { requireZone } from '../../domain/zone.ts'
import type { JsonValue } from './lenient-json.ts'
import { showValue } from './names.ts'
import type { ScriptSpec } from './spec.ts'
import type { ScriptWarning } from './warning.ts'

type JsonObject = { readonly [key: string]: JsonValue }

/** What the object `jobyard` in settings.job says; what is not said, or not understood, is absent. */
export interface PackageRules {
  /** IANA name of the zone of the schedule beside it. */
  readonly timeZone?: string
  /** Rules of the job, as far as it has none of its own. */
  readonly policy: Partial<Policy>
  /** Limits and the like, as far as the job's spec says nothing. */
  readonly limits: Pick<ScriptSpec, 'memory' | 'processes' | 'idleTimeout' | 'stopSignal'>
}

/** A package that says nothing. */
export const NO_RULES: PackageRules = { policy: {}, limits: {} }

/** What is expected of a value that is something else. */
class Unexpected extends Error {}

/** Reads a value; throws {@link Unexpected} with what it should be. */
type Read<T> = (value: JsonValue, note: Note) => T

/** Told of what is left out within a value that is taken. */
type Note = (field: string, message: string, code?: string) => void

const WORDS = {
  overlap: ['forbid', 'queue', 'skip', 'replace', 'allow'],
  misfire: ['skip', 'once', 'all'],
  onCrash: ['fail', 'retry'],
  stopSignal: ['after-grace', 'at-once'],
} as const

/** What a retry takes that leaves something out. */
const RETRY = { delayMs: 30_000, factor: 2, maxDelayMs: 3_600_000, jitter: 0.2 }

/** The rules that can stand under `jobyard`, by their names there, each with the rule that it gives. */
const RULES: Readonly<Record<string, Read<Partial<Policy>>>> = {
  overlap: (value) => ({ overlap: word(value, WORDS.overlap) }),
  queueDepth: (value) => ({ queueDepth: whole(value, 1, 100_000) }),
  retry: (value, note) => ({ retry: readRetry(value, note) }),
  timeout: (value) => ({ timeoutMs: value === null ? null : lasting(value) }),
  misfire: (value, note) => ({ misfire: readMisfire(value, note) }),
  onCrash: (value) => ({ onCrash: word(value, WORDS.onCrash) }),
  keepRuns: (value) => ({ keepRuns: whole(value, 1, 1_000_000) }),
  keepAge: (value) => ({ keepAgeMs: value === null ? null : duration(value) }),
  restart: (value, note) => ({ restart: readRestart(value, note) }),
}

/** The members of `jobyard.limits`. */
const LIMITS: Readonly<Record<string, Read<Partial<PackageRules['limits']>>>> = {
  memory: (value) => ({ memory: value === 'none' ? 'none' : asMemory(value) }),
  processes: (value) => ({ processes: whole(value, 0, 4_000_000) }),
  idleTimeout: (value) => ({ idleTimeout: asDuration(value) }),
}

const KNOWN = [...Object.keys(RULES), 'timeZone', 'limits', 'stopSignal']

/** Reads what stands under `jobyard`; whatever is not understood there is left out with a warning. */
export function readRules(said: JsonObject): { readonly rules: PackageRules; readonly warnings: ScriptWarning[] } {
  const warnings: ScriptWarning[] = []
  const note: Note = (field, message, code = 'settings-ignored') => {
    warnings.push({ code, field: `jobyard.${field}`, message: `jobyard.${field} in settings.job ${message}` })
  }
  let timeZone: string | undefined
  let policy: Partial<Policy> = {}
  let limits: PackageRules['limits'] = {}
  for (const [name, value] of Object.entries(said)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined
    if (rule !== undefined) policy = { ...policy, ...take(name, value, rule, note) }
    else if (name === 'timeZone') timeZone = take(name, value, zone, note)
    else if (name === 'stopSignal') limits = { ...limits, ...take(name, value, stopSignal, note) }
    else if (name === 'limits') {
      const { outputBytes, ...others } = take(name, value, readLimits, note) ?? {}
      limits = { ...limits, ...others }
      if (outputBytes !== undefined) policy = { ...policy, outputBytes }
    } else noteUnknown(name, name, KNOWN, note)
  }
  return { rules: { ...(timeZone === undefined ? {} : { timeZone }), policy, limits }, warnings }
}

function take<T>(field: string, value: JsonValue, read: Read<T>, note: Note): T | undefined {
  try {
    return read(value, note)
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    note(field, `is ${showValue(JSON.stringify(value))}, not ${error.message}; it is left out.`)
    return undefined
  }
}

function noteUnknown(field: string, name: string, known: readonly string[], note: Note): void {
  const meant = nearest(name, known)
  const guess = meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`
  note(field, `is nothing that Jobyard knows. ${guess}`, 'settings-unknown')
}

function readLimits(value: JsonValue, note: Note): PackageRules['limits'] & { readonly outputBytes?: number } {
  const known = [...Object.keys(LIMITS), 'output']
  let limits: PackageRules['limits'] & { readonly outputBytes?: number } = {}
  for (const [name, member] of Object.entries(
    object(value, 'an object with memory, processes, idleTimeout or output'),
  )) {
    const field = `limits.${name}`
    const limit = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined
    if (limit !== undefined) limits = { ...limits, ...take(field, member, limit, note) }
    else if (name === 'output') limits = { ...limits, ...take(field, member, outputBytes, note) }
    else noteUnknown(field, name, known, note)
  }
  return limits
}

function readRetry(value: JsonValue, note: Note): RetryPolicy {
  const known = ['kind', 'attempts', 'delay', 'factor', 'maxDelay', 'jitter']
  const said = members(value, 'retry', known, 'an object such as {"attempts": 3, "delay": "30s"}', note)
  const kind = said.kind === undefined ? undefined : word(said.kind, ['none', 'fixed', 'exponential'] as const)
  if (kind === 'none') return { kind: 'none' }
  if (said.attempts === undefined) throw new Unexpected('an object with attempts')
  const attempts = whole(said.attempts, 1, 1000)
  const delayMs = said.delay === undefined ? RETRY.delayMs : duration(said.delay)
  if ((kind ?? 'fixed') === 'fixed' && said.factor === undefined) return { kind: 'fixed', attempts, delayMs }
  const factor = said.factor === undefined ? RETRY.factor : number(said.factor, 1, 100)
  const maxDelayMs = said.maxDelay === undefined ? RETRY.maxDelayMs : duration(said.maxDelay)
  const jitter = said.jitter === undefined ? RETRY.jitter : number(said.jitter, 0, 1)
  return { kind: 'exponential', attempts, delayMs, factor, maxDelayMs, jitter }
}

function readMisfire(value: JsonValue, note: Note): Policy['misfire'] {
  const { windowMs } = DEFAULT_POLICY.misfire
  const expected = 'skip, once or all, or an object such as {"kind": "once", "window": "1h"}'
  if (typeof value === 'string') return { kind: word(value, WORDS.misfire), windowMs }
  const said = members(value, 'misfire', ['kind', 'window'], expected, note)
  return {
    kind: said.kind === undefined ? DEFAULT_POLICY.misfire.kind : word(said.kind, WORDS.misfire),
    windowMs: said.window === undefined ? windowMs : duration(said.window),
  }
}

function readRestart(value: JsonValue, note: Note): Policy['restart'] {
  if (typeof value === 'string') return { delayMs: duration(value) }
  const expected = 'a duration such as 10s, or an object such as {"delay": "10s"}'
  const said = members(value, 'restart', ['delay', 'backoff'], expected, note)
  const delayMs = said.delay === undefined ? DEFAULT_POLICY.restart.delayMs : duration(said.delay)
  if (said.backoff === undefined) return { delayMs }
  const backoff = members(said.backoff, 'restart.backoff', ['factor', 'max'], 'an object with factor and max', note)
  return {
    delayMs,
    backoff: {
      factor: backoff.factor === undefined ? RETRY.factor : number(backoff.factor, 1, 100),
      maxMs: backoff.max === undefined ? RETRY.maxDelayMs : duration(backoff.max),
    },
  }
}

/** The members of an object; those that nobody knows are told. */
function members(
  value: JsonValue,
  field: string,
  known: readonly string[],
  expected: string,
  note: Note,
): { readonly [key: string]: JsonValue | undefined } {
  const said = object(value, expected)
  for (const name of Object.keys(said)) if (!known.includes(name)) noteUnknown(`${field}.${name}`, name, known, note)
  return said
}

function object(value: JsonValue, expected: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new Unexpected(expected)
}

function word<const W extends string>(value: JsonValue, words: readonly W[]): W {
  const found = words.find((each) => each === value)
  if (found !== undefined) return found
  throw new Unexpected(`one of ${words.join(', ')}`)
}

function whole(value: JsonValue, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new Unexpected(`a whole number from ${least} to ${most}`)
}

function number(value: JsonValue, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new Unexpected(`a number from ${least} to ${most}`)
}

function duration(value: JsonValue): number {
  return told(() => (typeof value === 'string' ? parseDuration(value) : undefined), 'a duration such as "30s" or "5m"')
}

/** One that a run is ended after: none at all would end every run at once. */
function lasting(value: JsonValue): number {
  const read = duration(value)
  if (read > 0) return read
  throw new Unexpected('a duration longer than 0')
}

function asDuration(value: JsonValue): string {
  lasting(value)
  return String(value)
}

function bytes(value: JsonValue): number {
  return told(() => (typeof value === 'string' ? parseSize(value) : undefined), 'a size such as "512MB"')
}

function asMemory(value: JsonValue): string {
  const read = () => (typeof value === 'string' ? parseMemoryLimit(value) : undefined)
  told(read, `a size of at least ${formatSize(LEAST_MEMORY_BYTES)} such as "512MB"`)
  return String(value)
}

function outputBytes(value: JsonValue): { readonly outputBytes: number } {
  return { outputBytes: bytes(value) }
}

function zone(value: JsonValue): string {
  return told(() => (typeof value === 'string' ? requireZone(value) : undefined), 'a time zone such as "Europe/Berlin"')
}

function stopSignal(value: JsonValue): Pick<ScriptSpec, 'stopSignal'> {
  return { stopSignal: word(value, WORDS.stopSignal) }
}

/** What a reader of ours gives, with its refusal in the words of this file. */
function told<T>(read: () => T | undefined, expected: string): T {
  let value: T | undefined
  try {
    value = read()
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
  }
  if (value === undefined) throw new Unexpected(expected)
  return value
}
