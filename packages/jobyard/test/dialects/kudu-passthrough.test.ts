import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKudu } from '../../src/dialects/kudu/index.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
import { eventually } from '../support/eventually.ts'
import { type Asked, ask } from './golden-files.ts'
import { basicOf } from './webjobs-yard.ts'

/** What the job got. */
interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** More than any buffer on the way holds. */
const LARGE = 'x'.repeat(8_000_000)

/** What the job says of its connection, and of the request. */
const HOP = { connection: 'close, x-hop', 'x-hop': 'mine', 'x-request-id': 'theirs' }

let job: Server
let yard: TestServer
let url: string
let seen: Seen[] = []
const ports = new Map<string, number>()

beforeAll(async () => {
  job = createServer(async (asked, reply) => {
    const { method, url: path, headers } = asked
    seen.push({ method, url: path, headers, body: Buffer.concat(await asked.toArray()).toString('utf8') })
    reply.writeHead(201, { 'content-type': 'text/x', 'x-own': 'yes', 'set-cookie': 'stolen=1', ...HOP })
    reply.end(path === '/large' ? LARGE : method === 'HEAD' ? undefined : `from the job: ${path}`)
  })
  await new Promise<void>((resolve) => job.listen(0, '127.0.0.1', resolve))
  yard = await startTestServer({
    dialects: [createKudu({ instance: 'here' })],
    change: (services) => ({ ...services, jobPort: (id) => ports.get(id) }),
  })
  ports.set(await yard.stack.job('pump', { type: 'continuous', enabled: false }), portOf(job))
  await yard.stack.job('idle', { type: 'continuous', enabled: false })
  url = await yard.listen()
})

afterAll(async () => {
  await yard.stop()
  await new Promise((resolve) => job.close(resolve))
})

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function call(path: string, asked: Asked = {}) {
  return ask(`${url}${path}`, { ...asked, headers: { authorization: basicOf(yard.admin), ...asked.headers } })
}

/** Sends a body whose length nobody says; the status of the answer. */
function callInPieces(path: string, method: string, pieces: readonly string[]): Promise<number | undefined> {
  const headers = { authorization: basicOf(yard.admin), 'transfer-encoding': 'chunked', connection: 'close' }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
    sent.on('error', reject)
    for (const piece of pieces) sent.write(piece)
    sent.end()
  })
}

const BASES = ['/api/continuouswebjobs', '/api/continuousjobs', '/jobs/continuous', '/api/jobs/continuous']

describe('what a continuous job serves on its port', () => {
  it('is reached by every method and spelling, with path, query and body', async () => {
    for (const base of BASES) {
      for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH']) {
        seen = []
        const withBody = !['GET', 'HEAD'].includes(method)
        const asked = { method, headers: { 'x-mine': 'kept' }, ...(withBody ? { body: 'sent' } : {}) }
        const answer = await call(`${base}/pump/passthrough/a/b%20c/passthrough/d?x=1&y`, asked)
        expect(answer.status, method).toBe(201)
        expect(answer.headers).toMatchObject({ 'content-type': 'text/x', 'x-own': 'yes' })
        const path = '/a/b%20c/passthrough/d?x=1&y'
        expect(answer.body).toBe(method === 'HEAD' ? '' : `from the job: ${path}`)
        expect(seen).toMatchObject([{ method, url: path, headers: { 'x-mine': 'kept' }, body: withBody ? 'sent' : '' }])
      }
    }
  })

  it('begins at its top', async () => {
    for (const [path, wanted] of [
      ['', '/'],
      ['/', '/'],
      ['?x=1', '/?x=1'],
      ['//x', '//x'],
    ]) {
      seen = []
      expect((await call(`/API/ContinuousWebJobs/pump/PassThrough${path}`)).status, path).toBe(201)
      expect(seen[0]?.url, path).toBe(wanted)
    }
  })

  it('comes whole, however large', async () => {
    const { body } = await call('/api/continuouswebjobs/pump/passthrough/large', { method: 'POST', body: LARGE })
    expect([body.length, seen.at(-1)?.body.length]).toEqual([LARGE.length, LARGE.length])
  })

  it('is sent a body of unknown length as such', async () => {
    for (const method of ['POST', 'DELETE']) {
      seen = []
      const answer = await callInPieces('/api/continuouswebjobs/pump/passthrough/x', method, ['one ', 'two'])
      expect(answer, method).toBe(201)
      expect(seen, method).toMatchObject([{ method, body: 'one two' }])
    }
  })

  it('learns nothing of our credentials, and cannot act in our name', async () => {
    seen = []
    const answer = await call('/api/continuouswebjobs/pump/passthrough/', { headers: { cookie: 'session=1' } })
    expect(seen[0]?.url).toBe('/')
    expect(seen[0]?.headers).not.toHaveProperty('authorization')
    expect(seen[0]?.headers).not.toHaveProperty('cookie')
    expect(seen[0]?.headers.host).toMatch(/^127\.0\.0\.1:/)
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.headers['content-security-policy']).toBe('sandbox')
  })

  it('is not found when the job is not, does not run here, or does not answer', async () => {
    for (const name of ['none', 'idle']) {
      const answer = await call(`/api/continuouswebjobs/${name}/passthrough/x`)
      expect(answer.status, name).toBe(404)
      expect(Object.keys(JSON.parse(answer.body)), name).toEqual([
        'Message',
        'ExceptionMessage',
        'ExceptionType',
        'StackTrace',
      ])
    }
  })

  it('is not for pages of other sites, which may ask for nothing in the name of who looks at them', async () => {
    seen = []
    const path = '/api/continuouswebjobs/pump/passthrough/switch-off'
    const others = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://evil.example' },
    ]
    for (const method of ['GET', 'HEAD', 'POST']) {
      for (const headers of [...others, { origin: 'null' }]) {
        expect((await call(path, { method, headers })).status, `${method} ${JSON.stringify(headers)}`).toBe(403)
      }
    }
    expect(seen).toEqual([])
    expect((await call(path, { headers: { 'sec-fetch-site': 'none' } })).status).toBe(201)
    expect((await call(path, { headers: { origin: url } })).status).toBe(201)
  })

  it('is not sent headers that were for one connection only, nor are they given back', async () => {
    seen = []
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const head = [
      'GET /api/continuouswebjobs/pump/passthrough/named HTTP/1.1',
      'Host: localhost',
      `Authorization: ${basicOf(yard.admin)}`,
      'X-Secret: 1',
      'X-Open: 2',
      'Connection: X-Secret, close',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const answer = (await socket.toArray()).join('')
    expect(seen[0]?.headers).toMatchObject({ 'x-open': '2' })
    expect(seen[0]?.headers).not.toHaveProperty('x-secret')
    expect(answer).toMatch(/^HTTP\/1.1 201/)
    expect(answer).toMatch(/x-own: yes/i)
    expect(answer).not.toMatch(/x-hop/i)
    expect(answer).not.toMatch(/theirs/)
  })

  it('is the path behind the route, however that was spelled', async () => {
    for (const path of [
      '/api/continuousweb%6Aobs/pump/passthrough/a%2Fb/c?x=/y',
      '/api/continuouswebjobs/%70ump/p%61ssthrough/a%2Fb/c?x=/y',
    ]) {
      seen = []
      expect((await call(path)).status, path).toBe(201)
      expect(seen[0]?.url, path).toBe('/a%2Fb/c?x=/y')
    }
  })

  it('gives an answer that comes before all of the body was taken', async () => {
    const refuse = createServer((_asked, reply) => {
      reply.writeHead(413, { connection: 'close' }).end('too large')
    })
    await new Promise<void>((resolve) => refuse.listen(0, '127.0.0.1', resolve))
    ports.set(await yard.stack.job('small', { type: 'continuous', enabled: false }), portOf(refuse))
    for (let time = 0; time < 20; time++) {
      const answer = await call('/api/continuouswebjobs/small/passthrough/', { method: 'POST', body: LARGE })
      expect([answer.status, answer.body]).toEqual([413, 'too large'])
    }
    await new Promise((resolve) => refuse.close(resolve))
  })

  it('hears of it when the caller goes, before an answer and while the body still comes', async () => {
    const open = new Set<object>()
    const silent = createServer(() => undefined)
    silent.on('connection', (socket) => {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => open.delete(socket))
      socket.resume()
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    ports.set(await yard.stack.job('silent', { type: 'continuous', enabled: false }), portOf(silent))
    const headers = { authorization: basicOf(yard.admin) }
    for (const method of ['GET', 'POST']) {
      const callers = Array.from({ length: 5 }, () => {
        const sent = request(`${url}/api/continuouswebjobs/silent/passthrough/`, { method, headers, agent: false })
        sent.on('error', () => undefined)
        if (method === 'POST') sent.write('begun')
        else sent.end()
        return sent
      })
      await eventually(`five ${method} are with the job`, () => open.size === 5)
      for (const caller of callers) caller.destroy()
      await eventually(`the job hears that the ${method} are given up`, () => open.size === 0)
    }
    silent.closeAllConnections()
    await new Promise((resolve) => silent.close(resolve))
  })

  it('is for operators', async () => {
    const authorization = basicOf(await yard.token('viewer'))
    expect((await call('/api/continuouswebjobs/pump/passthrough/x', { headers: { authorization } })).status).toBe(403)
    expect((await ask(`${url}/api/continuouswebjobs/pump/passthrough/x`)).status).toBe(401)
  })
})
