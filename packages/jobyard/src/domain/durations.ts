import { JobyardError } from './errors.ts'

/** The longest duration that is read: 100 years of 365 days, in milliseconds. */
export const LONGEST_DURATION_MS = 36_500 * 86_400_000

/** Milliseconds of each unit, largest first. */
const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]

/** Bytes of each unit, largest first. */
const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ['TB', 2 ** 40],
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['KB', 2 ** 10],
  ['B', 1],
]

const BILLION = 1_000_000_000n

const NUMBER = '\\d{1,16}(?:\\.\\d{1,9})?'
const SIMPLE = new RegExp(`^(?:(${NUMBER})d)?(?:(${NUMBER})h)?(?:(${NUMBER})m)?(?:(${NUMBER})s)?(?:(${NUMBER})ms)?$`)
const ISO = new RegExp(
  `^P(?:(${NUMBER})W)?(?:(${NUMBER})D)?(?:T(?=\\d)(?:(${NUMBER})H)?(?:(${NUMBER})M)?(?:(${NUMBER})S)?)?$`,
)
const ISO_UNITS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000]

/**
 * Reads a duration in milliseconds: a number with a unit (`500ms`, `30s`, `5m`, `2h`, `7d`), several from the largest on
 * (`1h30m`), or ISO 8601 without years and months (`PT5M`, `P7D`, `P2W`). A fraction is fine when whole milliseconds come
 * out. A number without a unit is refused, since some mean seconds by it and some milliseconds. `field` is the path of
 * the input for the error. Throws JobyardError 'duration-invalid'.
 */
export function parseDuration(input: string | number, field?: string): number {
  const text = typeof input === 'number' ? `${input}` : input.trim()
  const simple = text === '' ? null : SIMPLE.exec(text)
  const iso = /\d/.test(text) ? ISO.exec(text) : null
  const milliseconds = simple
    ? total(
        simple.slice(1),
        DURATION_UNITS.map(([, size]) => size),
      )
    : iso
      ? total(iso.slice(1), ISO_UNITS)
      : undefined
  if (milliseconds === undefined) throw durationInvalid(text, 'is no duration', field, durationHint(text))
  if (milliseconds > LONGEST_DURATION_MS) throw durationInvalid(text, 'is longer than 36500d', field)
  if (!Number.isInteger(milliseconds)) throw durationInvalid(text, 'is no whole number of milliseconds', field)
  return milliseconds
}

/** A text that {@link parseDuration} reads as these whole milliseconds, such as `1h30m`; `0s` for none. */
export function formatDuration(milliseconds: number): string {
  requireWhole(milliseconds)
  let rest = milliseconds
  let text = ''
  for (const [unit, size] of DURATION_UNITS) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}

/**
 * Reads a number of bytes: `512B`, `64KB`, `10MB`, `1GB`, `1TB`, in multiples of 1,024, whatever the case and also
 * as `64K` or `64KiB`. A fraction is fine when whole bytes come out. A number without a unit is refused. `field` is the
 * path of the input for the error. Throws JobyardError 'size-invalid'.
 */
export function parseSize(input: string | number, field?: string): number {
  const text = typeof input === 'number' ? `${input}` : input.trim()
  const match = new RegExp(`^(${NUMBER}) ?(?:([KMGT])(?:i?B)?|B)$`, 'i').exec(text)
  if (match === null) {
    const plain = /^\d{1,16}$/.test(text)
    const hint = plain ? `Add the unit: ${text}B for bytes, ${text}KB, ${text}MB or ${text}GB.` : undefined
    throw invalid('size-invalid', `${shown(text)} is no size${plain ? ', it has no unit' : ''}.`, field, hint)
  }
  const unit = `${(match[2] ?? '').toUpperCase()}B`
  const bytes = total([match[1]], [SIZE_UNITS.find(([name]) => name === unit)?.[1] ?? 1])
  if (!Number.isSafeInteger(bytes)) {
    throw invalid('size-invalid', `${shown(text)} is no whole number of bytes below 8192TB.`, field)
  }
  return bytes
}

/** The text that {@link parseSize} reads as exactly these bytes, in the largest unit that divides them. */
export function formatSize(bytes: number): string {
  requireWhole(bytes)
  const [unit, size] = SIZE_UNITS.find(([, each]) => bytes > 0 && bytes % each === 0) ?? ['B', 1]
  return `${bytes / size}${unit}`
}

/**
 * The sum of decimal counts of units, NaN when it is not whole. Integers throughout, so that 1.001 s is 1001 ms.
 */
function total(counts: readonly (string | undefined)[], sizes: readonly number[]): number {
  let billionths = 0n
  for (const [index, count] of counts.entries()) {
    const [whole = '0', fraction = ''] = (count ?? '0').split('.')
    billionths += BigInt(whole + fraction.padEnd(9, '0')) * BigInt(sizes[index] ?? 0)
  }
  return billionths % BILLION === 0n ? Number(billionths / BILLION) : Number.NaN
}

function durationHint(text: string): string | undefined {
  if (/^\d{1,16}(\.\d+)?$/.test(text))
    return `Add the unit: ${text}s for seconds, ${text}ms, ${text}m, ${text}h or ${text}d.`
  if (/^-/.test(text)) return 'A duration cannot be negative; write 0s for none.'
  if (/^P.*[YM]/.test(text) && !text.includes('T')) return 'Years and months differ in length; write days, as in P30D.'
  if (/^[\d.]+\s*[a-z]+$/i.test(text)) return 'Known units are ms, s, m, h and d, in lower case and without a blank.'
  return undefined
}

function durationInvalid(text: string, what: string, field?: string, hint?: string): JobyardError {
  return invalid('duration-invalid', `${shown(text)} ${what}.`, field, hint)
}

function invalid(
  code: 'duration-invalid' | 'size-invalid',
  message: string,
  field: string | undefined,
  hint?: string,
): JobyardError {
  return new JobyardError(code, message, {
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  })
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function requireWhole(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no whole number of 0 or more.`)
}
