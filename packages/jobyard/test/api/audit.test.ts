import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASES, makePlace, type Place } from '../support/stack.ts'
import { startTestServer, type TestServer } from './server.ts'

const SECRET = 'hunter-22'

describe.each(DATABASES)('on %s the audit log', (database) => {
  let place: Place
  let server: TestServer

  beforeEach(async () => {
    place = await makePlace(database)
    server = await startTestServer({ place })
  })
  afterEach(async () => {
    await server.stop()
    await place.drop()
  })

  const entries = async (target?: string) =>
    (await server.call('GET', `/v1/audit${target === undefined ? '' : `?target=${target}`}`)).body.items

  test('has who started a run and who started it again, without what they sent', async () => {
    await server.call('POST', '/v1/jobs', { body: { name: 'report', policy: { overlap: 'allow' } } })
    const token = await server.token('operator')
    const me = (await server.call('GET', '/v1/me', { token })).body.name
    const sent = { args: [SECRET], payload: { text: SECRET } }
    const headers = { 'idempotency-key': 'once' }
    const { body: first } = await server.call('POST', '/v1/jobs/report/runs', { token, body: sent, headers })
    await server.call('POST', '/v1/jobs/report/runs', { token, body: sent, headers })
    const { body: second } = await server.call('POST', `/v1/runs/${first.id}/rerun`, { token })
    const who = { actor: me, role: 'operator', address: '127.0.0.1', targetType: 'run', collection: 'default' }
    expect(await entries(first.id)).toMatchObject([
      { ...who, action: 'run.start', targetName: 'report #1', detail: {} },
    ])
    expect(await entries(second.id)).toMatchObject([
      { ...who, action: 'run.rerun', targetName: 'report #2', detail: { run: first.id, number: 1 } },
    ])
    expect(JSON.stringify(await entries())).not.toContain(SECRET)
  })

  test('has nothing of runs that nobody started by hand, or that were refused', async () => {
    expect((await server.call('POST', '/v1/jobs/none/runs')).status).toBe(404)
    const triggers = [{ type: 'webhook' }]
    const { body: job } = await server.call('POST', '/v1/jobs', { body: { name: 'hooked', triggers } })
    const { body: hook } = await server.call('GET', '/v1/jobs/hooked/webhook')
    const headers = { authorization: `Bearer ${hook.password}` }
    expect((await server.call('POST', `/hooks/${job.id}`, { token: null, headers })).status).toBe(202)
    expect((await entries()).map(({ action }: { action: string }) => action)).not.toContain('run.start')
  })

  test('has what was changed of a job: rules and triggers as they were and are, of its variables only the names', async () => {
    const body = { name: 'report', spec: { targets: [SECRET] }, policy: { timeout: '5m' } }
    const { body: job } = await server.call('POST', '/v1/jobs', { body })
    await server.call('PATCH', '/v1/jobs/report', {
      body: {
        spec: { targets: [`${SECRET}-other`] },
        policy: { timeout: '10m', overlap: 'queue', output: '8MB' },
        triggers: [{ type: 'schedule', ncrontab: '0 30 2 * * *' }],
      },
    })
    await server.call('POST', '/v1/jobs/report/stop')
    const items = await entries(job.id)
    expect(items[0]).toMatchObject({ action: 'job.stop', detail: { changed: { enabled: { from: true, to: false } } } })
    expect(items.at(-1).detail).not.toHaveProperty('changed')
    const update = items.find(({ action }: { action: string }) => action === 'job.update')
    expect(update.detail.changed).toEqual({
      'policy.overlap': { from: 'forbid', to: 'queue' },
      'policy.output': { from: expect.any(String), to: '8MB' },
      'policy.timeout': { from: '5m', to: '10m' },
      'spec.targets': 'changed',
      triggers: { from: [], to: ['0 30 2 * * *'] },
    })
    expect(JSON.stringify(items)).not.toContain(SECRET)
  })

  test('tells all moments as the rest of the interface does', async () => {
    const triggers = [{ type: 'schedule', ncrontab: '0 30 2 * * *' }]
    const { body: job } = await server.call('POST', '/v1/jobs', { body: { name: 'report', triggers } })
    const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect((await entries(job.id))[0].detail.schedules).toEqual([
      { ncrontab: '0 30 2 * * *', timeZone: 'UTC', next: moment },
    ])
    const made = await server.call('POST', '/v1/tokens', { body: { name: 'a', role: 'viewer', expiresIn: '1d' } })
    expect((await entries(made.body.id))[0].detail).toEqual({ role: 'viewer', expiresAt: moment })
  })

  test('has who uploaded a package', async () => {
    const headers = { 'content-type': 'application/octet-stream' }
    const { body } = await server.call('POST', '/v1/packages?filename=run.sh', { body: 'echo 1\n', headers })
    expect(await entries(body.hash)).toMatchObject([
      { action: 'package.upload', targetType: 'package', targetName: 'run.sh', role: 'admin' },
    ])
  })
})
