import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())

const SETTINGS = '{"schedule": "0 30 7 1 * *"}'
const typesOf = async (name: string) => (await yard.server.client.jobs.get(name)).triggers.map(({ type }) => type)

test('the schedule of a package stays when the job gets a webhook, another password, and none', async () => {
  const { webhooks } = yard.server.client
  await yard.zip('triggered', 'report', { 'run.sh': 'exit 0\n', 'settings.job': SETTINGS })
  await webhooks.set('report')
  expect((await typesOf('report')).toSorted()).toEqual(['schedule', 'webhook'])
  await webhooks.renew('report')
  expect((await typesOf('report')).toSorted()).toEqual(['schedule', 'webhook'])
  await webhooks.remove('report')
  expect(await typesOf('report')).toEqual(['schedule'])
})

test('a schedule of a package that was taken away comes back when the package or its settings are said anew', async () => {
  const { jobs, webhooks } = yard.server.client
  const upload = () => yard.zip('triggered', 'quiet', { 'run.sh': 'exit 0\n', 'settings.job': SETTINGS })
  await upload()
  await jobs.patch('quiet', { triggers: [] })
  await webhooks.set('quiet')
  expect(await typesOf('quiet')).toEqual(['webhook'])
  await webhooks.remove('quiet')
  // Neither by another change nor by a stop and a start.
  await jobs.patch('quiet', { spec: { env: { A: '1' } } })
  await jobs.stop('quiet')
  await jobs.start('quiet')
  expect(await typesOf('quiet')).toEqual([])
  await yard.call('/api/triggeredwebjobs/quiet/settings', { method: 'PUT', body: SETTINGS })
  expect((await jobs.get('quiet')).triggers).toMatchObject([{ type: 'schedule', origin: 'package', timeZone: 'UTC' }])
  await jobs.patch('quiet', { triggers: [] })
  await yard.call('/api/triggeredwebjobs/quiet/settings', { method: 'PUT', body: '{"schedule": "nonsense"}' })
  const invalid = expect.objectContaining({ code: 'schedule-invalid' })
  expect(await jobs.get('quiet')).toMatchObject({ triggers: [], warnings: expect.arrayContaining([invalid]) })
  await upload()
  expect(await typesOf('quiet')).toEqual(['schedule'])
})
