import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Network } from '../../src/outbound/addresses.ts'
import { Dialer } from '../../src/outbound/dialer.ts'
import type { Resolve } from '../../src/outbound/fence.ts'
import { hasOpenssl, listenOn, serve, serveSecurely } from './servers.ts'

function open(networks: readonly Network[] = ['loopback'], resolve?: Resolve): Dialer {
  const dialer = new Dialer({ clock: systemClock, networks, ...(resolve === undefined ? {} : { resolve }) })
  onTestFinished(() => dialer.stop())
  return dialer
}

/** Resolves every name to the same addresses. */
function names(...addresses: readonly string[]): Resolve {
  return (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
}

const refused = { code: 'destination-refused' }

describe('a call', () => {
  it('brings method, headers and body, and the whole answer back', async () => {
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { method, headers } = request
      response.writeHead(418, 'Short and stout', { 'x-kind': 'pot' })
      response.end(
        JSON.stringify({
          method,
          type: headers['content-type'],
          auth: headers.authorization,
          body: `${Buffer.concat(chunks)}`,
        }),
      )
    })
    const target = url.replace('//', '//me:p%40ss@')
    const answer = await open().call({ method: 'PUT', url: target, headers: { 'content-type': 'text/x' }, body: 'hé' })
    expect(answer).toMatchObject({ status: 418, reason: 'Short and stout', cut: false, headers: { 'x-kind': 'pot' } })
    expect(answer.url).toBe(`${url}/`)
    const auth = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    expect(JSON.parse(String(answer.body))).toEqual({ method: 'PUT', type: 'text/x', auth, body: 'hé' })
  })

  it('reads no more of an answer than it may, and goes on without the rest', async () => {
    const url = await serve((_request, response) => {
      response.write('x'.repeat(5000))
      const timer = setInterval(() => response.write('x'.repeat(50_000)), 1)
      response.on('close', () => clearInterval(timer))
    })
    const answer = await open().call({ method: 'GET', url, maxBytes: 1000 })
    expect(answer.body).toHaveLength(1000)
    expect(answer.cut).toBe(true)
  })

  it('uses a connection again, unless it is to have its own', async () => {
    const sockets = new Set<Socket>()
    const url = await serve((request, response) => {
      sockets.add(request.socket)
      response.end('ok')
    })
    const dialer = open()
    for (let i = 0; i < 3; i++) await dialer.call({ method: 'GET', url })
    expect(sockets.size).toBe(1)
    await dialer.call({ method: 'GET', url, fresh: true })
    expect(sockets.size).toBe(2)
  })

  it('ends with the signal of its caller', async () => {
    const stop = new AbortController()
    const url = await serve(() => stop.abort(new Error('enough')))
    await expect(open().call({ method: 'GET', url, signal: stop.signal })).rejects.toThrow('enough')
    await expect(open().call({ method: 'GET', url, signal: stop.signal })).rejects.toThrow('enough')
  })

  it('says why an address cannot be reached', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
      })
    })
    const call = open().call({ method: 'GET', url: `http://127.0.0.1:${port}` })
    await expect(call).rejects.toMatchObject({ code: 'destination-unreachable', message: /nothing listens there/ })
    const closing = await listenOn(createServer((socket) => void socket.resume().end()))
    await expect(open().call({ method: 'GET', url: `http://127.0.0.1:${closing}` })).rejects.toMatchObject({
      code: 'destination-unreachable',
    })
  })

  it.each(['ftp://example.com/', 'file:///etc/passwd', 'example.com', '', 'http://'])('refuses %j', async (url) => {
    await expect(open().call({ method: 'GET', url })).rejects.toMatchObject({ code: 'destination-invalid' })
  })
})

describe('the fence', () => {
  it.each([
    'http://127.0.0.1:1/',
    'http://localhost:1/',
    'http://2130706433:1/',
    'http://0x7f.1:1/',
    'http://0177.0.0.1:1/',
    'http://[::1]:1/',
    'http://[::ffff:127.0.0.1]:1/',
    'http://0.0.0.0:1/',
    'http://0:1/',
    'http://[::]:1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
  ])('lets nobody on to %s by default', async (url) => {
    await expect(open(['public', 'private']).call({ method: 'GET', url })).rejects.toMatchObject(refused)
  })

  it('never lets anybody on to metadata and link-local addresses, whatever is allowed', async () => {
    const dialer = open(['public', 'private', 'loopback'])
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', '0.0.0.0', '[::ffff:a9fe:a9fe]', '224.0.0.1']) {
      const call = dialer.call({ method: 'GET', url: `http://${host}/` })
      await expect(call, host).rejects.toMatchObject(refused)
      expect(() => dialer.check(`http://${host}/`), host).toThrow(expect.objectContaining(refused))
    }
    expect(() => dialer.check('http://some.name/')).not.toThrow()
  })

  it('asks the addresses that a name leads to, and not the name', async () => {
    const url = await serve((_request, response) => void response.end('inside'))
    const { port } = new URL(url)
    const asked = { method: 'GET', url: `http://harmless.example:${port}/` }
    await expect(open(['public'], names('127.0.0.1')).call(asked)).rejects.toMatchObject({
      ...refused,
      data: { host: 'harmless.example', network: 'loopback' },
    })
    await expect(open(['public'], names('169.254.169.254', '::1')).call(asked)).rejects.toMatchObject(refused)
    await expect(open(['public'], names()).call(asked)).rejects.toMatchObject(refused)
    // Of several only the allowed ones are tried.
    const answer = await open(['loopback'], names('10.0.0.1', '127.0.0.1')).call(asked)
    expect(String(answer.body)).toBe('inside')
  })

  it('connects to what it has checked: a name that changes in between gains nothing', async () => {
    const url = await serve((_request, response) => void response.end('inside'))
    let turn = 0
    const resolve: Resolve = (_name, _options, done) =>
      done(null, [{ address: turn++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }])
    const dialer = open(['loopback'], resolve)
    const asked = { method: 'GET', url: `http://rebound.example:${new URL(url).port}/`, fresh: true }
    expect((await dialer.call(asked)).status).toBe(200)
    expect(turn).toBe(1)
    await expect(dialer.call(asked)).rejects.toMatchObject(refused)
  })

  it('passes proxies of the environment by', async () => {
    const proxied: string[] = []
    const proxy = await serve((request, response) => {
      proxied.push(String(request.url))
      response.end()
    })
    const url = await serve((_request, response) => void response.end('direct'))
    process.env.HTTP_PROXY = proxy
    onTestFinished(() => void delete process.env.HTTP_PROXY)
    expect(String((await open().call({ method: 'GET', url })).body)).toBe('direct')
    expect(proxied).toEqual([])
  })
})

describe('redirects', () => {
  it('are answers unless they are to be followed', async () => {
    const url = await serve((_request, response) => void response.writeHead(302, { location: '/there' }).end())
    expect(await open().call({ method: 'GET', url })).toMatchObject({ status: 302, headers: { location: '/there' } })
  })

  it('are followed so many times, each under the same rules', async () => {
    const seen: string[] = []
    const url = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`)
      const left = Number(request.url?.slice(1))
      if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end()
      else response.end('end')
    })
    const dialer = open()
    const target = `${url}/2`.replace('//', '//a:b@')
    const answer = await dialer.call({ method: 'POST', url: target, body: 'x', redirects: 2 })
    expect([String(answer.body), answer.url]).toEqual(['end', `${url}/0`])
    expect(seen).toEqual(['POST /2 Basic YTpi', 'GET /1 Basic YTpi', 'GET /0 Basic YTpi'])
    expect((await dialer.call({ method: 'GET', url: `${url}/2`, redirects: 1 })).status).toBe(302)
    const inward = await serve(
      (_request, response) => void response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
    )
    await expect(dialer.call({ method: 'GET', url: inward, redirects: 5 })).rejects.toMatchObject(refused)
  })

  it('keep the body where they must, and tell no other host what was meant for one', async () => {
    const got: unknown[] = []
    const other = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      got.push(request.method, body, request.headers.authorization, request.headers['x-mine'])
      response.end()
    })
    const url = await serve((_request, response) => void response.writeHead(308, { location: other }).end())
    const headers = { authorization: 'Bearer secret', 'x-mine': '1' }
    await open().call({ method: 'POST', url, headers, body: 'kept', redirects: 1 })
    expect(got).toEqual(['POST', 'kept', undefined, '1'])
  })
})

describe('time limits', () => {
  it('end a call whose answer does not begin', async () => {
    const url = await serve(() => undefined)
    const call = open().call({ method: 'GET', url, headersMs: 50 })
    await expect(call).rejects.toMatchObject({ code: 'destination-slow', message: /No answer began within 50 ms/ })
  })

  it('end a call that never comes to its end', async () => {
    const url = await serve((_request, response) => {
      const timer = setInterval(() => response.write('.'), 5)
      response.on('close', () => clearInterval(timer))
    })
    const call = open().call({ method: 'GET', url, wholeMs: 100 })
    await expect(call).rejects.toMatchObject({ code: 'destination-slow', message: /longer than 100 ms/ })
  })

  it.skipIf(!hasOpenssl)('end a call whose connection does not come about', async () => {
    // It takes the connection and says nothing of TLS.
    const silent = createServer()
    const port = await listenOn(silent)
    const taken = once(silent, 'connection')
    const call = open().call({ method: 'GET', url: `https://127.0.0.1:${port}/`, connectMs: 100 })
    await expect(call).rejects.toMatchObject({ code: 'destination-slow', message: /No connection came about/ })
    const [socket] = (await taken) as [Socket]
    socket.destroy()
  })
})

describe.skipIf(!hasOpenssl)('certificates', () => {
  it('are looked at, but for the very call that says otherwise', async () => {
    const url = await serveSecurely((_request, response) => void response.end('sealed'))
    const dialer = open()
    const call = () => dialer.call({ method: 'GET', url })
    await expect(call()).rejects.toMatchObject({ code: 'destination-unreachable', message: /signed by itself/ })
    expect(String((await dialer.call({ method: 'GET', url, insecure: true })).body)).toBe('sealed')
    // The connection that was made without a look is not used for others.
    await expect(call()).rejects.toMatchObject({ code: 'destination-unreachable' })
  })

  it('keep redirects from leading out of HTTPS', async () => {
    const open2 = await serve((_request, response) => void response.end('bare'))
    const url = await serveSecurely((_request, response) => void response.writeHead(302, { location: open2 }).end())
    const call = open().call({ method: 'GET', url, insecure: true, redirects: 1 })
    await expect(call).rejects.toMatchObject(refused)
  })
})
