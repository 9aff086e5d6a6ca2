import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let ready = true

beforeAll(async () => {
  server = await startTestServer({ change: (services) => ({ ...services, isReady: () => ready }) })
})
afterAll(() => server.stop())

describe('every answer', () => {
  test('keeps browsers from doing anything with it, and has the id of its request', async () => {
    for (const path of ['/v1/me', '/v1/nothing', '/health/live', '/']) {
      const { headers } = await server.call('GET', path)
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      for (const absent of ['server', 'x-powered-by', 'access-control-allow-origin'])
        expect(headers).not.toHaveProperty(absent)
    }
    const preflight = await server.call('OPTIONS', '/v1/jobs', { headers: { origin: 'https://elsewhere.example' } })
    expect(preflight.status).toBe(405)
  })
})

describe('health', () => {
  test('tells life and readiness without a token', async () => {
    const ask = (path: string) => server.call('GET', path, { token: null })
    expect(await ask('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await ask('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } })
    ready = false
    expect(await ask('/health/ready')).toMatchObject({ status: 503, body: { status: 'starting' } })
    expect((await ask('/health/live')).status).toBe(200)
    expect((await ask('/')).text).toContain('starting')
    ready = true
  })
})

describe('the page at the root', () => {
  test('says what this is and where everything is, without a script and without a secret', async () => {
    const { status, headers, text } = await server.call('GET', '/', { token: null })
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    for (const said of ['Jobyard', '0.1.0-test', 'running', '/docs', '/v1', 'jobyard login', '/metrics'])
      expect(text).toContain(said)
    expect(text).not.toMatch(/<script|https?:\/\//)
    expect(text).not.toContain(server.folder)
    const links = [...text.matchAll(/href="(\/[^"]*)"/g)].map(([, link = '']) => link)
    for (const link of links) expect((await server.call('GET', link, { token: null })).status, link).toBe(200)
  })

  test('may use no style but its own', async () => {
    const { headers, text } = await server.call('GET', '/', { token: null })
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
  })
})

describe('the status', () => {
  test('tells how busy the server is; where its data lies only to admins', async () => {
    const { body } = await server.call('GET', '/v1/status')
    expect(body).toMatchObject({
      instance: 'here',
      version: '0.1.0-test',
      uptime: expect.stringMatching(/^\d+s$/),
      load: 0,
      concurrency: 16,
      limits: { memory: 'rlimit', processes: 'none', notes: ['Processes are not limited here.'] },
      dataFolder: server.folder,
      database: 'sqlite',
    })
    const other = await server.call('GET', '/v1/status', { token: await server.token('deployer') })
    expect(other.body).not.toHaveProperty('dataFolder')
  })
})

describe('the figures', () => {
  test('count runs by kind and by how they ended', async () => {
    await server.call('POST', '/v1/jobs', { body: { name: 'counted' } })
    server.kind.work = () => ({ state: 'failed', reason: { code: 'broken', text: 'No.' } })
    const { body } = await server.call('POST', '/v1/jobs/counted/runs')
    await server.stack.reach(body.id, 'failed')
    const figures = await eventually('they are counted', async () => {
      const { text } = await server.call('GET', '/metrics')
      return text.includes('jobyard_runs_finished_total{kind="script",state="failed"} 1') && text
    })
    for (const line of [
      'jobyard_runs_created_total{kind="script"} 1',
      'jobyard_runs_started_total{kind="script"} 1',
      'jobyard_run_duration_seconds_count{kind="script",state="failed"} 1',
      'jobyard_run_start_delay_seconds_count{kind="script"} 1',
      'jobyard_runs{kind="script",state="running"} 0',
      'jobyard_concurrency 16',
    ]) {
      expect(figures).toContain(line)
    }
    expect(figures).toMatch(/jobyard_nodejs_eventloop_lag_p99_seconds /)
    expect(figures).toMatch(/jobyard_process_resident_memory_bytes /)
    expect(figures).toContain('route="/v1/jobs/:job/runs",status="201"')
    expect(figures).not.toContain(body.id)
  })
})
