import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextOccurrence, occurrences, previewOccurrences } from '../../src/domain/occurrences.ts'
import clockChanges from '../cases/clock-changes.json' with { type: 'json' }
import { anySchedule, field, type GeneratedSchedule, iso, localOf, matches, only, schedule, utc } from './schedules.ts'

describe('the clock-change case list', () => {
  test.each(clockChanges.cases)('$ncrontab in $timeZone from $from', ({ ncrontab, timeZone, from, expected }) => {
    const found = [...occurrences(schedule(ncrontab, timeZone), { after: utc(from), count: expected.length })]
    expect(found.map(iso)).toEqual(expected)
  })
})

/** Zones whose clocks have done unusual things, and some usual ones. */
const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Europe/Dublin',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'Africa/Casablanca',
  'Africa/Monrovia',
  'America/Caracas',
  'America/Sao_Paulo',
  'America/Scoresbysund',
  'Asia/Beirut',
  'Asia/Gaza',
  'Asia/Pyongyang',
  'Asia/Tehran',
  'Europe/Amsterdam',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Pacific/Kwajalein',
]

const HOUR = 3_600_000

/** A zone and the instant of one of its clock changes between 1900 and 2060. */
const change = fc
  .tuple(fc.constantFrom(...ZONES), fc.integer({ min: utc('1900-01-01T00:00:00'), max: utc('2060-01-01T00:00:00') }))
  .map(([timeZone, instant]) => {
    const near = localOf(instant, timeZone)
    const found = near.getTimeZoneTransition('next') ?? near.getTimeZoneTransition('previous')
    return { timeZone, at: found?.epochMilliseconds ?? instant }
  })

/** Schedules of few seconds, so that a window of days can be gone through. */
const ofMinutes = { 0: only('0', 0), 3: field(1, 31, 9), 4: field(1, 12, 20), 5: field(0, 6, 9) }
const everyHour = anySchedule({ ...ofMinutes, 2: only('*', ...Array.from({ length: 24 }, (_, hour) => hour)) })
const namedHours = anySchedule({ ...ofMinutes, 2: field(0, 23, 0) }).filter(({ fields }) => fields[2].values.size < 24)

function windowOf(text: string, timeZone: string, at: number): number[] {
  return [...occurrences(schedule(text, timeZone), { after: at - 30 * HOUR, before: at + 30 * HOUR, count: 10_000 })]
}

/** Every instant of the window whose local time matches, by asking `Temporal` for each whole local minute. */
function everyMatchingInstant(generated: GeneratedSchedule, timeZone: string, at: number): number[] {
  const found: number[] = []
  // Offsets of history have seconds, so whole local minutes have a grid of their own on each side of the change.
  let start = at - 30 * HOUR
  while (start < at + 30 * HOUR) {
    const zoned = localOf(start, timeZone)
    const next = zoned.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY
    const end = Math.min(next, at + 30 * HOUR)
    const first = start + ((60 - zoned.second) % 60) * 1000
    for (let instant = first; instant < end; instant += 60_000) {
      if (instant > at - 30 * HOUR && matches(generated, localOf(instant, timeZone))) found.push(instant)
    }
    start = end
  }
  return found
}

/** Where each named local time of the window happens, by `Temporal`'s own reading of local times. */
function everyNamedTime(generated: GeneratedSchedule, timeZone: string, at: number): number[] {
  const found = new Set<number>()
  const [, minutes, hours] = generated.fields
  const firstDay = localOf(at - 80 * HOUR, timeZone).toPlainDate()
  for (let days = 0; days <= 7; days += 1) {
    const date = firstDay.add({ days })
    for (const hour of hours.values) {
      for (const minute of minutes.values) {
        const local = date.toPlainDateTime({ hour, minute })
        if (matches(generated, local)) found.add(happensAt(local, timeZone))
      }
    }
  }
  const inside = [...found].filter((instant) => instant > at - 30 * HOUR && instant < at + 30 * HOUR)
  return inside.sort((one, other) => one - other)
}

function happensAt(local: Temporal.PlainDateTime, timeZone: string): number {
  const earlier = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
  if (earlier.toPlainDateTime().equals(local)) return earlier.epochMilliseconds
  // In a gap: "earlier" lies before it, and the change that follows is the first valid instant after it.
  const after = earlier.getTimeZoneTransition('next')
  if (after === null) throw new Error(`${local} in ${timeZone} lies in a gap without a clock change.`)
  return after.epochMilliseconds
}

describe('a schedule for every hour', () => {
  test('has every instant whose local time matches, around any clock change', () => {
    fc.assert(
      fc.property(everyHour, change, (generated, { timeZone, at }) => {
        expect(windowOf(generated.text, timeZone, at)).toEqual(everyMatchingInstant(generated, timeZone, at))
      }),
      { numRuns: 60 },
    )
  })
})

describe('a schedule of named hours', () => {
  test('has each local time once: after a gap, and in the first pass of an overlap', () => {
    fc.assert(
      fc.property(namedHours, change, (generated, { timeZone, at }) => {
        expect(windowOf(generated.text, timeZone, at)).toEqual(everyNamedTime(generated, timeZone, at))
      }),
      { numRuns: 250 },
    )
  })

  test('never has one local date and time twice, over zones and years', () => {
    const zones = fc.constantFrom(...ZONES, 'UTC', 'Asia/Kolkata')
    const years = fc.integer({ min: 1971, max: 2060 })
    fc.assert(
      fc.property(
        anySchedule({ 0: only('30', 30), 2: field(0, 23, 0) }),
        zones,
        years,
        ({ text, fields }, zone, year) => {
          fc.pre(fields[2].values.size < 24)
          const range = {
            after: utc(`${year}-01-01T00:00:00`),
            before: utc(`${year + 1}-01-01T00:00:00`),
            count: 1_500,
          }
          const shown = previewOccurrences(schedule(text, zone), range).map((each) => each.local)
          expect(new Set(shown).size).toBe(shown.length)
        },
      ),
      { numRuns: 80 },
    )
  })

  test('rises strictly and is the same from whatever instant it is asked', () => {
    fc.assert(
      fc.property(namedHours, change, fc.nat(60 * HOUR - 1), (generated, { timeZone, at }, into) => {
        const whole = windowOf(generated.text, timeZone, at)
        const from = at - 30 * HOUR + into
        expect(nextOccurrence(schedule(generated.text, timeZone), from) ?? 0).toBe(
          whole.find((due) => due > from) ?? nextOccurrence(schedule(generated.text, timeZone), at + 30 * HOUR - 1),
        )
        for (const [index, due] of whole.entries()) expect(due).toBeGreaterThan(whole[index - 1] ?? at - 30 * HOUR)
      }),
      { numRuns: 150 },
    )
  })
})

describe('unusual clocks', () => {
  const shown = (text: string, timeZone: string, from: string, count: number) =>
    previewOccurrences(schedule(text, timeZone), { after: utc(from), count }).map(
      (each) => `${each.utc.slice(0, 16)}Z ${each.local.slice(0, 16)} ${each.offset}`,
    )

  test('a day that Samoa skipped happens at the first instant of the next', () => {
    expect(shown('0 30 2 * * *', 'Pacific/Apia', '2011-12-28T13:00:00', 4)).toEqual([
      '2011-12-29T12:30Z 2011-12-29T02:30 -10:00',
      '2011-12-30T10:00Z 2011-12-31T00:00 +14:00',
      '2011-12-30T12:30Z 2011-12-31T02:30 +14:00',
      '2011-12-31T12:30Z 2012-01-01T02:30 +14:00',
    ])
    expect(shown('0 0 */12 * * *', 'Pacific/Apia', '2011-12-29T10:00:00', 3)).toEqual([
      '2011-12-29T22:00Z 2011-12-29T12:00 -10:00',
      '2011-12-30T10:00Z 2011-12-31T00:00 +14:00',
      '2011-12-30T22:00Z 2011-12-31T12:00 +14:00',
    ])
    expect(shown('0 0 * 30 12 *', 'Pacific/Apia', '2011-12-28T00:00:00', 1)).toEqual([
      '2012-12-29T10:00Z 2012-12-30T00:00 +14:00',
    ])
  })

  test('half an hour on Lord Howe Island', () => {
    expect(shown('0 45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00', 2)).toEqual([
      '2026-04-04T14:45Z 2026-04-05T01:45 +11:00',
      '2026-04-05T15:15Z 2026-04-06T01:45 +10:30',
    ])
    expect(shown('0 45 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:00:00', 3)).toEqual([
      '2026-04-04T14:45Z 2026-04-05T01:45 +11:00',
      '2026-04-04T15:15Z 2026-04-05T01:45 +10:30',
      '2026-04-04T16:15Z 2026-04-05T02:45 +10:30',
    ])
  })

  test('two hours at Troll', () => {
    expect(shown('0 30 1,2 * * *', 'Antarctica/Troll', '2026-03-29T00:00:00', 2)).toEqual([
      '2026-03-29T01:00Z 2026-03-29T03:00 +02:00',
      '2026-03-29T23:30Z 2026-03-30T01:30 +02:00',
    ])
    expect(shown('0 30 * * * *', 'Antarctica/Troll', '2026-10-24T23:00:00', 5)).toEqual([
      '2026-10-24T23:30Z 2026-10-25T01:30 +02:00',
      '2026-10-25T00:30Z 2026-10-25T02:30 +02:00',
      '2026-10-25T01:30Z 2026-10-25T01:30 +00:00',
      '2026-10-25T02:30Z 2026-10-25T02:30 +00:00',
      '2026-10-25T03:30Z 2026-10-25T03:30 +00:00',
    ])
  })

  test('0-23 and *, which leave nothing out alike, are one schedule', () => {
    const range = { after: utc('2026-10-24T20:00:00'), count: 12 }
    const all = [...occurrences(schedule('0 30 * * * *', 'Europe/Berlin'), range)]
    expect([...occurrences(schedule('0 30 0-23 * * *', 'Europe/Berlin'), range)]).toEqual(all)
    expect(all.every((due, index) => index === 0 || due - (all[index - 1] ?? 0) === HOUR)).toBe(true)
  })
})
