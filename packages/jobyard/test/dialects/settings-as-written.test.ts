import { afterAll, beforeAll, expect, test } from 'vitest'
import { readExactly } from '../../src/kinds/script/exact-json.ts'
import { readSettingsJob } from '../../src/kinds/script/settings-job.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())

const WRITTEN = `{
  "id": 12345678901234567890, // of another system
  "rate": 5.0,
  "deep": {"small": [-0.10, 1E3, 7,], "empty": {}, "none": []},
  "text": "5.0 \\u00e4"
}`
const KEPT = '"id":12345678901234567890,"rate":5.0,"deep":{"small":[-0.10,1E3,7],"empty":{},"none":[]},"text":"5.0 ä"'

test('numbers of keys that nobody knows come back as they were written, from an upload and from a PUT', async () => {
  const path = '/api/triggeredwebjobs/written'
  const shown = async () => (await yard.call(`${path}/settings`)).body
  await yard.zip('triggered', 'written', { 'run.sh': 'exit 0\n', 'settings.job': WRITTEN })
  expect(await shown()).toBe(`{${KEPT}}`)
  expect((await yard.call(path)).body).toContain(KEPT)
  expect((await yard.call('/api/triggeredwebjobs')).body).toContain(KEPT)
  await yard.call(`${path}/settings`, { method: 'PUT', body: '{"rate": 1.50}' })
  expect(await shown()).toBe('{"rate":1.50}')
  await yard.call(`${path}/settings`, { method: 'PUT', body: '{"rate": 15}' })
  expect(await shown()).toBe('{"rate":15}')
})

test('only settings that would come out otherwise are kept as a text, too', () => {
  const exactOf = (text: string) => readSettingsJob(Buffer.from(text)).exact
  expect(exactOf('{ "stopping_wait_time": 5, "a": [1.5, {"b": null}] }')).toBeUndefined()
  const exact = exactOf('{"a": 5.0}')
  expect(exact).toBe('{"a":5.0}')
  expect(JSON.stringify(readExactly(exact ?? ''))).toBe(exact)
})
