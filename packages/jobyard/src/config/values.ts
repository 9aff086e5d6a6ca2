import { resolve } from 'node:path'
import { formatDuration, formatSize, parseDuration, parseSize } from '../domain/durations.ts'
import { JobyardError } from '../domain/errors.ts'
import { parseMemoryLimit } from '../domain/memory-limit.ts'

/** A sort of value that a setting can have: how it is read from text and shown again. */
export interface ValueType<T> {
  /** What it is called in documentation, such as `duration`. */
  readonly name: string
  /** What stands for it in help texts, such as `<duration>`; absent for a switch, which takes no value. */
  readonly placeholder?: string
  /** Throws a JobyardError whose message says what is wrong with the text. `folder` is where relative paths begin. */
  read(text: string, folder: string): T
  show(value: T): string
}

/** Any text that is not empty. */
export const text: ValueType<string> = { name: 'text', placeholder: '<text>', read: (given) => given, show: String }

/** A path; a relative one begins in the current folder. */
export const path: ValueType<string> = {
  name: 'path',
  placeholder: '<path>',
  read: (given, folder) => resolve(folder, given),
  show: String,
}

/** Yes or no. */
export const toggle: ValueType<boolean> = {
  name: 'switch',
  read(given) {
    if (/^(1|true|yes|on)$/i.test(given)) return true
    if (/^(0|false|no|off)$/i.test(given)) return false
    throw invalid(`"${given}" is neither yes nor no`, 'Write 1 or 0.')
  },
  show: (value) => (value ? '1' : '0'),
}

/** A number of milliseconds, written with its unit. */
export function duration(least = 0): ValueType<number> {
  return {
    name: 'duration',
    placeholder: '<duration>',
    read(given) {
      const milliseconds = parseDuration(given)
      if (milliseconds >= least) return milliseconds
      throw invalid(`${given} is too short`, `Write at least ${formatDuration(least)}.`)
    },
    show: formatDuration,
  }
}

/** A number of bytes, written with its unit. */
export const size: ValueType<number> = {
  name: 'size',
  placeholder: '<size>',
  read(given) {
    const bytes = parseSize(given)
    if (bytes > 0) return bytes
    throw invalid('0 is too little', 'Write a size such as 10MB.')
  },
  show: formatSize,
}

/** A limit of memory that something can run under. */
export const memoryLimit: ValueType<number> = { ...size, read: (given) => parseMemoryLimit(given) }

/** A number of bytes within bounds. */
export function sizeWithin(least: number, most: number): ValueType<number> {
  return {
    ...size,
    read(given, folder) {
      const bytes = size.read(given, folder)
      if (bytes >= least && bytes <= most) return bytes
      const bounds = `from ${formatSize(least)} to ${formatSize(most)}`
      throw invalid(`${given} is not ${bounds}`, `Write a size ${bounds}.`)
    },
  }
}

/** A whole number. `example` is one that people may mean. */
export function count(least: number, most: number, example: number): ValueType<number> {
  return {
    name: 'number',
    placeholder: '<number>',
    read(given) {
      const number = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
      if (number >= least && number <= most) return number
      throw invalid(`"${given}" is no whole number from ${least} to ${most}`, `Write a number, such as ${example}.`)
    },
    show: String,
  }
}

/** One of a few words. */
export function choice<const W extends string>(...words: readonly W[]): ValueType<W> {
  return {
    name: words.join(', '),
    placeholder: '<word>',
    read(given) {
      const word = words.find((each) => each === given.toLowerCase())
      if (word !== undefined) return word
      throw invalid(`"${given}" is not one of ${words.join(', ')}`, `Use one of: ${words.join(', ')}.`)
    },
    show: String,
  }
}

/** A word of letters, digits, dots, hyphens and underscores, at most 64 characters. */
export const word: ValueType<string> = {
  name: 'name',
  placeholder: '<name>',
  read(given) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(given)) return given
    throw invalid(`"${given}" cannot be used as a name`, 'Use up to 64 letters, digits, dots, hyphens and underscores.')
  },
  show: String,
}

/** The address of a web server. */
export const webAddress: ValueType<string> = {
  name: 'URL',
  placeholder: '<url>',
  read(given) {
    const url = URL.parse(given)
    if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '')
    throw invalid(`"${given}" is no web address`, 'Write it in full, such as https://jobs.example.com.')
  },
  show: String,
}

/** The address of a PostgreSQL database. Its password is not shown. */
export const databaseAddress: ValueType<string> = {
  name: 'URL',
  placeholder: '<url>',
  read(given) {
    const url = URL.parse(given)
    if (url !== null && /^postgres(ql)?:$/.test(url.protocol)) return given
    throw invalid('the address is none of PostgreSQL', 'Write postgres://user:password@host:5432/database.')
  },
  show(value) {
    const url = new URL(value)
    if (url.password !== '') url.password = '***'
    if (url.searchParams.has('password')) url.searchParams.set('password', '***')
    return url.href
  },
}

/** A token: only that it is set is shown. */
export const token: ValueType<string> = {
  name: 'text',
  placeholder: '<text>',
  read(given) {
    if (/^[\x21-\x7e]{20,200}$/.test(given)) return given
    throw invalid('the token cannot be used', 'Use 20 to 200 letters, digits and signs without blanks.')
  },
  show: () => 'set',
}

/** Another sort of value, or nothing. */
export function optional<T>(type: ValueType<T>): ValueType<T | null> {
  return { ...type, show: (value) => (value === null ? 'not set' : type.show(value)) }
}

/** Another sort of value, or the word `none` for no limit. */
export function orNone<T>(type: ValueType<T>): ValueType<T | null> {
  return {
    ...type,
    name: `${type.name} or none`,
    read: (given, folder) => (given.toLowerCase() === 'none' ? null : type.read(given, folder)),
    show: (value) => (value === null ? 'none' : type.show(value)),
  }
}

function invalid(message: string, hint: string): JobyardError {
  return new JobyardError('setting-invalid', `${message}.`, { hint })
}
