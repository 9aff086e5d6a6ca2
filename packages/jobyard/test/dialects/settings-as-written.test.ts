import { afterAll, beforeAll, expect, test } from 'vitest'
import { JsonText, writeJson } from '../../src/dialects/webjobs/json-text.ts'
import { readSettingsJob } from '../../src/kinds/script/settings-job.ts'
import { makeZip } from '../script/zip-maker.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

const ARM = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/default'

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

test('keys such as "10" come back in the order in which they were written, at all addresses', async () => {
  const path = '/api/triggeredwebjobs/ordered'
  const kept = '"b":true,"10":{"2":"two","1":["x",{"9":0.10,"0":1e400}]},"2":9007199254740993,"a":null'
  await yard.zip('triggered', 'ordered', { 'run.sh': 'exit 0\n', 'settings.job': `{${kept}}` })
  const shown = async () => (await yard.call(`${path}/settings`)).body
  expect(await shown()).toBe(`{${kept}}`)
  const arm = `${ARM}/triggeredwebjobs/ordered`
  const asBearer = { headers: { authorization: `Bearer ${yard.server.token}` } }
  for (const each of [path, '/api/triggeredwebjobs', '/api/webjobs']) {
    expect((await yard.call(each)).body, each).toContain(`"settings":{${kept}}`)
  }
  for (const each of [arm, `${ARM}/webjobs`]) {
    expect((await yard.call(each, asBearer)).body, each).toContain(`"settings":{${kept}}`)
  }
  await yard.call(`${path}/settings`, {
    method: 'PUT',
    body: '{"7": 1, "schedule": "0 0 3 * * *", "3": {"5": 1, "4": 1.0}}',
  })
  expect(await shown()).toBe('{"7":1,"schedule":"0 0 3 * * *","3":{"5":1,"4":1.0}}')
  const body = `{"properties": {"settings": {"8": 2.50, "schedule": "0 0 4 * * *", "4": [1E400]}}}`
  await yard.call(arm, { ...asBearer, method: 'PUT', body })
  expect(await shown()).toBe('{"8":2.50,"schedule":"0 0 4 * * *","4":[1E400]}')
  // What was set for the job itself stands where its settings have it.
  await yard.server.client.jobs.patch('ordered', { triggers: [{ type: 'schedule', ncrontab: '0 0 5 * * *' }] })
  expect(await shown()).toBe('{"8":2.50,"schedule":"0 0 5 * * *","4":[1E400]}')
})

test('numbers come through Resource Manager as they were written, and count as they are written', async () => {
  await yard.zip('triggered', 'numbers', { 'run.sh': 'exit 0\n' })
  const arm = `${ARM}/triggeredwebjobs/numbers`
  const settings = '{"stopping_wait_time":5.0,"big":12345678901234567890,"e":1e2}'
  const headers = { authorization: `Bearer ${yard.server.token}` }
  await yard.call(arm, { headers, method: 'PUT', body: `{"properties": {"settings": ${settings}}}` })
  expect((await yard.call('/api/triggeredwebjobs/numbers/settings')).body).toBe(settings)
  // It is no whole number as Kudu reads it, so it does not count, and that is told.
  const { warnings } = await yard.server.client.jobs.get('numbers')
  expect(warnings).toMatchObject([{ message: expect.stringMatching(/stopping_wait_time/) }])
})

test('of a member that is written twice the last one counts, wherever it stands', async () => {
  const path = '/api/triggeredwebjobs/twice'
  const text = '{"a": 1.0, "deep": {"x": 1.0, "y": {"z": 1, "z": 2}, "x": 2.0}, "a": 3.0}'
  await yard.zip('triggered', 'twice', { 'run.sh': 'exit 0\n', 'settings.job': text })
  expect((await yard.call(`${path}/settings`)).body).toBe('{"a":3.0,"deep":{"x":2.0,"y":{"z":2}}}')
})

test('numbers of settings.job are as they were written in /v1, too', async () => {
  const data = '{"id": 9007199254740993, "most": [1e400, 0.10], "usual": 5}'
  const body = makeZip([
    { name: 'run.sh', data: 'exit 0\n' },
    { name: 'settings.job', data },
  ])
  const headers = { authorization: `Bearer ${yard.server.token}`, 'content-type': 'application/zip' }
  const uploaded = await yard.call('/v1/packages?filename=numbers.zip', { method: 'POST', headers, body })
  const kept = '"settings":{"id":9007199254740993,"most":[1e400,0.10],"usual":5}'
  expect(uploaded.body).toContain(kept)
  const { hash } = JSON.parse(uploaded.body)
  expect((await yard.call(`/v1/packages/${hash}`, { headers })).body).toContain(kept)
})

test('app settings that are sent as numbers are the text that was written', async () => {
  await yard.call('/api/settings', { method: 'POST', body: '{"BIG": 9007199254740993, "RATE": 0.10, "ON": true}' })
  expect(JSON.parse((await yard.call('/api/settings')).body)).toMatchObject({
    BIG: '9007199254740993',
    RATE: '0.10',
    ON: 'true',
  })
})

test('only settings that would come out otherwise are kept as a text, too', () => {
  const exactOf = (text: string) => readSettingsJob(Buffer.from(text)).exact
  expect(exactOf('{ "stopping_wait_time": 5, "a": [1.5, {"b": null}], "1": {"2": 3} }')).toBe(
    '{"stopping_wait_time":5,"a":[1.5,{"b":null}],"1":{"2":3}}',
  )
  expect(exactOf('{ "1": {"2": 3}, "stopping_wait_time": 5, "a": [1.5, {"b": null}] }')).toBeUndefined()
  expect(exactOf('{"a": 5.0}')).toBe('{"a":5.0}')
})

test('what holds texts of JSON is written as JSON is', () => {
  const plain = { a: [1, 'x"y', null, { b: undefined }], c: { d: true }, e: undefined, f: [undefined] }
  expect(writeJson(plain)).toBe(JSON.stringify(plain))
  expect(writeJson({ ...plain, z: [new JsonText('1.0')] })).toBe(JSON.stringify(plain).replace(/\}$/, ',"z":[1.0]}'))
})
