import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ onLog: (l) => process.env.LOG && console.log(l) })
})
afterAll(() => server.stop())

test('smoke', async () => {
  console.log(await server.call('GET', '/v1/me'))
  const j = await server.call('POST', '/v1/jobs', {
    body: { name: 'a', triggers: [{ type: 'webhook' }, { type: 'schedule', ncrontab: '0 0 2 * * *' }] },
  })
  console.log(j.status, JSON.stringify(j.body, null, 1))
  const r = await server.call('POST', '/v1/jobs/a/runs', { body: { args: 'a "b c"' } })
  console.log(r.status, r.text, r.headers)
  for (const p of [
    '/v1/status',
    '/v1/collections',
    '/v1/jobs',
    '/v1/runs',
    `/v1/runs/${r.body.id}/tasks`,
    `/v1/runs/${r.body.id}/output`,
    '/v1/jobs/a/webhook',
    '/v1/jobs/a/next',
    '/v1/tokens',
    '/v1/audit',
    '/metrics',
    '/',
    '/docs',
    '/v1/nix',
  ]) {
    const x = await server.call('GET', p)
    console.log(p, x.status, x.text.slice(0, 300))
  }
})
