import { describe, expect, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import { requireZone, zoneOffsets } from '../../src/domain/zone.ts'
import { ZoneOffsets } from '../../src/domain/zone-offsets.ts'

function refusal(name: string): JobyardError {
  try {
    requireZone(name, 'schedule.timeZone')
  } catch (error) {
    if (error instanceof JobyardError) return error
    throw error
  }
  throw new Error(`${name} was taken.`)
}

describe('zone names', () => {
  test.each([
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['Etc/UTC', 'UTC'],
    ['Zulu', 'UTC'],
    ['europe/berlin', 'Europe/Berlin'],
    ['AMERICA/NEW_YORK', 'America/New_York'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['US/Eastern', 'US/Eastern'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
  ])('%s is %s', (name, id) => {
    expect(requireZone(name)).toBe(id)
    expect(requireZone(requireZone(name))).toBe(id)
  })

  test.each([
    ['Berlin', ['Europe/Berlin']],
    ['Germany/Berlin', ['Europe/Berlin']],
    ['new york', ['America/New_York']],
    ['Europe/Berln', ['Europe/Berlin']],
    ['Amsterdm', ['Europe/Amsterdam']],
    ['kolkata', ['Asia/Kolkata']],
  ])('%s is unknown, and %j may have been meant', (name, suggestions) => {
    const error = refusal(name)
    expect(error.code).toBe('time-zone-unknown')
    expect(error.field).toBe('schedule.timeZone')
    expect(error.message).toContain(`Did you mean ${suggestions[0]}`)
    expect(error.data?.suggestions).toEqual(suggestions)
  })

  test.each([
    ['+05:30', /fixed offset/],
    ['UTC+2', /fixed offset/],
    ['X. Europe Standard Time', /Windows/],
    ['CEST', /ambiguous/],
    ['', /IANA/],
    ['Local', /IANA/],
    ['Europe/Berlin\u0000', /IANA|Europe/],
    ['x'.repeat(10_000), /IANA/],
  ])('%j is refused with a hint', (name, hint) => {
    expect(refusal(name).hint).toMatch(hint)
    expect(refusal(name).message.length).toBeLessThan(150)
  })

  test('an unknown zone of a schedule is refused too', () => {
    expect(() => zoneOffsets('Mars/Phobos')).toThrow(JobyardError)
    expect(zoneOffsets('UTC')).toBeNull()
    expect(zoneOffsets('europe/berlin')).toBe(zoneOffsets('Europe/Berlin'))
  })
})

describe('clock changes', () => {
  test('are those of Temporal, in every zone, to the second', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const offsets = new ZoneOffsets(zone)
      const asked = (second: number) =>
        Temporal.Instant.fromEpochMilliseconds(second * 1000).toZonedDateTimeISO(zone).offsetNanoseconds / 1e9
      for (let stretch = offsets.at(0); stretch.end < 2_200_000_000; stretch = offsets.at(stretch.end)) {
        for (const second of [stretch.start, (stretch.start + stretch.end) / 2, stretch.end - 1]) {
          expect(asked(Math.floor(second))).toBe(stretch.offset)
        }
      }
    }
  })

  test('a local time is reached once, later ones never earlier', () => {
    const berlin = new ZoneOffsets('Europe/Berlin')
    const spring = Date.parse('2026-03-29T01:00:00Z') / 1000
    const local = (text: string) => Date.parse(`${text}Z`) / 1000
    expect(berlin.firstReaching(local('2026-03-29T01:59:59'))).toBe(spring - 1)
    for (const text of ['2026-03-29T02:00:00', '2026-03-29T02:59:59', '2026-03-29T03:00:00']) {
      expect(berlin.firstReaching(local(text))).toBe(spring)
    }
    const autumn = Date.parse('2026-10-25T01:00:00Z') / 1000
    expect(berlin.firstReaching(local('2026-10-25T02:30:00'))).toBe(autumn - 1800)
    expect(berlin.localTime(autumn + 1800)).toBe(local('2026-10-25T02:30:00'))
    expect(berlin.highWater(autumn + 1800)).toBe(local('2026-10-25T02:59:59'))
    expect(berlin.highWater(autumn + 3600)).toBe(local('2026-10-25T03:00:00'))
  })
})
