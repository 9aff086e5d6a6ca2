import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countOccurrences, latestOccurrences, occurrences } from '../../src/domain/occurrences.ts'
import { anySchedule, field, only, schedule, utc } from './schedules.ts'

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Apia', 'Australia/Lord_Howe', 'Africa/Monrovia')
const instants = fc.integer({ min: utc('1965-01-01T00:00:00'), max: utc('2040-01-01T00:00:00') })
const fewSeconds = anySchedule({ 0: field(0, 59, 0), 1: only('7', 7) })

describe('counting without enumerating', () => {
  test('gives the number that enumerating gives', () => {
    fc.assert(
      fc.property(fewSeconds, zones, instants, fc.nat(40 * 86_400_000), ({ text }, zone, after, span) => {
        const found = [...occurrences(schedule(text, zone), { after, before: after + span, count: 100_000 })]
        expect(countOccurrences(schedule(text, zone), after, after + span)).toBe(found.length)
      }),
      { numRuns: 120 },
    )
  })

  test('gives it over clock changes, where named times coincide', () => {
    const apia = schedule('0 */20 1-5 * * *', 'Pacific/Apia')
    const lordHowe = schedule('0 */5 2 * * *', 'Australia/Lord_Howe')
    for (const [each, from, to] of [
      [apia, '2011-12-20T00:00:00', '2012-01-10T00:00:00'],
      [lordHowe, '2026-01-01T00:00:00', '2027-01-01T00:00:00'],
      [schedule('0 */10 1-3 * * *', 'Europe/Berlin'), '2020-01-01T00:00:00', '2026-01-01T00:00:00'],
    ] as const) {
      const range = { after: utc(from), before: utc(to), count: 1_000_000 }
      expect(countOccurrences(each, range.after, range.before)).toBe([...occurrences(each, range)].length)
    }
  })

  test('is exact for what could never be enumerated', () => {
    const year = [utc('2025-12-31T23:59:59'), utc('2027-01-01T00:00:00')] as const
    expect(countOccurrences(schedule('* * * * * *'), ...year)).toBe(365 * 86_400)
    expect(countOccurrences(schedule('* * * * * *', 'Europe/Berlin'), ...year)).toBe(365 * 86_400)
    expect(countOccurrences(schedule('0 0 0 30 2 *'), ...year)).toBe(0)
    expect(countOccurrences(schedule('* * * * * *'), year[1], year[0])).toBe(0)
  })
})

test('the latest occurrences are the end of the whole list', () => {
  const counts = fc.integer({ min: 0, max: 30 })
  fc.assert(
    fc.property(fewSeconds, zones, instants, fc.nat(20 * 86_400_000), counts, ({ text }, zone, after, span, count) => {
      const each = schedule(text, zone)
      const before = after + span
      const whole = [...occurrences(each, { after, before, count: 100_000 })]
      expect(latestOccurrences(each, { after, before, count })).toEqual(whole.slice(Math.max(0, whole.length - count)))
    }),
    { numRuns: 120 },
  )
})
