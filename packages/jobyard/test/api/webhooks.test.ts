import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../support/manual-clock.ts'
import { Held } from '../support/test-kind.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let clock: ManualClock
let jobId: string

beforeEach(async () => {
  clock = new ManualClock('2026-11-21T10:00:00Z')
  server = await startTestServer({ clock, settings: { payloadBytes: 1024 } })
  const { body } = await server.call('POST', '/v1/jobs', {
    body: { name: 'hooked', triggers: [{ type: 'webhook' }], policy: { overlap: 'allow' } },
  })
  jobId = body.id
})
afterEach(() => server.stop())

const webhook = (method: string, path = '', body?: unknown) =>
  server.call(method, `/v1/jobs/hooked/webhook${path}`, body === undefined ? {} : { body })
const password = async (): Promise<string> => (await webhook('GET')).body.password
const basic = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`

function ring(authorization: string | undefined, body?: string | Uint8Array, headers = {}, query = '') {
  const auth = authorization === undefined ? {} : { authorization }
  const sent = body === undefined ? {} : { body }
  return server.call('POST', `/hooks/${jobId}${query}`, { token: null, headers: { ...auth, ...headers }, ...sent })
}

async function audit(): Promise<string[]> {
  const { items } = (await server.call('GET', `/v1/audit?target=${jobId}`)).body
  return items.map(({ action }: { action: string }) => action).filter((action: string) => action.startsWith('webhook.'))
}

describe('a webhook', () => {
  test('has a password of its own from the start, that only its route shows', async () => {
    const { status, body } = await webhook('GET')
    expect(status).toBe(200)
    expect(body).toEqual({
      url: `https://jobs.example/hooks/${jobId}`,
      user: 'jobyard',
      password: expect.stringMatching(/^[\w-]{43}$/),
    })
    const job = await server.call('GET', '/v1/jobs/hooked')
    expect(job.body.triggers).toEqual([{ type: 'webhook' }])
    const { text } = await server.call('GET', '/v1/audit')
    for (const shown of [job.text, text]) {
      expect(shown).not.toContain(body.password)
      expect(shown).not.toContain('sealed')
    }
    const files = ['jobyard.db', 'jobyard.db-wal'].map((name) => readFile(`${server.folder}/${name}`, 'latin1'))
    expect((await Promise.all(files)).join('')).not.toContain(body.password)
  })

  test('starts the job with its password, whatever the user name, and hands the body on', async () => {
    const secret = await password()
    const bytes = Buffer.from([0, 1, 255])
    const { status, body } = await ring(
      basic('anybody', secret),
      bytes,
      { 'content-type': 'image/png' },
      '?args=a%20%22b%20c%22',
    )
    expect(status).toBe(202)
    expect(body).toEqual({ runId: expect.any(String), number: 1, queued: false, skipped: false })
    const run = await server.stack.store.read('getRun', { id: body.runId })
    expect(run).toMatchObject({
      why: 'webhook',
      args: ['a', 'b c'],
      detail: { address: '127.0.0.1', payload: { contentType: 'image/png', bytes: 3 } },
    })
    const payload = await server.stack.store.read('getPayload', { runId: body.runId })
    expect([payload?.contentType, [...(payload?.body ?? [])]]).toEqual(['image/png', [0, 1, 255]])
    expect((await ring(`Bearer ${secret}`)).status).toBe(202)
    expect((await ring(basic('', secret), '{', { 'content-type': 'application/json' })).status).toBe(202)
  })

  test('refuses a wrong password and none, and an address that is nobody’s', async () => {
    for (const authorization of [undefined, 'Basic', basic('a', 'wrong'), 'Bearer wrong', `Bearer ${server.admin}`]) {
      const { status, headers, body } = await ring(authorization)
      expect([status, body.code], authorization).toEqual([401, 'webhook-refused'])
      expect(headers['www-authenticate']).toBe('Basic realm="webhook"')
    }
    const other = await server.call('POST', `/hooks/${randomUUID()}`, {
      token: null,
      headers: { authorization: 'Bearer x' },
    })
    expect(other.body).toMatchObject({ status: 404, code: 'webhook-unknown' })
    await server.call('POST', '/v1/jobs', { body: { name: 'plain' } })
    const plain = (await server.call('GET', '/v1/jobs/plain')).body.id
    const none = await server.call('POST', `/hooks/${plain}`, { token: null, headers: { authorization: 'Bearer x' } })
    expect(none.body).toMatchObject({ status: 404, code: 'webhook-unknown' })
    expect((await server.call('GET', '/v1/jobs/hooked/runs')).body.items).toEqual([])
  })

  test('locks a sender out after ten wrong passwords, for a minute, from this webhook alone', async () => {
    const secret = await password()
    for (let i = 0; i < 10; i++) expect((await ring(basic('a', `wrong-${i}`))).status).toBe(401)
    const locked = await ring(basic('a', secret))
    expect(locked).toMatchObject({ status: 429, body: { code: 'too-many-failures' } })
    expect(locked.headers['retry-after']).toBe('60')
    const { body } = await server.call('POST', '/v1/jobs', { body: { name: 'other', triggers: [{ type: 'webhook' }] } })
    const theirs = (await server.call('GET', '/v1/jobs/other/webhook')).body.password
    const headers = { authorization: `Bearer ${theirs}` }
    expect((await server.call('POST', `/hooks/${body.id}`, { token: null, headers })).status).toBe(202)
    clock.advance(60_000)
    expect((await ring(basic('a', secret))).status).toBe(202)
  })

  test('takes another password, given or drawn, and the old one is worthless', async () => {
    const first = await password()
    const given = 'correct-horse:battery'
    expect((await webhook('PUT', '', { password: given })).body.password).toBe(given)
    expect((await ring(`Bearer ${first}`)).status).toBe(401)
    expect((await ring(basic('a', given))).status).toBe(202)
    const { body } = await webhook('POST', '/renew')
    expect(body.password).not.toBe(given)
    expect((await ring(basic('a', given))).status).toBe(401)
    expect((await ring(basic('a', body.password))).status).toBe(202)
    for (const bad of ['short', 'with a blank in it', 'x'.repeat(201), 'with-an-ümlaut-in-it']) {
      expect((await webhook('PUT', '', { password: bad })).body).toMatchObject({ status: 400, field: 'password' })
    }
  })

  test('is on record whenever it is shown or changed, with who and from where', async () => {
    await webhook('GET')
    await webhook('PUT', '', {})
    await webhook('POST', '/renew')
    await webhook('DELETE')
    expect(await audit()).toEqual(['webhook.delete', 'webhook.renew', 'webhook.set', 'webhook.show'])
    const { items } = (await server.call('GET', `/v1/audit?target=${jobId}&limit=1`)).body
    expect(items).toMatchObject([{ role: 'admin', address: '127.0.0.1', targetName: 'hooked', collection: 'default' }])
  })

  test('stays with its password when the triggers are written anew, with it or without', async () => {
    const secret = await password()
    const schedule = { type: 'schedule', ncrontab: '0 0 3 * * *' }
    for (const triggers of [[schedule, { type: 'webhook' }], [schedule], []]) {
      const { body } = await server.call('PATCH', '/v1/jobs/hooked', { body: { triggers } })
      const types = body.triggers.map(({ type }: { type: string }) => type)
      expect(types.toSorted()).toEqual([...new Set([...triggers.map(({ type }) => type), 'webhook'])].toSorted())
      expect(await password()).toBe(secret)
    }
    await server.call('PUT', '/v1/jobs', { body: { name: 'hooked', spec: { targets: ['a'] } } })
    expect(await password()).toBe(secret)
  })

  test('goes when it is taken away, and comes back with another password', async () => {
    const secret = await password()
    expect((await webhook('DELETE')).status).toBe(204)
    expect((await server.call('GET', '/v1/jobs/hooked')).body.triggers).toEqual([])
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/renew'],
      ['DELETE', ''],
    ] as const) {
      expect((await webhook(method, path)).body).toMatchObject({ status: 404, code: 'webhook-unknown' })
    }
    expect((await ring(`Bearer ${secret}`)).status).toBe(404)
    expect((await webhook('PUT', '', {})).body.password).not.toBe(secret)
  })

  test('tells what became of a call that made no run', async () => {
    const held = new Held()
    server.kind.work = held.work
    const secret = await password()
    const set = (body: object) => server.call('PATCH', '/v1/jobs/hooked', { body })
    await set({ policy: { overlap: 'skip' } })
    expect((await ring(`Bearer ${secret}`)).body.skipped).toBe(false)
    expect(await ring(`Bearer ${secret}`)).toMatchObject({ status: 202, body: { runId: null, skipped: true } })
    await set({ policy: { overlap: 'forbid' } })
    expect((await ring(`Bearer ${secret}`)).body).toMatchObject({ status: 409, code: 'run-refused' })
    await set({ enabled: false })
    expect((await ring(`Bearer ${secret}`)).body).toMatchObject({ status: 409, code: 'job-stopped' })
  })

  test('takes no body beyond its limit, which is named', async () => {
    const { body } = await ring(`Bearer ${await password()}`, Buffer.alloc(1025), { 'content-type': 'text/plain' })
    expect(body).toMatchObject({ status: 413, code: 'body-too-large', data: { limit: 1024 } })
  })

  test('that is called twice with one Idempotency-Key starts one run', async () => {
    const secret = await password()
    const key = { 'idempotency-key': randomUUID() }
    const first = await ring(`Bearer ${secret}`, 'x', key)
    const again = await ring(`Bearer ${secret}`, 'x', key)
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([202, first.body, 'true'])
    expect((await ring(`Bearer ${secret}`, 'y', key)).body.code).toBe('key-reused')
    expect((await server.call('GET', '/v1/jobs/hooked/runs')).body.items).toHaveLength(1)
  })
})
