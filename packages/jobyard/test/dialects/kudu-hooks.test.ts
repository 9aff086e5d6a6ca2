import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import { answerError } from '../../src/dialects/kudu/errors.ts'
import { hookRoutes, showHookId } from '../../src/dialects/kudu/hooks.ts'
import { leaveBodies } from '../../src/dialects/webjobs/bodies.ts'
import { describeForHooks, indented } from '../../src/dialects/webjobs/hook-bodies.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { Dialer } from '../../src/outbound/dialer.ts'
import { HookCaller } from '../../src/services/hooks/calls.ts'
import type { Dialect } from '../../src/services/http/dialect.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
import { type Receiver, startReceiver } from '../hooks/receiver.ts'
import { eventually } from '../support/eventually.ts'
import { type Asked, ask, golden } from './golden-files.ts'
import { basicOf } from './webjobs-yard.ts'

const dialect: Dialect = (app, context) => {
  app.setErrorHandler(answerError)
  leaveBodies(app)
  hookRoutes(app, context)
}

let server: TestServer
let app: Awaited<ReturnType<typeof createApi>>
let calls: HookCaller
let dialer: Dialer
let receiver: Receiver
let url: string
let basic: string

beforeAll(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  const { services, stack } = server
  dialer = new Dialer({ clock: systemClock, networks: ['loopback', 'public'] })
  const { store, parts } = stack
  const describer = describeForHooks(() => 'https://jobs.example')
  calls = new HookCaller({ ...parts, store, sealer: services.sealer, dialer, describer, version: 'test' })
  await calls.start()
  const settings = { ...services.settings, uploadFolder: `${server.folder}/kudu-uploads` }
  app = await createApi({ ...services, settings, hookCalls: calls }, [dialect])
  await app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  basic = basicOf(server.admin)
})
afterAll(async () => {
  await app.close()
  await calls.stop()
  dialer.stop()
  await receiver.stop()
  await server.stop()
})

const call = (path: string, asked: Asked = {}) =>
  ask(`${url}${path}`, { ...asked, headers: { authorization: basic, ...asked.headers } })

/** An answer with what differs from run to run masked. */
async function raw(path: string, asked: Asked = {}): Promise<string> {
  const { text } = await call(path, asked)
  return text
    .replaceAll(receiver.url, 'http://RECEIVER')
    .replaceAll(/(?<="id":")\d{18}(?=")/g, 'HOOK-ID')
    .replaceAll(/(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?Z(?=")/g, 'TIME')
}

const post = (body: unknown): Asked => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe.each(['/api/hooks', '/hooks'])('what Kudu answers about hooks at %s, byte for byte', (base) => {
  it('has none at first', async () => {
    expect(await raw(base)).toBe(await golden('kudu-hooks-none'))
    expect(await raw(`${base}/638500000000000000`)).toBe(await golden('kudu-hook-absent'))
    expect(await raw(`${base}/638500000000000000`, { method: 'DELETE' })).toBe(await golden('kudu-nothing'))
  })

  it('makes one, gives the same one back, shows it and takes it away', async () => {
    const hook = { event: 'TriggeredJobFinished', url: 'https://me:secret@example.com/h?x=1', insecure_ssl: false }
    expect(await raw(base, post(hook))).toBe(await golden('kudu-hook-made'))
    expect(await raw(base, post(hook))).toBe(await golden('kudu-hook-made'))
    expect(await raw(base)).toBe(await golden('kudu-hooks'))
    const [{ id }] = JSON.parse((await call(base)).body)
    expect(await raw(`${base}/${id}`)).toBe(await golden('kudu-hook'))
    expect((await call(base, post({ ...hook, event: 'PostDeployment' }))).status).toBe(409)
    expect(await raw(`${base}/${id}`, { method: 'DELETE' })).toBe(await golden('kudu-nothing'))
    expect(await raw(base)).toBe(await golden('kudu-hooks-none'))
  })

  it('refuses what is no hook', async () => {
    expect((await call(base, { method: 'POST' })).status).toBe(400)
    expect((await call(base, post('nonsense'))).status).toBe(400)
    expect((await call(base, post('null'))).status).toBe(400)
    expect((await call(base, post({ event: 'TriggeredJobFinished' }))).status).toBe(400)
    expect((await call(base, post({ event: 'Other', url: 'http://example.com' }))).status).toBe(400)
    // Kudu fails over it, and its clients have seen nothing else.
    expect((await call(base, post({ event: 'PostDeployment', url: 'example.com/hook' }))).status).toBe(500)
    expect((await call(base, post({ event: 'PostDeployment', url: 'http://169.254.169.254/' }))).status).toBe(400)
  })

  it('reads what Kudu reads: names in any case, and true as a text', async () => {
    const url = 'https://example.com/other-case'
    for (const insecure of [true, 'true', ' True ', 1]) {
      const made = await call(base, post({ EVENT: 'postdeployment', Url: url, Insecure_SSL: insecure }))
      expect([made.status, JSON.parse(made.body)], String(insecure)).toMatchObject([201, { url, insecure_ssl: true }])
    }
    for (const insecure of [false, 'false', null, 0]) {
      const made = await call(base, post({ url, event: 'PostDeployment', insecure_ssl: insecure }))
      expect(JSON.parse(made.body).insecure_ssl, String(insecure)).toBe(false)
    }
    for (const insecure of ['perhaps', [], {}]) {
      const answer = await call(base, post({ url, event: 'PostDeployment', insecure_ssl: insecure }))
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('insecure_ssl')])
    }
    const other = await call(base, post({ url, event: 'TriggeredJobFinished' }))
    expect([other.status, other.body]).toEqual([409, expect.stringMatching(/for the event PostDeployment already/)])
    for (const { id } of JSON.parse((await call(base)).body)) await call(`${base}/${id}`, { method: 'DELETE' })
  })

  it('publishes any JSON', async () => {
    receiver.answer = (response) => void response.end()
    receiver.calls.length = 0
    await call(base, post({ event: 'PostDeployment', url: `${receiver.url}/any` }))
    const texts = ['"x"', '5', 'null', 'false', '[1]', '{}']
    for (const text of texts) expect((await call(`${base}/publish/PostDeployment`, post(text))).status, text).toBe(200)
    await eventually('all are told', () => receiver.calls.length === texts.length)
    expect(receiver.calls.map(({ body }) => body).toSorted()).toEqual(texts.toSorted())
    for (const text of ['', 'nonsense', '"']) {
      expect((await call(`${base}/publish/PostDeployment`, post(text))).status, text).toBe(400)
    }
    for (const { id } of JSON.parse((await call(base)).body)) await call(`${base}/${id}`, { method: 'DELETE' })
  })

  it('has all hooks of an event called with a text, and tells how that went', async () => {
    await call(base, post({ event: 'PostDeployment', url: `${receiver.url}/other` }))
    await call(base, post({ event: 'TriggeredJobFinished', url: `${receiver.url}/mine`, insecure_ssl: true }))
    receiver.answer = (response) => void response.writeHead(404).end()
    receiver.calls.length = 0
    expect(await raw(`${base}/publish/triggeredJobFinished`, post({ a: [1] }))).toBe(await golden('kudu-nothing'))
    await eventually('it is told', async () => (await call(base)).body.includes('NotFound'))
    expect(receiver.calls).toMatchObject([{ path: '/mine', body: '{"a":[1]}' }])
    expect(await raw(base)).toBe(await golden('kudu-hooks-called'))
    expect((await call(`${base}/publish/Nothing`, post({}))).status).toBe(400)
    for (const { id } of JSON.parse((await call(base)).body)) await call(`${base}/${id}`, { method: 'DELETE' })
  })

  it('is not for everybody', async () => {
    const viewer = { headers: { authorization: basicOf(await server.token('viewer')) } }
    expect((await call(base, viewer)).status).toBe(403)
    expect((await ask(`${url}${base}`)).status).toBe(401)
  })
})

describe('what hooks are told', () => {
  it('is the run as Kudu shows it, indented, without what says nothing', async () => {
    const { stack } = server
    receiver.answer = (response) => void response.end()
    receiver.calls.length = 0
    await call('/api/hooks', post({ event: 'TriggeredJobFinished', url: receiver.url }))
    const run = await stack.run(await stack.job('report'))
    await stack.reach(run, 'completed')
    const [told] = await eventually('it is told', () => receiver.calls.length > 0 && receiver.calls)
    const body = String(told?.body)
      .replaceAll(/\b\d{18}\b/g, 'RUN-ID')
      .replaceAll(/(?<=")\d{4}-\d\d-\d\dT[\d:.]+Z(?=")/g, 'TIME')
      .replaceAll(/(?<="duration": ")[\d:.]+(?=")/g, 'DURATION')
    expect(body).toBe(await golden('kudu-hook-body'))
  })

  it('leaves out null, false, zero and dates that are not set', () => {
    expect(indented({ a: null, b: false, c: 0, d: '0001-01-01T00:00:00', e: '', f: 'x' })).toBe(
      '{\n  "e": "",\n  "f": "x"\n}',
    )
  })

  it('is a deployment in the words of Kudu', async () => {
    const at = Date.UTC(2026, 10, 21, 2, 0, 0, 120)
    const job = { jobId: 'j', jobName: 'report', jobType: 'triggered' }
    const facts = { ...job, hash: 'ab12', source: 'kudu', deployedBy: 'ci', deployedAt: at }
    const text = await describeForHooks(() => 'https://jobs.example:8080').describeDeployment(facts, 'shop')
    expect(JSON.parse(text)).toEqual({
      id: 'ab12',
      status: 'success',
      statusText: '',
      author: 'ci',
      message: 'Deployed the triggered WebJob report.',
      deployer: 'kudu',
      receivedTime: '2026-11-21T02:00:00.12Z',
      startTime: '2026-11-21T02:00:00.12Z',
      endTime: '2026-11-21T02:00:00.12Z',
      lastSuccessEndTime: '2026-11-21T02:00:00.12Z',
      complete: true,
      siteName: 'shop',
      hostName: 'jobs.example:8080',
    })
  })

  it('has ids that are ticks of .NET', () => {
    const id = '01941f29-7c00-7000-8000-000000000007'
    expect(showHookId({ id, createdAt: Date.UTC(2024, 4, 1) })).toBe('638501184000000007')
  })
})
