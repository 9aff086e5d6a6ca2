/** A length of time as people say it: `350 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function sayDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`
  const seconds = milliseconds / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

/** Time that goes on, in whole seconds: `4 s`, `3 min 12 s`. */
export function sayElapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return seconds < 60 ? `${seconds} s` : sayDuration(seconds * 1000)
}

const STEPS: readonly (readonly [limit: number, unit: number, name: string])[] = [
  [60_000, 1000, 's'],
  [3_600_000, 60_000, 'min'],
  [86_400_000, 3_600_000, 'h'],
  [Number.POSITIVE_INFINITY, 86_400_000, 'd'],
]

/** A distance from now: `12 s ago`, `in 3 min`, `now`. Coarse; the exact time is told beside it. */
export function sayDistance(milliseconds: number): string {
  const size = Math.abs(milliseconds)
  if (size < 1000) return 'now'
  const [, unit, name] = STEPS.find(([limit]) => size < limit) ?? [0, 86_400_000, 'd']
  const count = `${Math.floor(size / unit)} ${name}`
  return milliseconds < 0 ? `in ${count}` : `${count} ago`
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** A number of bytes as people say it: `512 B`, `1.5 MB`, in multiples of 1,024. */
export function saySize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`
}

const counter = new Intl.NumberFormat('en')

/** A number and what is counted: `1 file`, `3,000 files`. */
export function sayCount(count: number, one: string, many = `${one}s`): string {
  return `${counter.format(count)} ${count === 1 ? one : many}`
}

const exact = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' })
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** A moment in the reader's own time, with its zone: `2026-11-21 03:00:00 (Europe/Berlin)`. */
export function sayExactly(instant: string): string {
  return `${exact.format(new Date(instant))} (${zone})`
}

/** A moment in the reader's own time: `2026-11-21 03:00:00`. */
export function sayTime(instant: string): string {
  return exact.format(new Date(instant))
}

/** The beginning of a hash, enough to tell it from others. */
export function sayHash(hash: string): string {
  return hash.slice(0, 10)
}
