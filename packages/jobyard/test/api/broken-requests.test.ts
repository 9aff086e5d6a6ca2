import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './server.ts'

const BROKEN = 'GARBAGE\r\n\r\n'

let server: TestServer
let port: number
const sockets: Socket[] = []

beforeEach(async () => {
  server = await startTestServer()
  port = Number(new URL(await server.listen()).port)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.stop()
})

/** A connection, and what has come on it so far. */
class Talk {
  readonly socket: Socket
  text = ''
  readonly closed: Promise<unknown>

  constructor(socket: Socket) {
    this.socket = socket
    sockets.push(socket)
    socket.on('data', (chunk) => {
      this.text += String(chunk)
    })
    // A connection that the server breaks off is closed, too.
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', resolve))
  }

  async heard(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await once(this.socket, 'data')
  }
}

function talk(): Talk {
  return new Talk(connect(port, '127.0.0.1'))
}

function request(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${server.admin}`, ...headers, '', ''].join('\r\n')
}

describe('what is no request', () => {
  test('does not keep the server from stopping, though its sender never closes the connection', async () => {
    const said = new Talk(new Socket({ allowHalfOpen: true }).connect(port, '127.0.0.1'))
    said.socket.write(BROKEN)
    await said.heard(/"request-broken"/)
    await server.app.close()
    expect(server.app.server.listening).toBe(false)
  })

  test('is answered when the requests before it on the connection have been', async () => {
    const said = talk()
    said.socket.write(request('GET /health/live'))
    await said.heard(/\r\n\r\n[\s\S]+/)
    said.socket.write(BROKEN)
    await said.closed
    expect(said.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  })

  test('is not answered in the midst of another answer', async () => {
    const said = talk()
    said.socket.write(request('GET /v1/events?format=events'))
    await said.heard(/text\/event-stream[\s\S]*\r\n\r\n/)
    said.socket.write(BROKEN)
    await said.closed
    expect(said.text).not.toContain('request-broken')
    expect(said.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })

  test('is not answered in the place of a request before it', async () => {
    const said = talk()
    said.socket.write(request('GET /v1/jobs') + BROKEN)
    await said.closed
    expect(said.text).not.toMatch(/^HTTP\/1\.1 400/)
  })

  test('is answered once when it is the body of a request', async () => {
    const chunked = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
    const early = talk()
    early.socket.write(request('POST /v1/jobs', ...chunked))
    early.socket.write('zz\r\n')
    await early.closed
    expect(early.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
    // One that was refused for its head has its answer already.
    const late = talk()
    late.socket.write(request('POST /v1/jobs', ...chunked).replace(/Authorization.*\r\n/, ''))
    await late.heard(/HTTP\/1\.1 \d+[\s\S]*\r\n\r\n/)
    late.socket.write('zz\r\n')
    await late.closed
    expect(late.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401'])
  })
})
