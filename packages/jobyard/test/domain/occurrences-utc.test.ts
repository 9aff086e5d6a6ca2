import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNcrontab } from '../../src/domain/ncrontab.ts'
import { nextOccurrence, occurrences, previewOccurrences } from '../../src/domain/occurrences.ts'
import { anySchedule, iso, localOf, matches, only, schedule, utc } from './schedules.ts'

const instants = fc.integer({ min: utc('1900-01-01T00:00:00'), max: utc('2150-01-01T00:00:00') })

describe('in UTC', () => {
  test('occurrences rise, match all six fields, and leave none out', () => {
    fc.assert(
      fc.property(anySchedule(), instants, ({ text, fields }, after) => {
        const found = [...occurrences(schedule(text), { after, count: 5 })]
        let last = after
        for (const due of found) {
          expect(due).toBeGreaterThan(last)
          expect(matches({ text, fields }, localOf(due, 'UTC'))).toBe(true)
          last = due
        }
        const end = Math.min(found[0] ?? Number.POSITIVE_INFINITY, after + 300_000)
        for (let second = Math.floor(after / 1000) * 1000 + 1000; second < end; second += 1000) {
          expect(matches({ text, fields }, localOf(second, 'UTC'))).toBe(false)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('whole days are left out only when they do not match', () => {
    const daily = { 0: only('0', 0), 1: only('0', 0), 2: only('0', 0) }
    fc.assert(
      fc.property(anySchedule(daily), fc.integer({ min: -20_000, max: 60_000 }), ({ text, fields }, day) => {
        const after = day * 86_400_000
        const due = nextOccurrence(schedule(text), after)
        const end = Math.min(due ?? Number.POSITIVE_INFINITY, after + 500 * 86_400_000)
        for (let midnight = after + 86_400_000; midnight < end; midnight += 86_400_000) {
          expect(matches({ text, fields }, localOf(midnight, 'UTC'))).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('croner finds the same', () => {
    let compared = 0
    const day = fc.integer({ min: utc('2000-01-01T00:00:00') / 1000, max: utc('2080-01-01T00:00:00') / 1000 })
    fc.assert(
      fc.property(anySchedule(), day, ({ text }, second) => {
        fc.pre(parseNcrontab(text).possible)
        const after = second * 1000
        const cron = new Cron(text, { mode: '6-part', timezone: 'UTC', domAndDow: true, paused: true })
        const theirs = cron.nextRuns(4, new Date(after)).map((date) => date.getTime())
        expect([...occurrences(schedule(text), { after, count: theirs.length })]).toEqual(theirs)
        compared += theirs.length
      }),
      { numRuns: 200 },
    )
    // It gives up early on rare days, so that some runs compare less than four.
    expect(compared).toBeGreaterThan(600)
  })

  test('both ends are exclusive and parts of a second do not matter', () => {
    const hourly = schedule('0 0 * * * *')
    const one = utc('2026-01-01T01:00:00')
    expect(nextOccurrence(hourly, one - 1)).toBe(one)
    expect(nextOccurrence(hourly, one - 0.5)).toBe(one)
    expect(nextOccurrence(hourly, one)).toBe(one + 3_600_000)
    expect([...occurrences(hourly, { after: one - 1, before: one, count: 9 })]).toEqual([])
    expect([...occurrences(hourly, { after: one - 1, before: one + 1, count: 9 })]).toEqual([one])
    expect([...occurrences(hourly, { after: one - 1, count: 0 })]).toEqual([])
    expect(() => nextOccurrence(hourly, Number.NaN)).toThrow(RangeError)
  })

  test('every date and weekday that can be comes within 40 years, around 2100 too', () => {
    const span = 40 * 366 * 86_400_000
    for (const [day, month] of [
      [29, 2],
      [31, 12],
      [1, 3],
      [30, 4],
    ] as const) {
      for (let weekday = 0; weekday <= 6; weekday += 1) {
        const each = schedule(`0 0 0 ${day} ${month} ${weekday}`)
        for (let year = 2000; year <= 2400; year += 7) {
          const after = utc(`${year}-01-01T00:00:00`)
          const due = nextOccurrence(each, after)
          expect((due ?? Number.POSITIVE_INFINITY) - after).toBeLessThan(span)
        }
      }
    }
    const leapMonday = [...occurrences(schedule('0 0 0 29 2 1'), { after: utc('2070-01-01T00:00:00'), count: 3 })]
    expect(leapMonday.map((due) => iso(due).slice(0, 10))).toEqual(['2072-02-29', '2112-02-29', '2140-02-29'])
  })

  test('a day that never comes is known at once', () => {
    const never = schedule('* * * 30 2 *')
    expect(nextOccurrence(never, 0)).toBeNull()
    expect([...occurrences(never, { after: 0, count: 5 })]).toEqual([])
    expect(nextOccurrence(schedule('* * * 31 4,6 *', 'Europe/Berlin'), 0)).toBeNull()
  })

  test('the last year is 9999 and the first is 1', () => {
    const daily = schedule('0 0 0 * * *')
    expect(iso(nextOccurrence(daily, utc('9999-12-30T12:00:00')) ?? 0)).toBe('9999-12-31T00:00:00.000Z')
    expect(nextOccurrence(daily, utc('9999-12-31T00:00:00'))).toBeNull()
    expect(nextOccurrence(schedule('0 0 0 * * *', 'Europe/Berlin'), utc('9999-12-31T00:00:00'))).toBeNull()
    expect(nextOccurrence(schedule('0 0 * 29 2 *'), utc('9996-03-01T00:00:00'))).toBeNull()
    expect(nextOccurrence(daily, 8.64e15)).toBeNull()
    expect(iso(nextOccurrence(daily, -8.64e15) ?? 0)).toBe('0001-01-01T00:00:00.000Z')
    expect(iso(nextOccurrence(schedule('0 0 0 * * *', 'Asia/Tokyo'), -8.64e15) ?? 0)).toMatch(/^0001-01-01T/)
  })
})

test('a preview shows UTC, the wall clock and the offset', () => {
  const half = schedule('0 30 2 * * *', 'America/New_York')
  expect(previewOccurrences(half, { after: utc('2026-03-07T12:00:00'), count: 2 })).toEqual([
    { utc: '2026-03-08T07:00:00.000Z', local: '2026-03-08T03:00:00', offset: '-04:00' },
    { utc: '2026-03-09T06:30:00.000Z', local: '2026-03-09T02:30:00', offset: '-04:00' },
  ])
  expect(
    previewOccurrences(schedule('0 0 0 * * *'), { after: 0, before: utc('1970-01-03T00:00:00'), count: 9 }),
  ).toEqual([{ utc: '1970-01-02T00:00:00.000Z', local: '1970-01-02T00:00:00', offset: '+00:00' }])
  const monrovia = schedule('0 0 0 1 1 *', 'Africa/Monrovia')
  expect(previewOccurrences(monrovia, { after: utc('1970-06-01T00:00:00'), count: 1 })).toEqual([
    { utc: '1971-01-01T00:44:30.000Z', local: '1971-01-01T00:00:00', offset: '-00:44:30' },
  ])
})
