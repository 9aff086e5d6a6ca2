import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askDatabase } from '../support/ask-database.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer

beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server.stop())

const call = (method: string, body?: unknown, token?: string, query = '') =>
  server.call(method, `/v1/settings${query}`, {
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { token }),
  })
const shown = (body: { items: { name: string; value: string | null; secret: boolean; slot: string | null }[] }) =>
  body.items.map(({ name, value, secret, slot }) => [name, value, secret, slot])

describe('/v1/settings', () => {
  test('keeps, changes and takes away settings of a collection', async () => {
    expect((await call('GET')).body).toEqual({ items: [] })
    const put = await call('PUT', { settings: { Region: 'eu', KEY: { value: 'hunter-22', secret: true }, X: '1' } })
    expect(put.status).toBe(200)
    expect(shown(put.body)).toEqual([
      ['KEY', null, true, null],
      ['Region', 'eu', false, null],
      ['X', '1', false, null],
    ])
    const patch = await call('PATCH', { settings: { x: null, GONE: null, Region: { slot: true }, Y: '' } })
    expect(shown(patch.body)).toEqual([
      ['KEY', null, true, null],
      ['Region', 'eu', false, 'production'],
      ['Y', '', false, null],
    ])
    expect((await call('DELETE', undefined, undefined, '/y')).status).toBe(204)
    expect((await call('DELETE', undefined, undefined, '/y')).body).toMatchObject({ code: 'app-setting-unknown' })
    const whole = await call('PUT', { settings: { KEY: {} } })
    expect(shown(whole.body)).toEqual([['KEY', null, true, null]])
    expect(server.stack.settings.of(server.stack.collectionId).variables).toEqual({ KEY: 'hunter-22' })
  })

  test('shows plain values to deployers, to others names alone, and no secret value to anybody', async () => {
    await call('PUT', { settings: { PLAIN: 'words', KEY: { value: 'hunter-22', secret: true } } })
    for (const role of ['viewer', 'operator'] as const) {
      const { status, text, body } = await call('GET', undefined, await server.token(role))
      expect([status, shown(body)]).toEqual([
        200,
        [
          ['KEY', null, true, null],
          ['PLAIN', null, false, null],
        ],
      ])
      expect(text).not.toContain('words')
    }
    const deployer = await call('GET', undefined, await server.token('deployer'))
    expect(shown(deployer.body)[1]).toEqual(['PLAIN', 'words', false, null])
    const audit = (await server.call('GET', '/v1/audit')).text
    for (const text of [deployer.text, audit]) expect(text).not.toContain('hunter')
    const rows = await askDatabase(server.stack.place)
    for (const table of ['setting', 'audit', 'idempotency']) {
      expect(JSON.stringify(await rows.ask(`select * from ${table}`)), table).not.toContain('hunter')
    }
    await rows.close()
  })

  test('puts every change on record, with names and without values', async () => {
    await call('PATCH', { settings: { A: 'one-value', B: 'two-value' } })
    await call('PATCH', { settings: { A: null, B: 'two-value' } })
    const { items } = (await server.call('GET', `/v1/audit?target=${server.stack.collectionId}`)).body
    const changes = items.filter(({ action }: { action: string }) => action === 'settings.change')
    expect(changes.map(({ detail }: { detail: unknown }) => detail)).toEqual([{ removed: ['A'] }, { set: ['A', 'B'] }])
    expect(changes[0]).toMatchObject({ targetType: 'settings', targetName: 'default', collection: 'default' })
    expect(JSON.stringify(items)).not.toContain('-value')
  })

  test('refuses what is wrong with the setting at fault, and keeps nothing of it', async () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [{ JOBYARD_MARK: 'x' }, 'settings.JOBYARD_MARK'],
      [{ 'A=B': 'x' }, 'settings.A=B'],
      [{ '': 'x' }, 'settings.'],
      [{ WEBJOBS_RESTART_TIME: 'soon' }, 'settings.WEBJOBS_RESTART_TIME'],
      [{ WEBSITE_TIME_ZONE: 'Mars Standard Time' }, 'settings.WEBSITE_TIME_ZONE'],
      [{ NEW: { secret: true } }, 'settings.NEW'],
      [{ A: { value: 'x', slot: 'no slot' } }, 'settings.A'],
    ]
    for (const [settings, field] of cases) {
      for (const method of ['PUT', 'PATCH']) {
        const { body } = await call(method, { settings: { OK: '1', ...(settings as object) } })
        expect(body, field).toMatchObject({ status: 400, code: 'app-setting-invalid', field })
      }
    }
    for (const settings of [{ A: 1 }, { A: { vlaue: 'x' } }, [], 'x', null]) {
      expect((await call('PUT', { settings })).body).toMatchObject({ status: 400, code: 'input-invalid' })
    }
    expect((await call('PUT', { settings: { A: null } })).body).toMatchObject({ code: 'input-invalid' })
    expect((await call('GET')).body).toEqual({ items: [] })
  })

  test('are of one collection, which a limited token cannot leave', async () => {
    const web = await server.collection('web')
    const deployer = await server.token('deployer', web)
    expect((await call('PATCH', { settings: { A: 'web' } }, deployer)).status).toBe(200)
    expect((await call('PATCH', { collection: 'default', settings: { A: '1' } }, deployer)).body).toMatchObject({
      code: 'collection-unknown',
    })
    expect((await call('GET')).body).toEqual({ items: [] })
    expect(shown((await call('GET', undefined, undefined, '?collection=web')).body)).toEqual([
      ['A', 'web', false, null],
    ])
    expect((await call('GET', undefined, deployer)).body.items).toHaveLength(1)
  })

  test('stop all jobs of the collection with the text of WebJobs, as long as they say so', async () => {
    await server.call('POST', '/v1/jobs', {
      body: { name: 'timed', triggers: [{ type: 'schedule', ncrontab: '0 0 12 * * *' }] },
    })
    await call('PATCH', { settings: { WEBJOBS_STOPPED: '1' } })
    expect((await server.call('POST', '/v1/jobs/timed/runs', { body: {} })).body).toMatchObject({
      status: 409,
      code: 'jobs-stopped',
      detail: 'WebJobs are currently in "stopped" state.',
    })
    const stopped = (await server.call('GET', '/v1/jobs/timed')).body
    expect(stopped).toMatchObject({ state: 'stopped', enabled: true, nextDue: null, triggers: [{ nextDue: null }] })
    await call('PATCH', { settings: { WEBJOBS_STOPPED: '0', WEBJOBS_DISABLE_SCHEDULE: '1' } })
    expect((await server.call('GET', '/v1/jobs/timed')).body).toMatchObject({ state: 'idle', nextDue: null })
    expect((await server.call('POST', '/v1/jobs/timed/runs', { body: {} })).status).toBe(201)
    await call('PUT', { settings: { WEBSITE_TIME_ZONE: 'Tokyo Standard Time' } })
    const zoned = (await server.call('GET', '/v1/jobs/timed')).body
    expect(zoned.triggers).toMatchObject([{ timeZone: 'Asia/Tokyo', nextDue: expect.stringContaining('T03:00:00') }])
  })

  test('announce a change to whoever follows events of that collection', async () => {
    await call('PATCH', { settings: { A: '1' } })
    const { items } = (await server.call('GET', '/v1/events?limit=100')).body
    expect(items.filter(({ type }: { type: string }) => type === 'settings.changed')).toMatchObject([
      { collectionId: server.stack.collectionId },
    ])
  })
})
