import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
const log: string[] = []

beforeAll(async () => {
  server = await startTestServer({ settings: { bodyBytes: 4096 }, onLog: (line) => log.push(line) })
  await server.call('POST', '/v1/jobs', { body: { name: 'there' } })
})
afterAll(() => server.stop())

const post = (body: unknown, headers: Record<string, string> = {}) => server.call('POST', '/v1/jobs', { body, headers })
const patch = (body: unknown) => server.call('PATCH', '/v1/jobs/there', { body })

describe('a job is refused with the field at fault and what to do', () => {
  test('when its name breaks the rule', async () => {
    const { body } = await post({ name: 'my job' })
    expect(body).toMatchObject({ status: 400, code: 'name-invalid', field: 'name', position: 2 })
    expect(body.detail).toContain('letters, digits, "-" and "_"')
    expect((await post({ name: '' })).body).toMatchObject({ code: 'name-invalid', field: 'name', position: 0 })
    expect((await post({ name: '-x' })).body).toMatchObject({ code: 'name-invalid', position: 0 })
    expect((await post({ name: 'x'.repeat(101) })).body).toMatchObject({ code: 'name-invalid', position: 100 })
    expect((await post({})).body).toMatchObject({ code: 'input-invalid', field: 'name' })
  })

  test('when a schedule cannot be read, with the place in its text', async () => {
    const five = await post({ name: 'a', triggers: [{ type: 'schedule', ncrontab: '*/5 * * * *' }] })
    expect(five.body).toMatchObject({ status: 400, code: 'schedule-invalid', field: 'triggers.0.ncrontab' })
    expect(five.body.data).toEqual({ suggestion: '0 */5 * * * *' })
    const hour = await post({
      name: 'a',
      triggers: [{ type: 'webhook' }, { type: 'schedule', ncrontab: '0 0 24 * * *' }],
    })
    expect(hour.body).toMatchObject({ code: 'schedule-invalid', field: 'triggers.1.ncrontab', position: 4 })
    const zone = { type: 'schedule', ncrontab: '0 0 1 * * *', timeZone: 'Europe/Berln' }
    const wrong = await post({ name: 'a', triggers: [zone] })
    expect(wrong.body).toMatchObject({ code: 'time-zone-unknown', field: 'triggers.0.timeZone' })
    expect(wrong.body.hint).toContain('Europe/Berlin')
  })

  test('when a member is not known, with the one that was probably meant', async () => {
    expect((await post({ nmae: 'a' })).body).toMatchObject({ field: 'nmae', hint: 'Did you mean name?' })
    const policy = await patch({ policy: { overlapp: 'skip' } })
    expect(policy.body).toMatchObject({ field: 'policy.overlapp', hint: 'Did you mean overlap?' })
    const retry = await patch({ policy: { retry: { kind: 'fixed', attempts: 2, delay: '1s', factor: 2 } } })
    expect(retry.body).toMatchObject({ field: 'policy.retry.factor' })
    expect(retry.body.hint).toBe('Known are kind, attempts, delay.')
    const trigger = await patch({ triggers: [{ type: 'webhook', password: 'x' }] })
    expect(trigger.body).toMatchObject({ field: 'triggers.0.password' })
  })

  test('when a value is none of those that it may be', async () => {
    const cases: readonly (readonly [unknown, string, RegExp])[] = [
      [{ policy: { overlap: 'always' } }, 'policy.overlap', /must be one of forbid, queue, skip, replace, allow/],
      [
        { policy: { retry: { kind: 'fixd', attempts: 2 } } },
        'policy.retry.kind',
        /must be one of none, fixed, exponential/,
      ],
      [{ policy: { retry: { kind: 'fixed', delay: '1s' } } }, 'policy.retry.attempts', /is missing/],
      [{ policy: { retry: {} } }, 'policy.retry.kind', /is missing/],
      [{ policy: { retry: 'fixed' } }, 'policy.retry', /must be an object or null; it is "fixed"/],
      [{ policy: { keepRuns: 0 } }, 'policy.keepRuns', /from 1 to 1000000; it is 0/],
      [{ policy: { parallel: 1.5 } }, 'policy.parallel', /must be a whole number or null; it is 1.5/],
      [{ policy: { timeout: 30 } }, 'policy.timeout', /must be a text or null; it is 30/],
      [{ policy: [] }, 'policy', /must be an object; it is a list/],
      [{ enabled: 'yes' }, 'enabled', /must be true or false; it is "yes"/],
      [{ triggers: [{ type: 'cron' }] }, 'triggers.0.type', /must be one of continuous, schedule, webhook, after/],
      [{ triggers: [{}] }, 'triggers.0.type', /is missing/],
      [{ triggers: Array(21).fill({ type: 'webhook' }) }, 'triggers', /holds 21; at most 20/],
      [{ package: 'latest' }, 'package', /has not the form/],
      [{ spec: 5 }, 'spec', /must be an object; it is 5/],
    ]
    for (const [body, field, detail] of cases) {
      const answer = await patch(body)
      expect(answer.body, JSON.stringify(body)).toMatchObject({ status: 400, code: 'input-invalid', field })
      expect(answer.body.detail).toMatch(detail)
    }
  })

  test('when a duration or a size has no unit, or is none', async () => {
    const timeout = await patch({ policy: { timeout: '30' } })
    expect(timeout.body).toMatchObject({ code: 'duration-invalid', field: 'policy.timeout' })
    expect(timeout.body.hint).toContain('30s')
    const output = await patch({ policy: { output: 'much' } })
    expect(output.body).toMatchObject({ code: 'size-invalid', field: 'policy.output' })
    const backoff = { delay: '1s', backoff: { factor: 2, max: 'long' } }
    expect((await patch({ policy: { restart: backoff } })).body).toMatchObject({ field: 'policy.restart.backoff.max' })
  })

  test('when what it names is not there', async () => {
    expect((await post({ name: 'a', kind: 'scrpt' })).body).toMatchObject({
      code: 'kind-unknown',
      field: 'kind',
      hint: 'Did you mean script?',
    })
    expect((await post({ name: 'a', type: 'other' })).body).toMatchObject({ code: 'input-invalid', field: 'type' })
    expect((await post({ name: 'a', collection: 'none' })).body).toMatchObject({ code: 'collection-unknown' })
    const unknown = await post({ name: 'a', package: 'f'.repeat(64) })
    expect(unknown.body).toMatchObject({ status: 404, code: 'package-unknown' })
    const after = await patch({ triggers: [{ type: 'after', jobId: 'none' }] })
    expect(after.body).toMatchObject({ code: 'job-unknown', field: 'triggers.0.jobId' })
    const failure = await patch({ policy: { onFailure: ['there', 'none'] } })
    expect(failure.body).toMatchObject({ code: 'job-unknown', field: 'policy.onFailure.1' })
    expect((await server.call('PATCH', '/v1/jobs/none', { body: {} })).body).toMatchObject({
      status: 404,
      code: 'job-unknown',
    })
  })

  test('and nothing of it is kept', async () => {
    const { body } = await server.call('GET', '/v1/jobs')
    expect(body.items).toMatchObject([{ name: 'there', version: 1 }])
  })
})

describe('a wrong app setting', () => {
  test.each([
    ['PATCH', { settings: { A: true } }, 'settings.A', /must be a text or an object or null/],
    ['PATCH', { settings: { A: { value: 'x', slots: 'y' } } }, 'settings.A.slots', /is not known/],
    ['PUT', { settings: { A: null } }, 'settings.A', /must be a text or an object/],
    ['PUT', { settings: { A: { slot: 5 } } }, 'settings.A.slot', /it is 5/],
  ])('is told by its name: %s %j', async (method, sent, field, detail) => {
    const { body } = await server.call(method, '/v1/settings', { body: sent })
    expect(body).toMatchObject({ status: 400, code: 'input-invalid', field, detail: expect.stringMatching(detail) })
    expect(body.hint).not.toContain('/docs')
  })
})

describe('what may be a secret is never shown in a refusal', () => {
  const SECRET = 'my own longer password 12'
  const cases: readonly (readonly [string, string, unknown, string])[] = [
    ['PUT', '/v1/jobs/there/webhook', { password: SECRET }, 'password'],
    ['PUT', '/v1/jobs/there/webhook', { password: [SECRET] }, 'password'],
    ['PUT', '/v1/jobs/there/webhook', { password: 987_654_321 }, 'password'],
    ['PUT', '/v1/jobs/there/webhook', SECRET, 'body'],
    ['PATCH', '/v1/settings', { settings: { KEY: 987_654_321 } }, 'settings.KEY'],
    ['PATCH', '/v1/settings', { settings: { KEY: { value: 987_654_321, secret: true } } }, 'settings.KEY.value'],
    ['PUT', '/v1/settings', { settings: { KEY: [SECRET] } }, 'settings.KEY'],
    ['PUT', '/v1/settings', { settings: SECRET }, 'settings'],
    ['POST', '/v1/hooks', { event: 'deployed', url: 987_654_321 }, 'url'],
    ['POST', '/v1/hooks', { event: 'deployed', url: `ftp://user:${SECRET}@example.com` }, 'url'],
  ]

  test.each(cases)('%s %s %j', async (method, path, sent, field) => {
    const headers = { 'content-type': 'application/json' }
    const { status, body, text } = await server.call(method, path, { body: JSON.stringify(sent), headers })
    expect(status).toBe(400)
    expect(body).toMatchObject({ field, hint: expect.stringMatching(/./) })
    for (const part of [SECRET, 'longer', '987']) expect(text).not.toContain(part)
    expect(log.join()).not.toContain(SECRET)
  })

  test('and what is none still is', async () => {
    const { body } = await server.call('PATCH', '/v1/settings', { body: { settings: { KEY: { secret: 'yes' } } } })
    expect(body).toMatchObject({ field: 'settings.KEY.secret', detail: expect.stringContaining('it is "yes"') })
  })
})

describe('a body is refused', () => {
  const raw = (text: string, type = 'application/json') => post(text, { 'content-type': type })

  test('when it is no JSON, with the place where it stops being', async () => {
    expect((await raw('{"name": "a",}')).body).toMatchObject({
      status: 400,
      code: 'input-invalid',
      field: 'body',
      position: 13,
    })
    expect((await raw('{"name": "a"')).body).toMatchObject({ position: 12 })
    const later = await raw('{\n  "name": "a"\n  "type": "b"\n}')
    expect(later.body.detail).toContain('line 3, column 3')
  })

  test.each([
    ['hunter2', 'a value is expected at position 0', 0],
    ['{"a": hunter2}', 'a value is expected at position 6', 6],
    ['{"a": 1,}', 'a name in double quotes is expected at position 8', 8],
    ['{"a" 1}', '":" is expected at position 5', 5],
    ['{"a": 01}', '"," or "}" is expected at position 7', 7],
    ['{"a": [1 2]}', '"," or "]" is expected at position 9', 9],
    ['{"a": "\\x"}', 'an escape sequence is expected at position 7', 7],
    ['{"a": "b\nc"}', 'a text must not hold line ends and other control characters at position 8', 8],
    ['{"a": 1} {}', 'nothing more is expected at position 9', 9],
    ['{"a": "b', 'it ends too early at position 8', 8],
  ])('when it is no JSON, with what is expected where: %j', async (text, told, position) => {
    const { body } = await raw(text)
    expect(body).toMatchObject({ status: 400, field: 'body', position })
    expect(body.detail).toContain(told)
    expect(body.detail).not.toContain('hunter')
  })

  test('when it is no object, or absent where something is needed', async () => {
    expect((await raw('[]')).body.detail).toBe('The body must be an object; it is a list.')
    expect((await raw('5')).body.detail).toBe('The body must be an object; it is 5.')
    const nothing = await server.call('PATCH', '/v1/jobs/there', {
      body: ' null',
      headers: { 'content-type': 'application/json' },
    })
    expect(nothing.body).toMatchObject({ status: 400, code: 'input-invalid', field: 'body' })
    expect(nothing.body.detail).toBe('The body must be an object; it is null.')
    expect((await raw('')).body).toMatchObject({ code: 'input-invalid', field: 'name' })
  })

  test('when it goes too deep, before it is parsed', async () => {
    const deep = `{"name": "a", "spec": ${'['.repeat(1500)}${']'.repeat(1500)}}`
    expect((await raw(deep)).body).toMatchObject({ status: 400, code: 'input-invalid', field: 'body' })
    const brackets = `{"name": "a b", "type": "${'['.repeat(1500)}"}`
    expect((await raw(brackets)).body.field).toBe('type')
  })

  test('when it has a member called __proto__', async () => {
    expect((await raw('{"name": "a", "spec": {"__proto__": {"x": 1}}}')).body).toMatchObject({
      status: 400,
      position: 23,
    })
  })

  test('when it is larger than the limit, which is named', async () => {
    const { body } = await post({ name: 'a', spec: { text: 'x'.repeat(5000) } })
    expect(body).toMatchObject({ status: 413, code: 'body-too-large', field: 'body', data: { limit: 4096 } })
    expect(body.detail).toContain('4KB')
  })

  test('when it is of a type that is not read', async () => {
    expect((await raw('name=a', 'application/x-www-form-urlencoded')).body).toMatchObject({
      status: 415,
      code: 'media-type-unknown',
      field: 'Content-Type',
    })
  })
})

describe('a query or an address is refused', () => {
  test('when a parameter is not known or has a wrong value', async () => {
    const cases = [
      ['/v1/jobs?limt=5', 'limt'],
      ['/v1/jobs?limit=0', 'limit'],
      ['/v1/jobs?limit=501', 'limit'],
      ['/v1/jobs?limit=many', 'limit'],
      ['/v1/jobs?limit=1&limit=2', 'limit'],
      ['/v1/jobs?enabled=perhaps', 'enabled'],
      ['/v1/jobs?cursor=nonsense', 'cursor'],
      ['/v1/runs?state=running,dead', 'state'],
      ['/v1/runs?why=because', 'why'],
      ['/v1/runs?from=yesterday', 'from'],
      ['/v1/runs?to=2026-02-30T00:00:00Z', 'to'],
      ['/v1/runs?type=test', 'type'],
      ['/v1/jobs/there/next?count=1001', 'count'],
      [`/v1/jobs?search=${'x'.repeat(101)}`, 'search'],
      ['/v1/packages/latest', 'hash'],
    ]
    for (const [path = '', field] of cases) {
      const { status, body } = await server.call('GET', path)
      expect([status, body.field], path).toEqual([400, field])
    }
    expect((await server.call('GET', '/v1/jobs?limt=5')).body.hint).toBe('Did you mean limit?')
    expect((await server.call('GET', '/v1/runs?state=runing')).body.hint).toBe('Did you mean running?')
  })

  test('when a cursor belongs to another list', async () => {
    await server.call('POST', '/v1/jobs', { body: { name: 'there-too' } })
    const { next } = (await server.call('GET', '/v1/jobs?limit=1')).body
    expect(next).not.toBeNull()
    const { body } = await server.call('GET', `/v1/runs?cursor=${next}`)
    expect(body).toMatchObject({ status: 400, field: 'cursor' })
  })

  test('when there is nothing there, with a token or without', async () => {
    for (const [method, path] of [
      ['GET', '/v1/job'],
      ['PUT', '/v1/job'],
      ['GET', '/v1/me/x'],
      ['GET', '/nothing'],
      ['GET', '/v1'],
    ] as const) {
      const answer = await server.call(method, path, { token: null })
      expect(answer.body, path).toMatchObject({ status: 404, code: 'route-unknown' })
    }
    const ids = ['not-an-id', '00000000-0000-7000-8000-000000000000', '%27%22%3E']
    for (const id of ids) {
      expect((await server.call('GET', `/v1/runs/${id}`)).body.code).toBe('run-unknown')
      expect((await server.call('GET', `/v1/jobs/${id}`)).body.code).toBe('job-unknown')
    }
  })

  test('when it cannot be decoded, or holds too much', async () => {
    const broken = await server.call('GET', '/v1/jobs/%E0%A4%A')
    expect(broken.body).toMatchObject({ status: 400, code: 'address-invalid', field: 'path' })
    expect((await server.call('GET', `/v1/jobs/${'x'.repeat(150)}`)).body).toMatchObject({ status: 400, field: 'job' })
    const long = await server.call('GET', `/v1/jobs/${'x'.repeat(2000)}`)
    expect(long.body).toMatchObject({ status: 400, field: 'path', detail: expect.stringContaining('longer than') })
  })

  test('when the address takes other methods, which it names', async () => {
    for (const [method, path, allow] of [
      ['PUT', '/v1/me', 'GET'],
      ['POST', '/v1/jobs/there', 'DELETE, GET, PATCH'],
      ['PUT', '/v1/jobs/there/', 'DELETE, GET, PATCH'],
      ['OPTIONS', '/v1/jobs', 'GET, POST, PUT'],
      ['DELETE', `/v1/packages/${'a'.repeat(64)}/files/a/b`, 'GET'],
      ['GET', '/hooks/x', 'POST'],
    ] as const) {
      const answer = await server.call(method, path, { token: null })
      expect(answer.body, path).toMatchObject({ status: 405, code: 'method-unknown', field: 'method' })
      expect(answer.headers.allow).toBe(allow)
      expect(answer.body.detail).toContain(method)
    }
  })

  test('when it is no HTTP at all, and the server goes on', async () => {
    const { port } = new URL(await server.listen())
    const socket = connect(Number(port), '127.0.0.1')
    socket.end('nonsense\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /)
    expect(String(answer)).toMatch(/application\/problem\+json.*"request-broken"/s)
    socket.destroy()
    const headers = { authorization: `Bearer ${'x'.repeat(20_000)}` }
    const large = await fetch(`http://127.0.0.1:${port}/v1/me`, { headers })
    expect([large.status, await large.json()]).toEqual([431, expect.objectContaining({ code: 'head-too-large' })])
    expect((await server.call('GET', '/health/live')).status).toBe(200)
  })
})

describe('a defect of ours', () => {
  let broken: TestServer
  beforeAll(async () => {
    broken = await startTestServer({
      onLog: (line) => log.push(line),
      change: (services) => ({
        ...services,
        packages: {
          ...services.packages,
          describe: async () => {
            throw new Error('secret-of-the-inside')
          },
        },
      }),
    })
  })
  afterAll(() => broken.stop())

  test('is told by the request id alone; the log has the rest', async () => {
    const answer = await broken.call('GET', `/v1/packages/${'a'.repeat(64)}`)
    expect(answer.body).toMatchObject({ status: 500, code: 'internal' })
    expect(answer.text).not.toContain('secret-of-the-inside')
    expect(answer.text).not.toContain('.ts:')
    const line = log.find((each) => each.includes('secret-of-the-inside'))
    expect(line).toContain(answer.body.requestId)
    expect(line).toContain('bad-input.test.ts')
  })
})

test('no token ever stands in the log', async () => {
  await server.call('GET', '/v1/me?x=1')
  expect(log.length).toBeGreaterThan(0)
  expect(log.join('')).not.toContain(server.admin)
})

test('a request with a body and Expect: 100-continue that is not allowed is refused without its body', async () => {
  const sent = request(`${await server.listen()}/v1/jobs`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': '100' },
  })
  sent.on('error', () => undefined)
  sent.flushHeaders()
  const [answer] = await once(sent, 'response')
  expect(answer.statusCode).toBe(401)
  const closed = new Promise((resolve) => sent.once('close', resolve))
  sent.destroy()
  await closed
})

describe('what is sent is refused with the field', () => {
  test('when a body is no object, or the query is wrong', async () => {
    for (const body of [0, true, '"text"', []]) {
      const answer = await post(typeof body === 'string' ? body : JSON.stringify(body), {
        'content-type': 'application/json',
      })
      expect(answer.body).toMatchObject({ status: 400, code: 'input-invalid', field: 'body' })
    }
    const form = await post('name=x', { 'content-type': 'application/x-www-form-urlencoded' })
    expect(form.body).toMatchObject({
      status: 415,
      field: 'Content-Type',
      detail: expect.stringContaining('x-www-form-urlencoded'),
    })
  })

  test('when there can be nothing between two moments', async () => {
    const query = 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z'
    expect((await server.call('GET', `/v1/runs?${query}`)).body).toMatchObject({ status: 400, field: 'to' })
  })

  test('when a token would be dead at once', async () => {
    const body = { name: 'brief', role: 'viewer', expiresIn: '0s' }
    expect((await server.call('POST', '/v1/tokens', { body })).body).toMatchObject({ status: 400, field: 'expiresIn' })
  })
})
