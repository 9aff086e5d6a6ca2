import fc from 'fast-check'
import { parseNcrontab } from '../../src/domain/ncrontab.ts'
import type { Schedule } from '../../src/domain/occurrences.ts'

/** A schedule of a text; UTC unless told otherwise. */
export function schedule(text: string, timeZone = 'UTC'): Schedule {
  return { ncrontab: parseNcrontab(text), timeZone }
}

/** Epoch milliseconds of an ISO text in UTC. */
export function utc(text: string): number {
  return Date.parse(text.endsWith('Z') ? text : `${text}Z`)
}

/** ISO text of epoch milliseconds. */
export function iso(instant: number): string {
  return new Date(instant).toISOString()
}

/** A field as text together with the values it must let through, worked out without the parser under test. */
export interface GeneratedField {
  readonly text: string
  readonly values: ReadonlySet<number>
}

/** A schedule's text with the values of its six fields. */
export interface GeneratedSchedule {
  readonly text: string
  readonly fields: readonly [
    GeneratedField,
    GeneratedField,
    GeneratedField,
    GeneratedField,
    GeneratedField,
    GeneratedField,
  ]
}

function everyFrom(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
}

/** One element of a list, written in any of the forms that all cron readers share. */
function element(min: number, max: number): fc.Arbitrary<{ text: string; values: number[] }> {
  const value = fc.integer({ min, max })
  const step = fc.integer({ min: 1, max })
  return fc.oneof(
    { weight: 3, arbitrary: value.map((one) => ({ text: `${one}`, values: [one] })) },
    {
      weight: 2,
      arbitrary: fc.tuple(value, value).map(([one, other]) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        return { text: `${from}-${to}`, values: everyFrom(from, to, 1) }
      }),
    },
    { weight: 2, arbitrary: step.map((by) => ({ text: `*/${by}`, values: everyFrom(min, max, by) })) },
    {
      weight: 1,
      arbitrary: fc.tuple(value, value, step).map(([one, other, by]) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        return { text: `${from}-${to}/${by}`, values: everyFrom(from, to, by) }
      }),
    },
  )
}

/** A field: `*` about as often as a list of one to three elements. */
export function field(min: number, max: number, starWeight = 2): fc.Arbitrary<GeneratedField> {
  const star = fc.constant({ text: '*', values: new Set(everyFrom(min, max, 1)) })
  const list = fc.array(element(min, max), { minLength: 1, maxLength: 3 }).map((elements) => ({
    text: elements.map((each) => each.text).join(','),
    values: new Set(elements.flatMap((each) => each.values)),
  }))
  return fc.oneof({ weight: starWeight, arbitrary: star }, { weight: 2, arbitrary: list })
}

const FIELDS = [field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)] as const

/** Any schedule; `fixed` replaces some of the six fields. */
export function anySchedule(fixed: Readonly<Record<number, fc.Arbitrary<GeneratedField>>> = {}) {
  const [second, minute, hour, day, month, weekday] = FIELDS
  return fc
    .tuple(
      fixed[0] ?? second,
      fixed[1] ?? minute,
      fixed[2] ?? hour,
      fixed[3] ?? day,
      fixed[4] ?? month,
      fixed[5] ?? weekday,
    )
    .map((fields): GeneratedSchedule => ({ fields, text: fields.map((each) => each.text).join(' ') }))
}

/** A field that is always the same. */
export function only(text: string, ...values: number[]): fc.Arbitrary<GeneratedField> {
  return fc.constant({ text, values: new Set(values) })
}

/** Whether local date and time fields match a generated schedule. */
export function matches(generated: GeneratedSchedule, local: Temporal.PlainDateTime | Temporal.ZonedDateTime): boolean {
  const shown = [local.second, local.minute, local.hour, local.day, local.month, local.dayOfWeek % 7]
  return generated.fields.every((each, index) => each.values.has(shown[index] ?? -1))
}

/** The local date and time of an instant by `Temporal`. */
export function localOf(instant: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone)
}
