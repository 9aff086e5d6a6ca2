import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Jobyard, JobyardProblem } from '@jobyard/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { collect, deployScript } from './scripts.ts'
import { layWire, type Wire } from './wire.ts'

let server: LiveServer
const wires: Wire[] = []

beforeAll(async () => {
  server = await startLiveServer()
})
afterEach(async () => {
  for (const wire of wires.splice(0)) await wire.close()
})
afterAll(async () => {
  await server.stop()
})

async function wired(): Promise<{ wire: Wire; client: Jobyard }> {
  const wire = await layWire(server.url)
  wires.push(wire)
  return { wire, client: new Jobyard({ url: wire.url, token: server.token, random: () => 0 }) }
}

async function problem(work: Promise<unknown>): Promise<JobyardProblem> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof JobyardProblem) return error
  throw new Error(`No problem came, but ${String(error)}.`)
}

describe('a client', () => {
  test('knows who it is and what the server is', async () => {
    expect(await server.client.me()).toMatchObject({ name: expect.any(String), role: 'admin', collection: null })
    expect(await server.client.status()).toMatchObject({ database: 'sqlite', instance: 'test' })
  })

  test('gets a refusal as a problem with all that the server says of it', async () => {
    const error = await problem(server.client.schedules.preview({ ncrontab: '0 0 25 * * *' }))
    expect(error).toMatchObject({
      code: 'schedule-invalid',
      status: 400,
      field: expect.stringContaining('ncrontab'),
      position: 4,
      hint: expect.stringContaining('hour'),
      requestId: expect.any(String),
    })
    expect(error.message).toBe(error.detail)
    expect(error.unreachable).toBe(false)
  })

  test('a wrong token is a problem, and is not tried again', async () => {
    const { wire } = await wired()
    const error = await problem(new Jobyard({ url: wire.url, token: 'wrong' }).me())
    expect(error).toMatchObject({ code: 'token-invalid', status: 401 })
    expect(wire.connections).toBe(1)
  })

  test('lists all pages, one after the other, as far as somebody looks', async () => {
    for (const name of ['one', 'two', 'three', 'four', 'five']) await deployScript(server.client, name, 'true')
    const listing = server.client.jobs.list({}, { pageSize: 2 })
    const names = (await collect(listing)).map((job) => job.name)
    expect(names).toEqual(['five', 'four', 'one', 'three', 'two'])
    expect((await collect(listing.pages())).map((page) => page.items.length)).toEqual([2, 2, 1])
    expect((await listing.take(3)).map((job) => job.name)).toEqual(['five', 'four', 'one'])
    expect(await listing.take(0)).toEqual([])
  })

  test('encodes names in addresses, so that they lead nowhere else', async () => {
    expect(await problem(server.client.jobs.get('../status'))).toMatchObject({ status: 404 })
    expect(await problem(server.client.jobs.get('a/b?c#d'))).toMatchObject({ status: 404 })
  })

  test('keeps a path before /v1 and takes no credentials in the address', () => {
    expect(() => new Jobyard({ url: 'http://user:secret@127.0.0.1' })).toThrow(/user or a password/)
    expect(() => new Jobyard({ url: 'ftp://127.0.0.1' })).toThrow(/http:/)
  })
})

describe('when the connection fails', () => {
  test('reading is tried again', async () => {
    const { wire, client } = await wired()
    wire.refuse(2)
    expect((await client.me()).role).toBe('admin')
    expect(wire.connections).toBe(3)
  })

  test('it is given up after a few attempts, with a problem that says where', async () => {
    const { wire, client } = await wired()
    wire.refuse(10)
    const error = await problem(client.me())
    expect(error).toMatchObject({ code: 'server-unreachable', status: 0, unreachable: true })
    expect(error.message).toContain(wire.url)
    expect(wire.connections).toBe(3)
  })

  test('writing is tried again under one key, so that it is done once', async () => {
    const job = await deployScript(server.client, 'once', 'true', { policy: { overlap: 'allow' } })
    const { wire, client } = await wired()
    // The answer is lost, not the request: the run exists, and the client cannot know.
    const seen: string[] = []
    let lost = 0
    const losing: typeof fetch = async (input, init) => {
      seen.push(new Headers(init?.headers).get('idempotency-key') ?? '')
      const answer = await fetch(input, init)
      if (lost++ > 0) return answer
      await answer.body?.cancel()
      throw new TypeError('fetch failed', { cause: new Error('the answer is lost') })
    }
    const cut = new Jobyard({ url: wire.url, token: server.token, fetch: losing, random: () => 0 })
    const run = await cut.runs.create(job.id)
    expect(seen).toHaveLength(2)
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(await client.runs.list({ job: job.id }).take()).toMatchObject([{ id: run.id, number: 1 }])
  })

  test('no two writes share a key', async () => {
    const keys: string[] = []
    const noting: typeof fetch = (input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key') ?? '-')
      return fetch(input, init)
    }
    const client = new Jobyard({ url: server.url, token: server.token, fetch: noting })
    await client.collections.create('first')
    await client.collections.create('second')
    await client.collections.list().take()
    expect(new Set(keys.slice(0, 2)).size).toBe(2)
    expect(keys[2]).toBe('-')
  })

  test('a server that says nothing is given up after the time limit', async () => {
    const { wire } = await wired()
    wire.hold()
    const client = new Jobyard({ url: wire.url, token: server.token, timeoutMs: 100 })
    expect(await problem(client.me())).toMatchObject({ code: 'server-timeout', unreachable: true })
    expect(wire.connections).toBe(1)
  })

  test('a caller that gives up gets the reason it gave', async () => {
    const { wire } = await wired()
    wire.hold()
    const client = new Jobyard({ url: wire.url, token: server.token })
    const controller = new AbortController()
    const asked = client.runs.get('00000000-0000-7000-8000-000000000000', controller.signal)
    controller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })

  test('a server that is not there is said to be so', async () => {
    const { wire } = await wired()
    await wire.close()
    wires.length = 0
    const error = await problem(new Jobyard({ url: wire.url, retries: 0 }).me())
    expect(error).toMatchObject({ code: 'server-unreachable' })
    expect(error.message).toMatch(/ECONNREFUSED/)
  })
})

describe('another web server at the address', () => {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void

  async function ask(handler: Handler): Promise<{ error: JobyardProblem; requests: number }> {
    let requests = 0
    const other = createServer((request, response) => {
      requests++
      handler(request, response)
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const client = new Jobyard({ url: `http://127.0.0.1:${port}`, random: () => 0 })
    try {
      return { error: await problem(client.me()), requests }
    } finally {
      other.closeAllConnections()
      other.close()
      await once(other, 'close')
    }
  }

  test('that answers with a page is no Jobyard', async () => {
    const { error } = await ask((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>')
    })
    expect(error).toMatchObject({ code: 'answer-unexpected', status: 200 })
    expect(error.message).toContain('text/html')
  })

  test('that knows no such page is no Jobyard, either', async () => {
    const { error } = await ask((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>')
    })
    expect(error).toMatchObject({ code: 'answer-unexpected', status: 404 })
  })

  test('a proxy whose server is away is asked again', async () => {
    const { error, requests } = await ask((_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('Bad gateway')
    })
    expect(error).toMatchObject({ code: 'answer-unexpected', status: 502 })
    expect(requests).toBe(3)
  })
})
