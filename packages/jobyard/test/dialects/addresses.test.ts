import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

const SITE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/default'

let yard: WebJobsYard
let bearer: Readonly<Record<string, string>>

beforeAll(async () => {
  yard = await openWebJobsYard()
  bearer = { authorization: `Bearer ${yard.server.token}` }
  await yard.script('triggered', 'report', 'exit 0\n')
})
afterAll(() => yard.server.stop())

const KUDU = [
  '/api/triggeredwebjobs/report',
  '/jobs',
  '/api/jobs/continuous/pump',
  '/vfs/data/',
  '/API/Zip/x',
  '/settings',
  '/hooks',
  '/api',
]
const ODD_METHODS = ['TRACE', 'PROPFIND', 'MKCOL', 'QUERY', 'OPTIONS']

describe('what is not there below an address of WebJobs', () => {
  test.each(KUDU.flatMap((path) => ODD_METHODS.map((method) => [method, path] as const)))(
    'is told as Kudu does: %s %s',
    async (method, path) => {
      const { status, headers, body } = await yard.call(path, { method })
      expect([status, headers['content-type']]).toEqual([404, 'application/json; charset=utf-8'])
      expect(JSON.parse(body)).toBe(`No route registered for '${path}'`)
    },
  )

  test.each(ODD_METHODS)('is told as Resource Manager does: %s', async (method) => {
    for (const path of [`${SITE}/webjobs`, `${SITE}/nothing`, '/Subscriptions']) {
      const { status, headers, body } = await yard.call(path, { method, headers: bearer })
      expect([status, headers['content-type']], path).toEqual([404, 'application/json; charset=utf-8'])
      expect(JSON.parse(body).error.code, path).toBe('ResourceNotFound')
    }
  })

  test.each(['TRACE', 'GET', 'PATCH', 'PROPFIND'])('is told to nobody who is not known: %s', async (method) => {
    const kudu = await yard.call('/api/nothing', { method, headers: { authorization: '' } })
    expect([kudu.status, kudu.headers['www-authenticate']]).toEqual([401, 'Basic realm="site"'])
    const arm = await yard.call(`${SITE}/nothing`, { method, headers: { authorization: '' } })
    expect([arm.status, arm.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    if (method !== 'HEAD') expect(JSON.parse(arm.body).error.code).toBe('AuthenticationFailed')
  })

  test('is told whatever body came along', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'one' }
    const { status, body } = await yard.call('/api/nothing', { method: 'POST', headers, body: '{"broken' })
    expect([status, body]).toEqual([404, '"No route registered for \'/api/nothing\'"'])
  })

  test('is told at all other addresses as it was', async () => {
    for (const path of ['/v1/nothing', '/hooks/x/y', '/apis']) {
      const { status, headers } = await yard.call(path, { method: 'TRACE', headers: bearer })
      expect([status, headers['content-type']], path).toEqual([404, 'application/problem+json; charset=utf-8'])
    }
  })
})

describe('an address that cannot be decoded', () => {
  test.each(['GET', 'PUT', 'DELETE', 'POST', 'TRACE'])('is refused in the words of whose it is: %s', async (method) => {
    for (const path of ['/api/triggeredwebjobs/%zz', '/vfs/data/%zz/', '/jobs/continuous/%', '/API/zip/%e4']) {
      const { status, headers, body } = await yard.call(path, { method })
      expect([status, headers['content-type']], path).toEqual([400, 'text/plain; charset=utf-8'])
      expect(body, path).toMatch(/^The address /)
    }
    const { status, headers, body } = await yard.call(`${SITE}/webjobs/%zz`, { method, headers: bearer })
    expect([status, headers['content-type']]).toEqual([400, 'application/json; charset=utf-8'])
    expect(JSON.parse(body).error).toMatchObject({ code: 'BadRequest' })
    const ours = await yard.call('/v1/jobs/%zz', { method, headers: bearer })
    expect([ours.status, ours.headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8'])
  })

  test('is refused in the same way when a name in it is too long for any job', async () => {
    const { status, headers } = await yard.call(`/api/triggeredwebjobs/${'x'.repeat(500)}`)
    expect([status, headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8'])
  })
})
