import { describe, expect, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import { parseNcrontab } from '../../src/domain/ncrontab.ts'
import { occurrences } from '../../src/domain/occurrences.ts'
import ncrontabCases from '../cases/ncrontab.json' with { type: 'json' }
import { iso, schedule, utc } from './schedules.ts'

interface Case {
  readonly expression: string
  readonly start?: string
  readonly end?: string | null
  readonly expected?: readonly string[]
  readonly invalid?: boolean
}

const cases: readonly Case[] = ncrontabCases.cases
const valid = cases.filter((each) => each.invalid !== true)
const invalid = cases.filter((each) => each.invalid === true)

describe('the NCRONTAB case list', () => {
  test('has both kinds of cases', () => {
    expect(valid.length).toBeGreaterThan(90)
    expect(invalid.length).toBeGreaterThan(35)
  })

  test.each(valid)('$expression after $start and before $end', ({ expression, start, end, expected }) => {
    const before = end === null || end === undefined ? {} : { before: utc(end) }
    const count = end === null && expected?.length !== 0 ? (expected?.length ?? 0) : 100
    const found = [...occurrences(schedule(expression), { after: utc(start ?? ''), ...before, count })]
    expect(found.map((due) => iso(due).slice(0, 19))).toEqual(expected)
  })

  test.each(invalid)('refuses $expression and points at the place', ({ expression }) => {
    const refused = refusalOf(expression)
    expect(refused.code).toBe('schedule-invalid')
    expect(refused.position).toBeGreaterThanOrEqual(0)
    expect(refused.position).toBeLessThanOrEqual(expression.length)
    expect(refused.hint).not.toBe('')
  })
})

function refusalOf(text: string): JobyardError {
  try {
    parseNcrontab(text)
  } catch (error) {
    if (error instanceof JobyardError) return error
    throw error
  }
  throw new Error(`${text} was read.`)
}
