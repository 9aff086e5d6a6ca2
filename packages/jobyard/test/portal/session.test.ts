import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MOST_SESSIONS } from '../../src/store/procedures/sessions.ts'
import { type Answer, startTestServer, type TestServer } from '../api/server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { DATABASES, makePlace, type Place } from '../support/stack.ts'

const OWN = { 'sec-fetch-site': 'same-origin' }

let server: TestServer
let clock: ManualClock

async function signIn(token?: string, body: object = {}, headers: Record<string, string> = {}): Promise<string> {
  const answer = await server.call('POST', '/v1/session', { body, headers, ...(token === undefined ? {} : { token }) })
  expect(answer.status).toBe(201)
  return cookieOf(answer)
}

function cookieOf({ headers }: Answer): string {
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

function ask(cookie: string, method = 'GET', path = '/v1/me', headers: Record<string, string> = OWN): Promise<Answer> {
  return server.call(method, path, {
    token: null,
    headers: { cookie, ...headers },
    ...(method === 'POST' ? { body: { name: `made-${headers.origin ?? 'x'}`.replace(/\W/g, '-') } } : {}),
  })
}

describe.each(DATABASES)('on %s', (database) => {
  let place: Place

  beforeEach(async () => {
    clock = new ManualClock('2026-11-21T10:00:00Z')
    place = await makePlace(database)
    server = await startTestServer({ clock, place })
  })
  afterEach(async () => {
    await server.stop()
    await place.drop()
  })

  describe('signing a browser in', () => {
    test('gives it a cookie that its scripts cannot see and that only travels from pages of this site', async () => {
      const answer = await server.call('POST', '/v1/session', { body: {}, token: await server.token('operator') })
      expect(answer.body).toMatchObject({ role: 'operator', collection: null, expiresAt: '2026-11-21T22:00:00.000Z' })
      expect(answer.headers['set-cookie']).toMatch(
        /^jobyard-session-80=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$|^jobyard-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
      )
      expect(answer.text).not.toContain(cookieOf(answer).split('=')[1])
      expect((await ask(cookieOf(answer))).body).toMatchObject({ role: 'operator' })
    })

    test('is on record, and so is signing out', async () => {
      const cookie = await signIn()
      expect((await ask(cookie, 'DELETE', '/v1/session')).status).toBe(204)
      const { items } = (await server.call('GET', '/v1/audit')).body
      expect(items.slice(0, 2).map(({ action }: { action: string }) => action)).toEqual([
        'session.close',
        'session.open',
      ])
      expect(JSON.stringify(items)).not.toContain(cookie.split('=')[1])
    })

    test('needs a token: a session makes no other session', async () => {
      const cookie = await signIn()
      expect(await ask(cookie, 'POST', '/v1/session')).toMatchObject({ status: 400 })
      const again = await server.call('POST', '/v1/session', { token: null, body: {}, headers: { cookie, ...OWN } })
      expect(again).toMatchObject({ status: 401, body: { code: 'token-missing' } })
      expect((await server.call('POST', '/v1/session', { token: 'jy_wrong', body: {} })).status).toBe(401)
    })

    test('over TLS gives a cookie that never travels without it', async () => {
      await server.stop()
      server = await startTestServer({ clock, place, settings: { behindProxy: true } })
      const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'jobs.example' }
      const answer = await server.call('POST', '/v1/session', { body: { remember: true }, headers })
      expect(answer.headers['set-cookie']).toMatch(
        /^__Host-jobyard-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=2592000$/,
      )
      expect((await ask(cookieOf(answer), 'GET', '/v1/me', { ...OWN, ...headers })).status).toBe(200)
    })

    test(`more than ${MOST_SESSIONS} times ends the oldest session`, async () => {
      const cookies: string[] = []
      for (let i = 0; i <= MOST_SESSIONS; i++) {
        clock.advance(1)
        cookies.push(await signIn())
      }
      expect((await ask(cookies[0] ?? '')).status).toBe(401)
      expect((await ask(cookies[1] ?? '')).status).toBe(200)
    })
  })

  describe('a session', () => {
    test('ends after twelve hours, a remembered one after thirty days', async () => {
      const [usual, remembered] = [await signIn(), await signIn(undefined, { remember: true })]
      clock.advance(12 * 3_600_000 - 1)
      expect((await ask(usual)).status).toBe(200)
      clock.advance(1)
      expect(await ask(usual)).toMatchObject({ status: 401, body: { code: 'token-invalid', hint: 'Sign in again.' } })
      expect((await ask(remembered)).status).toBe(200)
      clock.advance(30 * 86_400_000)
      expect((await ask(remembered)).status).toBe(401)
    })

    test('is over at once when somebody signs out, whatever was known of it a moment before', async () => {
      const cookie = await signIn()
      expect((await ask(cookie)).status).toBe(200)
      const out = await ask(cookie, 'DELETE', '/v1/session')
      expect(out.headers['set-cookie']).toMatch(/=; Path=\/; .*Max-Age=0$/)
      expect((await ask(cookie)).status).toBe(401)
    })

    test('is worth no more than its token: revoked or expired, it is over', async () => {
      const made = await server.call('POST', '/v1/tokens', { body: { name: 'a', role: 'viewer', expiresIn: '1h' } })
      const cookie = await signIn(made.body.token)
      expect((await ask(cookie, 'POST', '/v1/collections')).body.code).toBe('role-insufficient')
      await server.call('DELETE', `/v1/tokens/${made.body.id}`)
      expect((await ask(cookie)).status).toBe(401)
      const other = await server.call('POST', '/v1/tokens', { body: { name: 'b', role: 'viewer', expiresIn: '1h' } })
      const second = await signIn(other.body.token)
      clock.advance(3_600_000)
      expect((await ask(second)).status).toBe(401)
    })

    test('is no token, and a token is no session', async () => {
      const cookie = await signIn()
      const [name = '', secret = ''] = cookie.split('=')
      expect((await ask(cookie)).status).toBe(200)
      expect((await server.call('GET', '/v1/me', { token: secret })).status).toBe(401)
      expect((await ask(`${name}=${server.admin}`)).status).toBe(401)
      expect((await ask(`${name}=${server.admin.slice(3)}`)).status).toBe(401)
    })
  })

  describe('a request with a cookie', () => {
    test.each([
      ['from a page of this server', OWN, 201],
      ['from a page of this server, without TLS', { origin: 'http://localhost:80' }, 201],
      ['from a page at the public address', { origin: 'https://jobs.example' }, 201],
      ['from another port of this host', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:9000' }, 403],
      ['from another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
      ['from another site, without TLS', { origin: 'http://evil.example' }, 403],
      ['from a page without an origin', { origin: 'null' }, 403],
      ['from nobody knows where', {}, 403],
      ['that was typed by hand', { 'sec-fetch-site': 'none' }, 403],
    ])('that changes something, %s: %#', async (_where, headers, status) => {
      const cookie = await signIn()
      const answer = await ask(cookie, 'POST', '/v1/collections', headers)
      expect(answer.status).toBe(status)
      if (status === 403) expect(answer.body.code).toBe('origin-foreign')
    })

    test('that only reads may be a link that somebody follows, but not part of another page', async () => {
      const cookie = await signIn()
      for (const site of ['same-origin', 'none']) {
        expect((await ask(cookie, 'GET', '/v1/me', { 'sec-fetch-site': site })).status).toBe(200)
      }
      for (const site of ['same-site', 'cross-site']) {
        expect((await ask(cookie, 'GET', '/v1/me', { 'sec-fetch-site': site })).status).toBe(403)
      }
    })

    test('and a token is the token’s', async () => {
      const cookie = await signIn()
      const viewer = await server.token('viewer')
      const answer = await server.call('GET', '/v1/me', { token: viewer, headers: { cookie } })
      expect(answer.body.role).toBe('viewer')
    })
  })
})
