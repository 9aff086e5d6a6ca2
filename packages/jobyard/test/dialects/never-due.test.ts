import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())

const NEVER = '0 0 0 30 2 *'
const SETTINGS = JSON.stringify({ schedule: NEVER })
const WARNED = [{ code: 'never-due', message: expect.stringContaining('no day 30 in the month 2') }]

/** What is told of a job at `/v1`; the portal and the command line show the same. */
const warningsOf = async (name: string) => (await yard.server.client.jobs.get(name)).warnings

test('a schedule that never falls due is warned of, however it was set, and once', async () => {
  await yard.zip('triggered', 'zipped', { 'run.sh': 'exit 0\n', 'settings.job': SETTINGS })
  expect(await warningsOf('zipped')).toEqual(WARNED)

  await yard.script('triggered', 'told', 'exit 0\n')
  expect(await warningsOf('told')).toEqual([])
  const put = await yard.call('/api/triggeredwebjobs/told/settings', { method: 'PUT', body: SETTINGS })
  expect(put.status).toBe(200)
  expect(await warningsOf('told')).toEqual(WARNED)
  await yard.call('/api/triggeredwebjobs/told/settings', { method: 'PUT', body: '{"schedule": "0 0 0 29 2 *"}' })
  expect(await warningsOf('told')).toEqual([])

  const own = { type: 'schedule', ncrontab: NEVER } as const
  const { warnings } = await yard.server.client.jobs.patch('told', { triggers: [own] })
  expect(warnings.filter(({ code }) => code !== 'schedule-overridden')).toEqual(WARNED)
  expect((await yard.server.client.schedules.preview({ ncrontab: NEVER })).warnings).toEqual(WARNED)
})

test('a package says so when it is uploaded', async () => {
  const zip = makeZip([
    { name: 'run.sh', data: 'exit 0\n' },
    { name: 'settings.job', data: SETTINGS },
  ])
  const uploaded = await yard.server.client.packages.upload(Buffer.from(zip), 'never.zip')
  expect(uploaded.warnings).toMatchObject([{ code: 'never-due', field: 'schedule' }])
})
