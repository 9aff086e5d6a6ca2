import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashToken } from '../../src/services/auth/token.ts'
import type { ApiSettings } from '../../src/services/services.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACTOR, DATABASES, makePlace, type Place } from '../support/stack.ts'
import { Held } from '../support/test-kind.ts'
import { type Live, openLive } from './live.ts'
import { type ServerOptions, startTestServer, type TestServer } from './server.ts'

let server: TestServer
let url: string
const lives: Live[] = []

async function start(settings: Partial<ApiSettings>, options: ServerOptions = {}): Promise<void> {
  server = await startTestServer({ settings: { heartbeatMs: 100, ...settings }, ...options })
  url = await server.listen()
}

afterEach(async () => {
  for (const live of lives.splice(0)) await live.close()
  await server.stop()
})

async function open(token = server.admin): Promise<Live> {
  const live = await openLive(`${url}/v1/events`, token)
  lives.push(live)
  return live
}

async function refused(token = server.admin) {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
  const answer = await fetch(`${url}/v1/events`, { headers })
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() }
}

describe('live streams are bounded', () => {
  test('for a token, until it closes one', async () => {
    await start({ liveStreamsPerToken: 2 })
    const first = await open()
    await open()
    expect(await refused()).toMatchObject({
      status: 429,
      retryAfter: '30',
      body: { code: 'live-token-full', data: { limit: 2 }, hint: expect.stringContaining('JOBYARD_LIVE_TOKEN_LIMIT') },
    })
    expect((await open(await server.token('viewer'))).response.statusCode).toBe(200)
    // What is no live stream is not counted.
    expect((await server.call('GET', '/v1/events')).status).toBe(200)
    await first.close()
    await eventually('there is room again', async () => (await open()).response.statusCode === 200)
  })

  test('for everybody together', async () => {
    await start({ liveStreams: 2 })
    await open()
    const second = await open(await server.token('viewer'))
    expect(await refused(await server.token('viewer'))).toMatchObject({
      status: 503,
      retryAfter: '30',
      body: { code: 'live-full', data: { limit: 2 }, hint: expect.stringContaining('JOBYARD_LIVE_LIMIT') },
    })
    await second.close()
    await eventually('there is room again', async () => (await open()).response.statusCode === 200)
  })
})

async function idOf(token: string): Promise<string> {
  return (await server.stack.store.read('findToken', { hash: hashToken(token) }))?.id ?? ''
}

/** A live stream of a browser that was signed in with a token. */
async function openInBrowser(token: string): Promise<{ live: Live; cookie: string }> {
  const { headers } = await server.call('POST', '/v1/session', {
    token,
    body: {},
    headers: { host: new URL(url).host },
  })
  const cookie = String(headers['set-cookie']).split(';')[0] ?? ''
  const live = await openLive(`${url}/v1/events`, null, { cookie, 'sec-fetch-site': 'same-origin' })
  lives.push(live)
  expect(live.response.statusCode).toBe(200)
  return { live, cookie }
}

// The clock stands still: whatever ends does so without waiting for any time to pass.
describe('a live stream ends at once', () => {
  beforeEach(() => start({}, { clock: new ManualClock('2026-11-21T10:00:00Z') }))

  test('when its token is revoked, and those of other tokens go on', async () => {
    const token = await server.token('viewer')
    const [live, other] = [await open(token), await open()]
    expect((await server.call('DELETE', `/v1/tokens/${await idOf(token)}`)).status).toBe(204)
    expect(await live.nextOrEnd()).toBeUndefined()
    expect((await server.call('GET', '/v1/me', { token })).status).toBe(401)
    server.stack.parts.events.emit({ type: 'job.saved', jobId: '00000000-0000-7000-8000-000000000000', name: 'after' })
    expect((await other.next()).data).toMatchObject({ name: 'after' })
  })

  test('when it shows the output of a run', async () => {
    const token = await server.token('viewer')
    server.kind.work = new Held().work
    const runId = await server.stack.run(await server.stack.job('job'))
    const live = await openLive(`${url}/v1/runs/${runId}/output`, token)
    lives.push(live)
    await server.call('DELETE', `/v1/tokens/${await idOf(token)}`)
    await eventually('it has ended', async () => (await live.nextOrEnd()) === undefined)
  })

  test("in a browser, when the session's token is revoked", async () => {
    const token = await server.token('viewer')
    const { live } = await openInBrowser(token)
    await server.call('DELETE', `/v1/tokens/${await idOf(token)}`)
    expect(await live.nextOrEnd()).toBeUndefined()
  })

  test('in a browser, when it is signed out', async () => {
    const { live, cookie } = await openInBrowser(await server.token('viewer'))
    const headers = { cookie, host: new URL(url).host, 'sec-fetch-site': 'same-origin' }
    expect((await server.call('DELETE', '/v1/session', { token: null, headers })).status).toBe(204)
    expect(await live.nextOrEnd()).toBeUndefined()
  })
})

describe.each(DATABASES)('with several instances on %s, a live stream ends', (database) => {
  let place: Place
  beforeEach(async () => {
    place = await makePlace(database)
    await start({ heartbeatMs: 60_000 }, { place })
  })
  afterEach(() => place.drop())

  test('within a few seconds when another instance revokes its token', { timeout: 8000 }, async () => {
    const token = await server.token('viewer')
    const live = await open(token)
    await server.stack.store.write('revokeToken', { id: await idOf(token), actor: ACTOR, at: Date.now() })
    expect(await live.nextOrEnd()).toBeUndefined()
  })
})

describe('a live stream ends', () => {
  test('when its token expires', async () => {
    await start({})
    const { clock } = server.stack.parts
    const live = await open(await server.token('viewer', null, clock.now() + 500))
    expect(await live.nextOrEnd()).toBeUndefined()
  })

  test('when its reader takes nothing any longer: what waits for it is bounded, and the connection is cut', async () => {
    await start({ quietMs: 400 })
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const closed = closing(socket)
    socket.write(
      `GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${server.admin}\r\n\r\n`,
    )
    await once(socket, 'readable')
    // Never read again: the kernel's buffers fill, then the server's.
    const before = process.memoryUsage().arrayBuffers
    const name = 'x'.repeat(64 * 1024)
    const jobId = '00000000-0000-7000-8000-000000000000'
    let sent = 0
    await eventually('the server lets it go', async () => {
      for (let i = 0; i < 50 && sent < 3000; i++, sent++) {
        server.stack.parts.events.emit({ type: 'job.saved', jobId, name })
      }
      await new Promise<void>((resolve) => setImmediate(resolve))
      return connectionsOf() === 0
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
    socket.destroy()
    await closed
  })
})

/** Sockets that the server has open. */
let connections = 0
function connectionsOf(): number {
  server.app.server.getConnections((_error, count) => {
    connections = count
  })
  return connections
}

async function closing(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  await once(socket, 'close')
}
