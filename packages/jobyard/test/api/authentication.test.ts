import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ensureAdminToken, hashToken } from '../../src/services/auth/token.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACTOR } from '../support/stack.ts'
import { startTestServer, type TestServer } from './server.ts'

describe('a token', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.stop())

  test('is needed, and the refusal says how to send one', async () => {
    const { status, headers, body } = await server.call('GET', '/v1/me', { token: null })
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toBe('Bearer')
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(body).toMatchObject({ code: 'token-missing', status: 401, type: 'urn:jobyard:error:token-missing' })
    expect(body.hint).toContain('Authorization: Bearer')
    expect(body.requestId).toBe(headers['x-request-id'])
  })

  test('that is no Bearer token, unknown, or endlessly long is refused', async () => {
    for (const authorization of ['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer a b', 'jy_abc']) {
      const { status, body } = await server.call('GET', '/v1/me', { token: null, headers: { authorization } })
      expect([status, body.code], authorization).toEqual([401, 'token-missing'])
    }
    for (const token of ['jy_unknown', 'x'.repeat(10_000)]) {
      expect((await server.call('GET', '/v1/me', { token })).body.code).toBe('token-invalid')
    }
  })

  test('is stored as a hash alone', async () => {
    const { body } = await server.call('POST', '/v1/tokens', { body: { name: 'hashed', role: 'viewer' } })
    expect(body.token).toMatch(/^jy_[\w-]{43}$/)
    const listed = await server.call('GET', '/v1/tokens')
    expect(listed.text).not.toContain(body.token)
    expect(listed.text).not.toContain(hashToken(body.token))
    expect(await server.stack.store.read('findToken', { hash: hashToken(body.token) })).toMatchObject({
      name: 'hashed',
    })
  })

  test('that is revoked is worthless at once, even though it was used a moment before', async () => {
    const { body } = await server.call('POST', '/v1/tokens', { body: { name: 'short-lived', role: 'viewer' } })
    const me = () => server.call('GET', '/v1/me', { token: body.token })
    expect((await me()).status).toBe(200)
    expect((await server.call('DELETE', `/v1/tokens/${body.id}`)).status).toBe(204)
    expect((await me()).body.code).toBe('token-invalid')
    expect((await server.call('DELETE', `/v1/tokens/${body.id}`)).body.code).toBe('token-unknown')
  })

  test('of a name that is taken, or of a bad name, is not made', async () => {
    await server.call('POST', '/v1/tokens', { body: { name: 'twice', role: 'viewer' } })
    const again = await server.call('POST', '/v1/tokens', { body: { name: 'TWICE', role: 'viewer' } })
    expect(again).toMatchObject({ status: 409, body: { code: 'token-exists', field: 'name' } })
    const bad = await server.call('POST', '/v1/tokens', { body: { name: 'a b', role: 'viewer' } })
    expect(bad).toMatchObject({ status: 400, body: { code: 'name-invalid', field: 'name', position: 1 } })
    const role = await server.call('POST', '/v1/tokens', { body: { name: 'a', role: 'operater' } })
    expect(role).toMatchObject({ status: 400, body: { field: 'role', hint: 'Did you mean operator?' } })
    const span = await server.call('POST', '/v1/tokens', { body: { name: 'a', role: 'viewer', expiresIn: '5' } })
    expect(span).toMatchObject({ status: 400, body: { code: 'duration-invalid', field: 'expiresIn' } })
  })

  test('says whose it is and what it may do', async () => {
    const { body } = await server.call('GET', '/v1/me', { token: await server.token('operator') })
    expect(body).toMatchObject({ role: 'operator', collection: null, version: '0.1.0-test' })
  })

  test('used once is noted as used', async () => {
    const { body } = await server.call('POST', '/v1/tokens', { body: { name: 'noted', role: 'viewer' } })
    await server.call('GET', '/v1/me', { token: body.token })
    await eventually('its use is noted', async () => {
      const row = await server.stack.store.read('findToken', { hash: hashToken(body.token) })
      return row?.lastUsedAt !== null
    })
  })
})

describe('over time', () => {
  let server: TestServer
  let clock: ManualClock
  beforeEach(async () => {
    clock = new ManualClock('2026-11-21T10:00:00Z')
    server = await startTestServer({ clock })
  })
  afterEach(() => server.stop())

  test('a token ends when it expires, though it is remembered from a moment before', async () => {
    const made = await server.call('POST', '/v1/tokens', { body: { name: 'a', role: 'viewer', expiresIn: '1s' } })
    expect(made.body.expiresAt).toBe('2026-11-21T10:00:01.000Z')
    const me = () => server.call('GET', '/v1/me', { token: made.body.token })
    expect((await me()).status).toBe(200)
    clock.advance(999)
    expect((await me()).status).toBe(200)
    clock.advance(1)
    expect((await me()).status).toBe(401)
  })

  test('a token that another instance revoked is refused when it is looked up again', async () => {
    const token = await server.token('viewer')
    const me = () => server.call('GET', '/v1/me', { token })
    expect((await me()).status).toBe(200)
    const row = await server.stack.store.read('findToken', { hash: hashToken(token) })
    await server.stack.store.write('revokeToken', { id: row?.id ?? '', actor: ACTOR, at: clock.now() })
    clock.advance(5000)
    expect((await me()).status).toBe(401)
  })

  test('too many wrong tokens from one address get 429, the right one is let through, and time heals', async () => {
    const wrong = () => server.call('GET', '/v1/me', { token: 'jy_wrong' })
    for (let i = 0; i < 30; i++) expect((await wrong()).status).toBe(401)
    const refused = await wrong()
    expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-failures', data: { retryAfter: 60 } } })
    expect(refused.headers['retry-after']).toBe('60')
    expect((await server.call('GET', '/v1/me')).status).toBe(200)
    clock.advance(60_000)
    expect((await wrong()).status).toBe(401)
  })
})

describe('the token of the first administrator', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await startTestServer()
  })
  afterEach(() => server.stop())

  test('is made when there is no valid one, given back once, and not made again', async () => {
    const { parts } = server.stack
    expect(await ensureAdminToken(parts)).toEqual({ created: null })
    const [first] = (await server.call('GET', '/v1/tokens')).body.items
    await server.call('DELETE', `/v1/tokens/${first.id}`)
    const { created } = await ensureAdminToken(parts)
    expect((await server.call('GET', '/v1/me', { token: created })).body).toMatchObject({
      name: 'admin',
      role: 'admin',
    })
    expect(await ensureAdminToken(parts)).toEqual({ created: null })
  })

  test('can be given, is kept valid over starts, and is valid again after somebody revoked it', async () => {
    const { parts } = server.stack
    const given = 'correct-horse-battery-staple'
    const me = () => server.call('GET', '/v1/me', { token: given })
    expect(await ensureAdminToken(parts, given)).toEqual({ created: null })
    await ensureAdminToken(parts, given)
    expect((await me()).body).toMatchObject({ name: 'admin-given', role: 'admin' })
    const row = await server.stack.store.read('findToken', { hash: hashToken(given) })
    await server.call('DELETE', `/v1/tokens/${row?.id}`)
    expect((await me()).status).toBe(401)
    await ensureAdminToken(parts, given)
    expect((await me()).status).toBe(200)
  })

  test('is refused when it is short enough to be guessed', async () => {
    await expect(ensureAdminToken(server.stack.parts, 'admin')).rejects.toMatchObject({
      code: 'input-invalid',
      field: 'JOBYARD_ADMIN_TOKEN',
    })
  })
})

test.each([
  [true, '203.0.113.7'],
  [false, '127.0.0.1'],
])(
  'the address on record is what the one proxy before the server says, if there is one (%s)',
  async (behindProxy, address) => {
    const server = await startTestServer({ settings: { behindProxy } })
    const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' }
    await server.call('POST', '/v1/collections', { body: { name: 'seen' }, headers })
    const { items } = (await server.call('GET', '/v1/audit?limit=1')).body
    expect(items).toMatchObject([{ action: 'collection.create', address }])
    await server.stop()
  },
)
