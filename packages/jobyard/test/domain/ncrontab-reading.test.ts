import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ncrontab, parseNcrontab } from '../../src/domain/ncrontab.ts'
import type { FieldSet } from '../../src/domain/ncrontab-fields.ts'
import { anySchedule } from './schedules.ts'

function values(set: FieldSet): number[] {
  return Array.from({ length: 64 }, (_, value) => value).filter((value) => set.has(value))
}

function sixFields(ncrontab: Ncrontab): FieldSet[] {
  const { second, minute, hour, day, month, weekday } = ncrontab
  return [second, minute, hour, day, month, weekday]
}

describe('normalised text', () => {
  test.each([
    ['0 */15 * * * *', '0 0,15,30,45 * * * *'],
    ['  0   5,4,3  *  *  *  * ', '0 3-5 * * * *'],
    ['0 0 22-2 * * *', '0 0 2-22 * * *'],
    ['0 0 0 * * Fri-Mon', '0 0 0 * * 1-5'],
    ['0 0 0 * * Sat-Sun', '0 0 0 * * *'],
    ['0 0 0 * Dec-Feb *', '0 0 0 * 2-12 *'],
    ['0 0 0 * J M', '0 0 0 * 1 1'],
    ['0 0 0 * ju,M,s t', '0 0 0 * 3,6,9 2'],
    ['0 0 0 * JULY,august SATURDAY', '0 0 0 * 7-8 6'],
    ['0 0 0 * * W', '0 0 0 * * 3'],
    ['*,5 0-59 1-23,0 */1 1-12 0-6', '* * * * * *'],
    ['007 00 0 01 1 0', '7 0 0 1 1 0'],
    ['0 */+20 */-3 */0 * *', '0 0,20,40 * * * *'],
    ['0 */100 5/100 * * *', '0 0 5 * * *'],
    ['0 10-20/5,40-50/5 * * * *', '0 10,15,20,40,45,50 * * * *'],
    ['0 0 0 Mon/2 * *', null],
    ['0 0 0 1 Jan/3 Mon-5', '0 0 0 1 1,4,7,10 1-5'],
    ['0 5-5/3 * * * *', '0 5 * * * *'],
  ])('of %s is %s', (text, normalised) => {
    if (normalised === null) expect(() => parseNcrontab(text)).toThrow('day of month field')
    else expect(parseNcrontab(text).normalised).toBe(normalised)
  })

  test('reads as the same schedule, and reads as it was meant', () => {
    fc.assert(
      fc.property(anySchedule(), ({ text, fields }) => {
        const first = parseNcrontab(text)
        const again = parseNcrontab(first.normalised)
        expect(again.normalised).toBe(first.normalised)
        expect(again.warnings).toEqual([])
        expect(sixFields(again)).toEqual(sixFields(first))
        expect(again.everyHour).toBe(first.everyHour)
        expect(sixFields(first).map(values)).toEqual(fields.map((field) => [...field.values].sort((a, b) => a - b)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('a single value with step 1', () => {
  test('is read to the end of the range and warned about at its place', () => {
    const read = parseNcrontab('0 0/1 14/1 * * *')
    expect(read.normalised).toBe('0 * 14-23 * * *')
    expect(read.warnings.map(({ code, position }) => ({ code, position }))).toEqual([
      { code: 'azure-single-value', position: 2 },
      { code: 'azure-single-value', position: 6 },
    ])
    expect(read.warnings[0]?.message).toMatch(/"0\/1".*every value from 0 to 59.*just 0 to Azure's WebJobs.*Write \*/)
    expect(read.warnings[1]?.message).toMatch(/Write 14-23 or 14/)
  })

  test('warns for step 0 and below, which act as 1', () => {
    expect(parseNcrontab('0 5/0 * * * *').warnings).toHaveLength(1)
    expect(parseNcrontab('0 5/-3 * * * *').warnings).toHaveLength(1)
  })

  test('says nothing where both readings agree', () => {
    expect(parseNcrontab('0 0/2 */1 1-5/1 * *').warnings).toEqual([])
    expect(parseNcrontab('0 59/1 *,0/1 * * *').warnings).toEqual([])
  })
})

test('a day that no calendar has makes a schedule impossible, which is warned of; 29 February does not', () => {
  const message = 'The schedule never falls due: there is no day 30,31 in the month feb.'
  expect(parseNcrontab(' 0 0 0  30,31 feb *').warnings).toEqual([{ code: 'never-due', message, position: 8 }])
  expect(parseNcrontab('0 0 0 29 2 1').warnings).toEqual([])
  expect(parseNcrontab('0 0 0 30 2 *').possible).toBe(false)
  expect(parseNcrontab('0 0 0 31 4,6,9,11 *').possible).toBe(false)
  expect(parseNcrontab('0 0 0 29 2 1').possible).toBe(true)
  expect(parseNcrontab('0 0 0 31 2-4 *').possible).toBe(true)
})
