/** How .NET writes a date that was never set. */
export const UNSET_DATE = '0001-01-01T00:00:00'

/** A moment in UTC as Kudu writes it: without the zeros at the end of its fraction. Unset: {@link UNSET_DATE}. */
export function showDate(time: number | null): string {
  if (time === null) return UNSET_DATE
  return new Date(time).toISOString().replace(/\.?0*Z$/, 'Z')
}

const DAY_MS = 86_400_000

/** A duration in milliseconds as .NET writes a TimeSpan: `[d.]hh:mm:ss[.fffffff]`. Less than none is none. */
export function showTimeSpan(milliseconds: number): string {
  const whole = Math.max(0, Math.trunc(milliseconds))
  const days = Math.floor(whole / DAY_MS)
  const clock = new Date(whole % DAY_MS).toISOString().slice(11, 19)
  const fraction = whole % 1000
  return `${days === 0 ? '' : `${days}.`}${clock}${fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}0000`}`
}
