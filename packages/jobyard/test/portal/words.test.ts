import { describe, expect, test } from 'vitest'
import { readAnsi, strip } from '../../../portal/src/log/ansi.ts'
import { sayDistance, sayDuration, saySize } from '../../../portal/src/words/amounts.ts'
import { faultOfName } from '../../../portal/src/words/names.ts'
import { sayNcrontab } from '../../../portal/src/words/schedule.ts'
import { STEERING, sayEffect } from '../../../portal/src/words/steering.ts'
import { readSteer } from '../../src/domain/app-settings.ts'
import { parseNcrontab } from '../../src/domain/ncrontab.ts'
import { checkJobName } from '../../src/kinds/script/names.ts'

describe('a schedule in words', () => {
  test.each([
    ['* * * * * *', 'Every second'],
    ['*/10 * 8-17 * * *', 'Every 10 seconds, from 08:00 to 17:59'],
    ['5,7 * * * * *', 'At seconds 5 and 7 of every minute'],
    ['*/20 5 * * * *', 'Every 20 seconds, in minute 5 of the hour'],
    ['0 * * * * *', 'Every minute'],
    ['30 * * * * *', 'Every minute, at second 30'],
    ['0 */5 * * * *', 'Every 5 minutes'],
    ['0 0/15 * * * *', 'Every 15 minutes'],
    // Every 40 minutes it is not: after minute 40 comes minute 0.
    ['0 */40 * * * *', 'At minutes 0 and 40 of every hour'],
    ['0 */7 * * * *', 'At minutes 0 to 56 in steps of 7 of every hour'],
    ['0 0 * * * *', 'Every hour, on the hour'],
    ['15 10 * * * *', 'Every hour, at minute 10 and second 15'],
    ['0 0 */2 * * *', 'Every 2 hours from 00:00 on'],
    ['0 0 */5 * * *', 'At 00:00, 05:00, 10:00, 15:00 and 20:00 every day'],
    ['0 30 8-20 * * *', 'Every hour from 08:30 to 20:30'],
    ['0 0,30 9-17 * * 1-5', 'Every 30 minutes, from 09:00 to 17:59, Monday to Friday'],
    ['0 30 2 * * *', 'At 02:30 every day'],
    ['9 30 2 * * *', 'At 02:30:09 every day'],
    ['0 0 9 * * MON-FRI', 'At 09:00, Monday to Friday'],
    // A range the wrong way round is swapped, not wrapped.
    ['0 0 9 * * Fri-Mon', 'At 09:00, Monday to Friday'],
    ['0 0 9 * * SAT,SUN', 'At 09:00, on Saturday and Sunday'],
    ['0 0 9 * * 3', 'At 09:00, on Wednesday'],
    ['0 0 0 1,15 * *', 'At 00:00, on days 1 and 15 of the month'],
    ['0 0 0 1 */3 *', 'At 00:00, on day 1 of the month, in January, April, July and October'],
    ['0 0 0 29 feb *', 'At 00:00, on day 29 of the month, in February'],
    ['0 0 13 13 * 5', 'At 13:00, on day 13 of the month, but only when that is a Friday'],
    ['0 0 8 1-7 * 1,2', 'At 08:00, on days 1 to 7 of the month, but only when that is a Monday or Tuesday'],
    [
      '0 0 8 1-7 6-8 1-5',
      'At 08:00, on days 1 to 7 of the month, but only when that is Monday to Friday, from June to August',
    ],
  ])('%s: %s', (text, words) => {
    expect(sayNcrontab(parseNcrontab(text).normalised)).toBe(words)
  })
})

describe('the rule of names, as it is typed', () => {
  test.each([
    'a',
    '9',
    'nightly-report',
    'a_b',
    'x'.repeat(100),
    '',
    '-a',
    '_a',
    'a b',
    'ä',
    'a.b',
    'a/b',
    'x'.repeat(101),
    'a\n',
  ])('says the same of %j as the server does', (name) => {
    let refused = false
    try {
      checkJobName(name)
    } catch {
      refused = true
    }
    expect(faultOfName(name) !== undefined).toBe(refused)
  })

  test('says where the fault is', () => {
    expect(faultOfName('my job')).toContain('a blank stands at place 3')
    expect(faultOfName('my.job')).toContain('“.” stands at place 3')
  })
})

describe('amounts', () => {
  test('are told as people say them', () => {
    expect([12, 4200, 192_000, 7_500_000, 270_000_000].map(sayDuration)).toEqual([
      '12 ms',
      '4.2 s',
      '3 min 12 s',
      '2 h 5 min',
      '3 d 3 h',
    ])
    expect([400, 12_000, 200_000, -5000, -90_000_000].map(sayDistance)).toEqual([
      'now',
      '12 s ago',
      '3 min ago',
      'in 5 s',
      'in 1 d',
    ])
    expect([0, 512, 1536, 10 * 1024 ** 2].map(saySize)).toEqual(['0 B', '512 B', '1.5 KB', '10.0 MB'])
  })
})

describe('colours of terminals', () => {
  const look = (text: string) => readAnsi(text, {}).spans

  test('are read from their escape sequences', () => {
    expect(look('a\x1b[31mred\x1b[1;4m both\x1b[0m end')).toEqual([
      { text: 'a', look: {} },
      { text: 'red', look: { ink: 'red' } },
      { text: ' both', look: { ink: 'red', bold: true, underline: true } },
      { text: ' end', look: {} },
    ])
    expect(look('\x1b[38;5;196mx\x1b[48;2;1;2;3my\x1b[39mz')).toEqual([
      { text: 'x', look: { ink: '#ff0000' } },
      { text: 'y', look: { ink: '#ff0000', ground: '#010203' } },
      { text: 'z', look: { ground: '#010203' } },
    ])
    expect(look('\x1b[38;5;9mx\x1b[97;44my')).toMatchObject([
      { look: { ink: 'bright-red' } },
      { look: { ink: 'bright-white', ground: 'blue' } },
    ])
  })

  test('go on in the next line', () => {
    const { end } = readAnsi('\x1b[32mgreen', {})
    expect(readAnsi('still', end).spans).toEqual([{ text: 'still', look: { ink: 'green' } }])
  })

  test('are all that is left of sequences: no moving of the cursor, no titles, no links', () => {
    expect(look('\x1b[2J\x1b[10;5Ha\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x1b(Bd\x00\x08')).toMatchObject([
      { text: 'a' },
      { text: 'b' },
      { text: 'c' },
      { text: 'd' },
    ])
    expect(strip('\x1b[1mbold\x1b[0m')).toBe('bold')
  })
})

describe('settings that steer the server', () => {
  test.each(STEERING.map(({ name }) => name))('%s is one to the server, too, and the same values are read', (name) => {
    for (const value of ['1', 'true', ' TRUE ', '0', 'off', '-3', '90', '9999999999', '1.5', '', 'UTC']) {
      const read = readSteer(name, value)
      expect(read).not.toBeNull()
      const said = sayEffect(name, value)
      // Zones are known to the server alone, and a flag that cannot be read is off.
      const plain = read?.steer !== 'zone' && read?.steer !== 'stopped' && read?.steer !== 'unscheduled'
      if (plain) expect([value, said?.tone === 'bad']).toEqual([value, read?.fault !== null])
      else expect(said?.tone === 'wait').toBe(read?.amount === 1)
    }
  })

  test('are told with what they do, and those of WebJobs that do nothing here with that', () => {
    expect(sayEffect('webjobs_restart_time', '5')?.text).toBe(
      'After a short run continuous jobs start again in 5 seconds.',
    )
    expect(sayEffect('WEBJOBS_RESTART_TIME', '-1')?.text).toContain('at once')
    expect(sayEffect('WEBJOBS_HISTORY_SIZE', '0')).toEqual({
      tone: 'bad',
      text: 'Cannot be read, so it counts as not set: 100.',
    })
    expect(sayEffect('WEBSITE_RUN_FROM_PACKAGE', '1')?.text).toContain('Steers nothing here')
    expect(sayEffect('REGION', '1')).toBeUndefined()
  })
})
