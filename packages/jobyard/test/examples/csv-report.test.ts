import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNot } from './interpreters.ts'
import { openYard, type Yard } from './yard.ts'

const missing = await whyNot('python')
const title = `the report in Python${missing === undefined ? '' : ` (skipped: ${missing})`}`

interface Sum {
  readonly orders: number
  readonly cents: number
}

interface Report {
  readonly rows: number
  readonly unreadable: number
  readonly totalCents: number
  readonly percentilesCents: Readonly<Record<string, number>>
  readonly months: Readonly<Record<string, Sum>>
  readonly customers: Readonly<Record<string, Sum>>
}

/** The same report, worked out anew from the rows. */
function reportOn(csv: string): Report {
  const orders = csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','))
    .map(([date = '', customer = '', amount = '']) => ({
      month: date.slice(0, 7),
      customer,
      cents: Number(amount.replace('.', '')),
    }))
  const sums = (key: 'month' | 'customer'): Record<string, Sum> => {
    const groups: Record<string, Sum> = {}
    for (const order of orders) {
      const { orders: count, cents } = groups[order[key]] ?? { orders: 0, cents: 0 }
      groups[order[key]] = { orders: count + 1, cents: cents + order.cents }
    }
    return groups
  }
  const sorted = orders.map(({ cents }) => cents).toSorted((a, b) => a - b)
  const percentile = (percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN
  return {
    rows: orders.length,
    unreadable: 0,
    totalCents: sorted.reduce((sum, cents) => sum + cents, 0),
    percentilesCents: { p50: percentile(50), p90: percentile(90), p99: percentile(99) },
    months: sums('month'),
    customers: sums('customer'),
  }
}

describe.skipIf(missing !== undefined)(title, () => {
  let yard: Yard

  beforeAll(async () => {
    yard = await openYard()
    await yard.deploy('csv-report', { name: 'report' })
  })

  afterAll(() => yard.stop())

  it('sums up 100,000 orders as somebody else would', async () => {
    const { run, text } = await yard.run('report')
    expect(run).toMatchObject({ state: 'completed', exitCode: 0 })
    const path = /Report: (\S+)/.exec(text)?.[1] ?? ''
    const csv = await readFile(join(dirname(path), 'orders.csv'), 'utf8')
    const expected = reportOn(csv)
    expect(expected.rows).toBe(100_000)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(expected)
    expect(text).toContain('100,000 orders, 95,663,190.90 in all, 400 customers')
    expect(text.match(/^20\d\d-\d\d /gm)).toHaveLength(Object.keys(expected.months).length)
  })

  it('reads a CSV that comes with the run, and fails when too much of it cannot be read', async () => {
    const text = 'date,customer,amount\n2026-01-02,Ada,12.50\nyesterday,Ada,1.00\n2026-01-03,Bob,0.5\n'
    const ended = await yard.run('report', { payload: { text, contentType: 'text/csv' } })
    expect(ended.text).toContain('2 orders, 13.00 in all, 2 customers')
    expect(ended.errors).toContain("line 3: 'yesterday' is no date")
    expect(ended.run).toMatchObject({ state: 'failed', exitCode: 1 })
  })

  it('says which column is missing', async () => {
    const ended = await yard.run('report', { payload: { text: 'date,amount\n' } })
    expect(ended.errors).toContain('has no column customer')
    expect(ended.run.state).toBe('failed')
  })
})
