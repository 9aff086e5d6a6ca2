import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { hashToken } from '../../src/services/auth/token.ts'
import type { ApiSettings } from '../../src/services/services.ts'
import { eventually } from '../support/eventually.ts'
import { type Live, openLive } from './live.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let url: string
const lives: Live[] = []

async function start(settings: Partial<ApiSettings>): Promise<void> {
  server = await startTestServer({ settings: { heartbeatMs: 100, ...settings } })
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

describe('a live stream ends', () => {
  test('when its token is revoked', async () => {
    await start({})
    const token = await server.token('viewer')
    const live = await open(token)
    const row = await server.stack.store.read('findToken', { hash: hashToken(token) })
    expect((await server.call('DELETE', `/v1/tokens/${row?.id}`)).status).toBe(204)
    expect(await live.nextOrEnd()).toBeUndefined()
    expect((await server.call('GET', '/v1/me', { token })).status).toBe(401)
  })

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
