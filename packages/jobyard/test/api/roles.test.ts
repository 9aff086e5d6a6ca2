import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES, type Role } from '../../src/store/procedures/tokens.ts'
import { startTestServer, type TestServer } from './server.ts'

const JOB = '/v1/jobs/probe'
const RUN = '/v1/runs/00000000-0000-7000-8000-000000000000'
const TASK = '/v1/tasks/00000000-0000-7000-8000-000000000000'
const PACKAGE = `/v1/packages/${'0'.repeat(64)}`

/**
 * Who may use which route, by an address that fits it. Every route that there is must be in here. What a route then
 * answers to whoever may use it is not the point: anything but 401 and 403.
 */
const TABLE: readonly (readonly [route: string, address: string, access: Role | 'open'])[] = [
  ['GET /', '/', 'open'],
  ['HEAD /', '/', 'open'],
  ['GET /health/live', '/health/live', 'open'],
  ['HEAD /health/live', '/health/live', 'open'],
  ['GET /health/ready', '/health/ready', 'open'],
  ['HEAD /health/ready', '/health/ready', 'open'],
  ['GET /v1/openapi.json', '/v1/openapi.json', 'open'],
  ['GET /docs', '/docs', 'open'],
  ['GET /docs/json', '/docs/json', 'open'],
  ['GET /docs/yaml', '/docs/yaml', 'open'],
  ['GET /docs/static/index.html', '/docs/static/index.html', 'open'],
  ['GET /docs/static/swagger-initializer.js', '/docs/static/swagger-initializer.js', 'open'],
  ['GET /docs/static/*', '/docs/static/swagger-ui.css', 'open'],
  ['HEAD /docs/static/*', '/docs/static/swagger-ui.css', 'open'],
  ['POST /hooks/:jobId', '/hooks/00000000-0000-7000-8000-000000000000', 'open'],
  ['GET /metrics', '/metrics', 'viewer'],
  ['GET /v1/me', '/v1/me', 'viewer'],
  ['POST /v1/session', '/v1/session', 'viewer'],
  ['DELETE /v1/session', '/v1/session', 'viewer'],
  ['GET /v1/status', '/v1/status', 'viewer'],
  ['GET /v1/collections', '/v1/collections', 'viewer'],
  ['GET /v1/collections/:collection', '/v1/collections/default', 'viewer'],
  ['GET /v1/collections/:collection/folder', '/v1/collections/default/folder', 'viewer'],
  ['POST /v1/collections', '/v1/collections', 'admin'],
  ['DELETE /v1/collections/:collection', '/v1/collections/none', 'admin'],
  ['POST /v1/packages', '/v1/packages', 'deployer'],
  ['GET /v1/packages/:hash', PACKAGE, 'viewer'],
  ['GET /v1/packages/:hash/files', `${PACKAGE}/files`, 'viewer'],
  ['GET /v1/packages/:hash/files/*', `${PACKAGE}/files/run.sh`, 'deployer'],
  ['GET /v1/jobs', '/v1/jobs', 'viewer'],
  ['POST /v1/jobs', '/v1/jobs', 'deployer'],
  ['PUT /v1/jobs', '/v1/jobs', 'deployer'],
  ['GET /v1/jobs/:job', JOB, 'viewer'],
  ['PATCH /v1/jobs/:job', JOB, 'deployer'],
  ['DELETE /v1/jobs/:job', JOB, 'deployer'],
  ['POST /v1/jobs/:job/start', `${JOB}/start`, 'operator'],
  ['POST /v1/jobs/:job/stop', `${JOB}/stop`, 'operator'],
  ['POST /v1/jobs/:job/rollback', `${JOB}/rollback`, 'deployer'],
  ['GET /v1/jobs/:job/packages', `${JOB}/packages`, 'viewer'],
  ['GET /v1/jobs/:job/occurrences', `${JOB}/occurrences`, 'viewer'],
  ['GET /v1/jobs/:job/next', `${JOB}/next`, 'viewer'],
  ['GET /v1/jobs/:job/runs', `${JOB}/runs`, 'viewer'],
  ['POST /v1/jobs/:job/runs', `${JOB}/runs`, 'operator'],
  ['GET /v1/jobs/:job/webhook', `${JOB}/webhook`, 'deployer'],
  ['PUT /v1/jobs/:job/webhook', `${JOB}/webhook`, 'deployer'],
  ['POST /v1/jobs/:job/webhook/renew', `${JOB}/webhook/renew`, 'deployer'],
  ['DELETE /v1/jobs/:job/webhook', `${JOB}/webhook`, 'deployer'],
  ['GET /v1/hooks', '/v1/hooks', 'deployer'],
  ['POST /v1/hooks', '/v1/hooks', 'deployer'],
  ['GET /v1/hooks/:hook', '/v1/hooks/00000000-0000-7000-8000-000000000000', 'deployer'],
  ['DELETE /v1/hooks/:hook', '/v1/hooks/00000000-0000-7000-8000-000000000000', 'deployer'],
  ['POST /v1/hooks/:hook/test', '/v1/hooks/00000000-0000-7000-8000-000000000000/test', 'deployer'],
  ['GET /v1/runs', '/v1/runs', 'viewer'],
  ['GET /v1/runs/:run', RUN, 'viewer'],
  ['POST /v1/runs/:run/stop', `${RUN}/stop`, 'operator'],
  ['POST /v1/runs/:run/suspend', `${RUN}/suspend`, 'operator'],
  ['POST /v1/runs/:run/resume', `${RUN}/resume`, 'operator'],
  ['POST /v1/runs/:run/rerun', `${RUN}/rerun`, 'operator'],
  ['GET /v1/runs/:run/tasks', `${RUN}/tasks`, 'viewer'],
  ['GET /v1/runs/:run/output', `${RUN}/output`, 'viewer'],
  ['GET /v1/tasks/:task', TASK, 'viewer'],
  ['GET /v1/tasks/:task/output', `${TASK}/output`, 'viewer'],
  ['POST /v1/schedules/preview', '/v1/schedules/preview', 'viewer'],
  ['GET /v1/settings', '/v1/settings', 'viewer'],
  ['PUT /v1/settings', '/v1/settings', 'deployer'],
  ['PATCH /v1/settings', '/v1/settings', 'deployer'],
  ['DELETE /v1/settings/:name', '/v1/settings/none', 'deployer'],
  ['GET /v1/jobs/:job/data', '/v1/jobs/none/data', 'viewer'],
  ['GET /v1/jobs/:job/data/*', '/v1/jobs/none/data/file', 'viewer'],
  ['PUT /v1/jobs/:job/data/*', '/v1/jobs/none/data/file', 'deployer'],
  ['DELETE /v1/jobs/:job/data/*', '/v1/jobs/none/data/file', 'deployer'],
  ['GET /v1/tokens', '/v1/tokens', 'admin'],
  ['POST /v1/tokens', '/v1/tokens', 'admin'],
  ['DELETE /v1/tokens/:id', '/v1/tokens/00000000-0000-7000-8000-000000000000', 'admin'],
  ['GET /v1/audit', '/v1/audit', 'admin'],
  // A live stream: asked for a job that is not there, so that it ends.
  ['GET /v1/events', '/v1/events?job=none', 'viewer'],
]

let server: TestServer
const tokens = new Map<Role, string>()

beforeAll(async () => {
  server = await startTestServer()
  for (const role of ROLES) tokens.set(role, await server.token(role))
})
afterAll(() => server.stop())

test('every route that there is stands in the table with its role, and no other', () => {
  const declared = [...server.app.routeAccess].map(([route, access]) => `${route}: ${access}`)
  expect(new Set(declared)).toEqual(new Set(TABLE.map(([route, , access]) => `${route}: ${access}`)))
})

describe.each(TABLE)('%s', (route, address, access) => {
  const method = route.split(' ', 1)[0] ?? ''
  const ask = (token: string | null) => server.call(method, address, { token })

  if (access === 'open') {
    test('is open', async () => {
      const { status, body } = await ask(null)
      expect([200, 202, 302, 404]).toContain(status)
      if (status === 404) expect(body.code).toBe('webhook-unknown')
    })
    return
  }

  test('wants a token', async () => {
    expect((await ask(null)).status).toBe(401)
  })

  for (const role of ROLES) {
    const may = ROLES.indexOf(role) <= ROLES.indexOf(access)
    test(`${may ? 'lets' : 'does not let'} a token of the role ${role} pass`, async () => {
      const { status, body } = await ask(tokens.get(role) ?? '')
      if (may) {
        expect([401, 403]).not.toContain(status)
        expect(status).toBeLessThan(500)
      } else {
        expect(body).toMatchObject({ status: 403, code: 'role-insufficient', data: { needed: access, role } })
        expect(body.detail).toContain(`the role ${access}`)
      }
    })
  }
})
