import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startTestServer, type TestServer } from './server.ts'

interface Case {
  readonly expression: string
  readonly start: string
  readonly end: string | null
  readonly expected?: readonly string[]
  readonly invalid?: boolean
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const preview = (body: object) => server.call('POST', '/v1/schedules/preview', { body })

describe('a preview', () => {
  test('gives what every reference case expects, and refuses what it refuses', async () => {
    const path = new URL('../cases/ncrontab.json', import.meta.url)
    const { cases } = JSON.parse(await readFile(path, 'utf8')) as { cases: readonly Case[] }
    for (const { expression, start, end, expected, invalid } of cases) {
      const until = end === null ? {} : { until: `${end}Z` }
      const count = { count: Math.min(1000, Math.max(1, expected?.length ?? 1)) }
      const { status, body } = await preview({ ncrontab: expression, from: `${start}Z`, ...until, ...count })
      if (invalid === true || expected === undefined) {
        expect(body, expression).toMatchObject({ status: 400, code: 'schedule-invalid', field: 'ncrontab' })
        expect(typeof body.position).toBe('number')
        continue
      }
      expect(status, expression).toBe(200)
      const found = body.occurrences.map(({ utc }: { utc: string }) => utc)
      expect(found, expression).toEqual(expected.slice(0, 1000).map((time) => `${time}.000Z`))
    }
  })

  test('is strictly between its ends, by the clock of its zone', async () => {
    const { body } = await preview({
      ncrontab: '0 30 2 * * *',
      from: '2026-03-28T01:30:00Z',
      until: '2026-03-30T00:30:00Z',
      timeZone: 'europe/berlin',
      count: 10,
    })
    // Clocks go forward on the 29th; the time of the 30th is the end itself.
    expect(body.occurrences).toEqual([
      { utc: '2026-03-29T01:00:00.000Z', local: '2026-03-29T03:00:00', offset: '+02:00' },
    ])
  })

  test('shows ten when nobody says how many, from now on, and what the text means', async () => {
    const { body } = await preview({ ncrontab: '0 0 0-23 * jan-dec *' })
    expect(body.occurrences).toHaveLength(10)
    expect(Date.parse(body.occurrences[0].utc)).toBeGreaterThan(Date.now() - 1000)
    expect(body).toMatchObject({ normalised: '0 0 * * * *', warnings: [] })
    expect((await preview({ ncrontab: '0 5/1 * * * *' })).body.warnings).toMatchObject([{ code: expect.any(String) }])
  })

  test('warns of an end before the beginning, in which nothing lies', async () => {
    const ncrontab = '0 0 * * * *'
    const range = { from: '2026-03-28T12:00:00Z', until: '2026-03-28T11:59:59Z' }
    const nothing = { occurrences: [], warnings: [{ code: 'range-empty' }] }
    expect((await preview({ ncrontab, ...range })).body).toMatchObject(nothing)
    // Without a beginning it is now.
    expect((await preview({ ncrontab, until: range.until })).body).toMatchObject(nothing)
    const equal = await preview({ ncrontab, from: range.from, until: range.from })
    expect(equal.body).toMatchObject({ occurrences: [], warnings: [] })
  })

  test('refuses what is no moment, no zone or no number', async () => {
    const cases = [
      [{ ncrontab: '0 0 * * * *', from: '2026-03-28' }, 'from'],
      [{ ncrontab: '0 0 * * * *', from: '2026-03-28T00:00:00' }, 'from'],
      [{ ncrontab: '0 0 * * * *', until: '2026-13-01T00:00:00Z' }, 'until'],
      [{ ncrontab: '0 0 * * * *', timeZone: 'Mars/Olympus' }, 'timeZone'],
      [{ ncrontab: '0 0 * * * *', count: 1001 }, 'count'],
      [{ ncrontab: 'x'.repeat(2000) }, 'ncrontab'],
      [{}, 'ncrontab'],
    ] as const
    for (const [body, field] of cases)
      expect((await preview(body)).body, JSON.stringify(body)).toMatchObject({ status: 400, field })
  })
})

test('what became of the times of a schedule is told as it is described, and nothing more', async () => {
  const clock = new ManualClock('2026-11-21T09:59:58Z')
  const timed = await startTestServer({ clock })
  const triggers = [{ type: 'schedule', ncrontab: '0 0 * * * *' }]
  await timed.call('POST', '/v1/jobs', { body: { name: 'hourly', triggers } })
  const items = await eventually('it ran', async () => {
    clock.advance(500)
    const { body } = await timed.call('GET', '/v1/jobs/hourly/occurrences')
    return body.items.length > 0 && body.items
  })
  const due = '2026-11-21T10:00:00.000Z'
  expect(items).toEqual([{ due, outcome: 'ran', reason: null, runId: expect.any(String), more: 0 }])
  await timed.stop()
})
