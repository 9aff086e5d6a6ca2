import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_STEERING, readSteer, settingFault, steeringOf, zoneOf } from '../../src/domain/app-settings.ts'
import { windowsZones } from '../../src/domain/windows-zones.ts'
import { requireZone } from '../../src/domain/zone.ts'

/** What settings say, written as an object. */
function steer(settings: Record<string, string>) {
  return steeringOf(Object.entries(settings).map(([name, value]) => ({ name, value })))
}

describe('what settings say to the engine', () => {
  test('is nothing when none of them steers', () => {
    expect(steer({})).toEqual(NO_STEERING)
    expect(steer({ WEBJOBS: '1', WEBJOBS_IDLE_TIMEOUT_IN_SECONDS: '5', REGION: 'eu' })).toEqual(NO_STEERING)
  })

  test.each([
    ['1', true],
    ['true', true],
    ['TRUE', true],
    [' True ', true],
    ['0', false],
    ['', false],
    ['yes', false],
    ['2', false],
  ])('a flag of %j is %s, under both spellings and in any case of the name', (value, stopped) => {
    expect(steer({ WEBJOBS_STOPPED: value }).stopped).toBe(stopped)
    expect(steer({ webjob_stopped: value }).stopped).toBe(stopped)
    expect(steer({ Webjobs_Disable_Schedule: value }).unscheduled).toBe(stopped)
  })

  test('either spelling of the flag that stops is enough', () => {
    expect(steer({ WEBJOBS_STOPPED: '0', WEBJOB_STOPPED: '1' }).stopped).toBe(true)
    expect(steer({ WEBJOBS_STOPPED: '1', WEBJOB_STOPPED: '0' }).stopped).toBe(true)
  })

  test.each([
    ['5', 5000],
    ['+5', 5000],
    [' 60 ', 60_000],
    ['0', 0],
    ['-1', 0],
    ['5.0', null],
    ['5s', null],
    ['', null],
    ['2147483648', null],
  ])('a time of %j is %s ms', (value, expected) => {
    expect(steer({ WEBJOBS_RESTART_TIME: value }).restartMs).toBe(expected)
    // Ending what was quiet for no time at all would end everything.
    expect(steer({ WEBJOBS_IDLE_TIMEOUT: value }).idleMs).toBe(expected === 0 ? null : expected)
  })

  test.each([
    ['1', 1],
    ['50', 50],
    ['0', null],
    ['-5', null],
    ['many', null],
  ])('a history of %j keeps %s runs', (value, expected) => {
    expect(steer({ WEBJOBS_HISTORY_SIZE: value }).history).toBe(expected)
  })

  test('names a time zone as IANA or as Windows does, and no other', () => {
    expect(steer({ WEBSITE_TIME_ZONE: 'Europe/Berlin' }).timeZone).toBe('Europe/Berlin')
    expect(steer({ WEBSITE_TIME_ZONE: 'W. Europe Standard Time' }).timeZone).toBe('Europe/Berlin')
    expect(steer({ WEBSITE_TIME_ZONE: 'pacific standard time' }).timeZone).toBe('America/Los_Angeles')
    expect(steer({ WEBSITE_TIME_ZONE: 'Mars Standard Time' }).timeZone).toBeNull()
    expect(steer({ WEBSITE_TIME_ZONE: '' }).timeZone).toBeNull()
  })

  test('tells what is wrong with a value that counts as not set', () => {
    for (const [name, value] of [
      ['WEBJOBS_STOPPED', 'yes'],
      ['WEBJOBS_RESTART_TIME', 'soon'],
      ['WEBJOBS_HISTORY_SIZE', '0'],
      ['WEBSITE_TIME_ZONE', 'Mars Standard Time'],
    ] as const) {
      expect(readSteer(name, value)?.fault, name).toEqual(expect.any(String))
    }
    expect(readSteer('REGION', 'eu')).toBeNull()
  })
})

test('every zone of Windows is one that there is, known under its name in any case', () => {
  expect(windowsZones().length).toBeGreaterThan(130)
  for (const [name, zone] of windowsZones()) {
    expect(requireZone(zone), name).toBe(zone)
    expect(requireZone(name.toUpperCase()), name).toBe(zone)
  }
})

describe('a setting', () => {
  test.each([
    ['', 'x', 'no name'],
    ['A=B', 'x', '"="'],
    ['A\0', 'x', 'NUL'],
    ['A\nB', 'x', 'control character'],
    [' A', 'x', 'blank'],
    ['jobyard_mark', 'x', 'reserved'],
    ['A', 'x\0', 'NUL'],
    ['A', '\ud800', 'Unicode'],
    ['A'.repeat(257), 'x', '256 characters'],
    ['A', 'ä'.repeat(16_385), '32 KB'],
  ])('%j = %j is refused', (name, value, why) => {
    expect(settingFault(name, value)).toContain(why)
  })

  test('may have any other name and value', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_.:()-]{1,50}$/), fc.string({ maxLength: 200 }), (name, value) => {
        fc.pre(name.toUpperCase() !== 'JOBYARD_MARK')
        expect(settingFault(name, value)).toBe(value.includes('\0') ? 'has a NUL in its value' : undefined)
      }),
    )
  })

  test('is never a reason to fail, whatever it says', () => {
    const name = fc.constantFrom('WEBJOBS_STOPPED', 'WEBJOBS_RESTART_TIME', 'WEBJOBS_HISTORY_SIZE', 'WEBSITE_TIME_ZONE')
    fc.assert(
      fc.property(name, fc.string(), (each, value) => {
        const { restartMs, history, timeZone } = steer({ [each]: value })
        expect(restartMs === null || restartMs >= 0).toBe(true)
        expect(history === null || history > 0).toBe(true)
        expect(timeZone).toBe(each === 'WEBSITE_TIME_ZONE' ? zoneOf(value) : null)
      }),
    )
  })
})
