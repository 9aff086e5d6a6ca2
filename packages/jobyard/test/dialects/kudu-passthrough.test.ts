import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKudu } from '../../src/dialects/kudu/index.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
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

let job: Server
let yard: TestServer
let url: string
let seen: Seen[] = []

beforeAll(async () => {
  job = createServer(async (asked, reply) => {
    const { method, url: path, headers } = asked
    seen.push({ method, url: path, headers, body: Buffer.concat(await asked.toArray()).toString('utf8') })
    reply.writeHead(201, { 'content-type': 'text/x', 'x-own': 'yes', 'set-cookie': 'stolen=1', connection: 'close' })
    reply.end(path === '/large' ? LARGE : method === 'HEAD' ? undefined : `from the job: ${path}`)
  })
  await new Promise<void>((resolve) => job.listen(0, '127.0.0.1', resolve))
  const { port } = job.address() as AddressInfo
  const ports = new Map<string, number>()
  yard = await startTestServer({
    dialects: [createKudu({ instance: 'here' })],
    change: (services) => ({ ...services, jobPort: (id) => ports.get(id) }),
  })
  ports.set(await yard.stack.job('pump', { type: 'continuous', enabled: false }), port)
  await yard.stack.job('idle', { type: 'continuous', enabled: false })
  url = await yard.listen()
})

afterAll(async () => {
  await yard.stop()
  await new Promise((resolve) => job.close(resolve))
})

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

  it('is for operators', async () => {
    const authorization = basicOf(await yard.token('viewer'))
    expect((await call('/api/continuouswebjobs/pump/passthrough/x', { headers: { authorization } })).status).toBe(403)
    expect((await ask(`${url}/api/continuouswebjobs/pump/passthrough/x`)).status).toBe(401)
  })
})
