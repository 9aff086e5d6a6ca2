import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import { LONGEST_SCHEDULE, parseNcrontab } from '../../src/domain/ncrontab.ts'

function refusal(text: string): JobyardError {
  try {
    parseNcrontab(text, 'schedule.ncrontab')
  } catch (error) {
    if (error instanceof JobyardError) return error
    throw error
  }
  throw new Error(`${JSON.stringify(text)} was read.`)
}

describe('five fields', () => {
  test('are shown with the second in front', () => {
    const error = refusal('*/5 * * * *')
    expect(error.message).toContain('`0 */5 * * * *`')
    expect(error.data).toEqual({ suggestion: '0 */5 * * * *' })
    expect(error.position).toBe(0)
    expect(error.field).toBe('schedule.ncrontab')
  })

  test('with runs of blanks are shown with single ones', () => {
    expect(refusal('  30   2 * *  1-5 ').data).toEqual({ suggestion: '0 30 2 * * 1-5' })
    expect(refusal('  30   2 * *  1-5 ').position).toBe(2)
  })

  test('that would be wrong as six as well say why', () => {
    expect(refusal('0 2 * * 7').message).toMatch(/`0 0 2 \* \* 7`.*day of week field cannot hold "7"/)
  })
})

describe('other shapes', () => {
  test.each([
    ['0 0 0 * * * *', 12, /7 fields/, /no year field/],
    ['0 0 12 1 1 ? 2027', 13, /7 fields/, /no year field/],
    ['0 0 0 1 1 * * *', 12, /8 fields/, /six fields/],
    ['0 0 *  ', 5, /3 fields/, /six fields/],
    ['5', 1, /one field/, /six fields/],
    ['', 0, /empty/, /six fields/],
    ['0 */5 *\t* * *', 7, /a tab/, /spaces/],
    ['0 */5 * * * *\n', 13, /a line break/, /spaces/],
    ['0 */5 *\u00a0* * *', 7, /no space/, /spaces/],
    ['@daily', 0, /@daily/, /`0 0 0 \* \* \*`/],
    ['  @Hourly', 2, /@Hourly/, /`0 0 \* \* \* \*`/],
    ['@every 5m', 0, /@every/, /six fields/],
    ['@reboot', 0, /@reboot/, /continuous job/],
    ['00:05:00', 0, /time span/, /`0 \*\/5 \* \* \* \*`/],
    ['00:00:30', 0, /time span/, /`\*\/30 \* \* \* \* \*`/],
    ['02:00:00', 0, /time span/, /`0 0 \*\/2 \* \* \*`/],
    ['1.00:00:00', 0, /time span/, /`0 0 0 \* \* \*`/],
    ['00:07:00', 0, /time span/, /six fields/],
    ['CRON_TZ=Asia/Tokyo 0 0 0 * * *', 0, /time zone/, /time zone setting/],
  ])('%j points at %i', (text, position, message, hint) => {
    const error = refusal(text)
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
    expect(error.position).toBe(position)
  })

  test('a text beyond the bound is refused unread', () => {
    const text = `0 ${'1,'.repeat(LONGEST_SCHEDULE / 2)}1 * * * *`
    expect(refusal(text).message).toContain(`at most ${LONGEST_SCHEDULE}`)
    expect(parseNcrontab(`0 0 0 * * *${' '.repeat(LONGEST_SCHEDULE - 11)}`).normalised).toBe('0 0 0 * * *')
  })
})

describe('a wrong value', () => {
  test.each([
    ['0 0 0 ? * 1', 6, 'day of month', /Quartz/],
    ['0 0 0 L * *', 6, 'day of month', /28-31/],
    ['0 0 0 LW * *', 6, 'day of month', /letter L/],
    ['0 0 0 * * 5L', 11, 'day of week', /letter L/],
    ['0 0 0 15W * *', 8, 'day of month', /nearest weekday/],
    ['0 0 0 * * 5#2', 11, 'day of week', /nth weekday/],
    ['0 H * * * *', 2, 'minute', /Jenkins/],
    ['0 H/15 * * * *', 2, 'minute', /Jenkins/],
    ['0 H(0-29)/10 * * * *', 2, 'minute', /Jenkins/],
    ['0 0 0 * * 7', 10, 'day of week', /Sunday is 0/],
    ['0 0 24 * * *', 4, 'hour', /hour 0/],
    ['0 0 9-25 * * *', 6, 'hour', /0 to 23/],
    ['0 5,61,7 * * * *', 4, 'minute', /0 to 59/],
    ['0 0 0 0 * *', 6, 'day of month', /1 to 31/],
    ['0 1.5 * * * *', 3, 'minute', /whole numbers/],
    ['0 0x10 * * * *', 3, 'minute', /whole numbers/],
    ['0 5, * * * *', 4, 'minute', /superfluous comma/],
    ['0 1,,2 * * * *', 4, 'minute', /superfluous comma/],
    ['0 5- * * * *', 4, 'minute', /missing/],
    ['0 /5 * * * *', 2, 'minute', /\*\/5/],
    ['0 */ * * * *', 4, 'minute', /after the slash/],
    ['0 */5/2 * * * *', 5, 'minute', /after the slash/],
    ['0 */++5 * * * *', 5, 'minute', /after the slash/],
    ['0 */99999999999 * * * *', 4, 'minute', /after the slash/],
    ['0 ** * * * *', 2, 'minute', /alone/],
    ['0 0 0 * * Mondays', 10, 'day of week', /Sunday/],
    ['0 0 0 * Sunday *', 8, 'month', /January/],
    ['0 0 0 * * Ｍon', 10, 'day of week', /whole numbers/],
  ])('%s: position %i in the %s field', (text, position, title, hint) => {
    const error = refusal(text)
    expect(error.code).toBe('schedule-invalid')
    expect(error.message).toContain(`${title} field`)
    expect(error.hint).toMatch(hint)
    expect(error.position).toBe(position)
  })

  test('is shown with nothing unprintable and shortened', () => {
    expect(refusal('0 \u0007\u202e * * * *').message).toContain('"\\u0007\\u202e"')
    expect(refusal(`0 ${'x'.repeat(900)} * * * *`).message.length).toBeLessThan(200)
  })
})

test('no text whatever makes the reader throw anything but its own error', () => {
  const sign = fc.constantFrom(...'0123456789*/-,+ ?LW#H@:.\tMonJanfri'.split(''), '\u0660', '５', '\ud800', 'K')
  const texts = fc.oneof(
    fc.string({ unit: sign, maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(fc.string({ unit: sign, maxLength: 6 }), { minLength: 6, maxLength: 6 }).map((fields) => fields.join(' ')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseNcrontab(text)
      } catch (error) {
        if (!(error instanceof JobyardError)) throw error
        expect(error.code).toBe('schedule-invalid')
        expect(error.position).toBeGreaterThanOrEqual(0)
        expect(error.position).toBeLessThanOrEqual(text.length)
      }
    }),
    { numRuns: 5_000 },
  )
})
