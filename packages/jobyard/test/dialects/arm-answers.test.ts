import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Asked, ask, golden, mask } from './golden-files.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

const SITE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/default'
const VERSION = '?api-version=2025-05-01'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
  await yard.script('triggered', 'report', 'exit 0\n')
  await yard.call('/api/triggeredwebjobs/report/run', { method: 'POST', headers: { 'user-agent': 'curl/8.0' } })
  await eventually('the run has ended', async () => {
    const { latest_run: run } = JSON.parse((await yard.call('/api/triggeredwebjobs/report')).body)
    return run?.status === 'Success' && run.end_time !== '0001-01-01T00:00:00'
  })
  await yard.script('continuous', 'pump', UNTIL_TOLD)
  await yard.status('pump', 'Running')
  await post('/continuouswebjobs/pump/stop')
  await yard.status('pump', 'Stopped')
})

afterAll(async () => {
  await yard.server.stop()
})

async function arm(path: string, asked: Asked = {}) {
  const headers = { authorization: `Bearer ${yard.server.token}`, ...asked.headers }
  return await ask(`${yard.url}${path}${VERSION}`, { ...asked, headers })
}

async function raw(path: string, asked?: Asked): Promise<string> {
  return mask((await arm(path, asked)).text, yard.url)
}

async function post(path: string): Promise<string> {
  return await raw(`${SITE}${path}`, { method: 'POST' })
}

describe('what Azure Resource Manager answers, byte for byte', () => {
  it('lists and shows jobs', async () => {
    expect(await raw(`${SITE}/webjobs`)).toBe(await golden('arm-list-all'))
    expect(await raw(`${SITE}/webjobs/pump`)).toBe(await golden('arm-one-of-either'))
    expect(await raw(`${SITE}/triggeredwebjobs`)).toBe(await golden('arm-list-triggered'))
    expect(await raw(`${SITE}/triggeredwebjobs/report`)).toBe(await golden('arm-triggered'))
    expect(await raw(`${SITE}/continuouswebjobs`)).toBe(await golden('arm-list-continuous'))
    expect(await raw(`${SITE}/continuouswebjobs/pump`)).toBe(await golden('arm-continuous'))
  })

  it('knows the slot that the server is, and no other', async () => {
    expect(await raw(`${SITE}/slots/production/continuouswebjobs/pump`)).toBe(await golden('arm-slot'))
    expect(await raw(`${SITE}/slots/staging/continuouswebjobs/pump`)).toBe(await golden('arm-slot-absent'))
  })

  it('is written in any case, and of any subscription and group', async () => {
    const path =
      '/Subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/Else/providers/microsoft.web/sites/DEFAULT'
    const { body } = await arm(`${path}/ContinuousWebJobs/PUMP/`)
    expect(JSON.parse(body)).toMatchObject({ id: `${path}/ContinuousWebJobs/PUMP`, properties: { name: 'pump' } })
  })

  it('shows runs', async () => {
    const { latest_run: run } = JSON.parse((await arm(`${SITE}/triggeredwebjobs/report`)).body).properties
    expect(await raw(`${SITE}/triggeredwebjobs/report/history`)).toBe(await golden('arm-history'))
    expect(await raw(`${SITE}/triggeredwebjobs/report/history/${run.id}`)).toBe(await golden('arm-run'))
    expect((await arm(`${SITE}/triggeredwebjobs/report/history/202601010000000000`)).status).toBe(404)
  })

  it('starts and stops', async () => {
    expect(await post('/continuouswebjobs/pump/start')).toBe(await golden('arm-nothing'))
    await yard.status('pump', 'Running')
    expect(await post('/continuouswebjobs/pump/stop')).toBe(await golden('arm-nothing'))
    await yard.status('pump', 'Stopped')
    await yard.script('triggered', 'slow', UNTIL_TOLD)
    await post('/triggeredwebjobs/slow/run')
    const refused = await arm(`${SITE}/triggeredwebjobs/slow/run`, { method: 'POST' })
    const { message } = JSON.parse(refused.body).error
    expect(refused.text.replace(JSON.stringify(message), '"MESSAGE"')).toBe(await golden('arm-run-refused'))
    const removed = await raw(`${SITE}/triggeredwebjobs/slow`, { method: 'DELETE' })
    expect(removed).toBe(await golden('arm-nothing'))
    expect(await raw(`${SITE}/triggeredwebjobs/slow`, { method: 'DELETE' })).toBe(await golden('arm-nothing'))
  })

  it('says what is not there, and who may not ask', async () => {
    expect(await raw(`${SITE}/triggeredwebjobs/none`)).toBe(await golden('arm-job-absent'))
    const put = { method: 'PUT', body: '{"properties":{"settings":{}}}' }
    expect(await raw(`${SITE}/triggeredwebjobs/none`, put)).toBe(await golden('arm-job-absent'))
    const elsewhere = SITE.replace(/default$/, 'elsewhere')
    expect(await raw(`${elsewhere}/webjobs`)).toBe(await golden('arm-site-absent'))
    expect(await raw(`${SITE}/triggeredwebjobs/report`, { method: 'PATCH' })).toBe(await golden('arm-unknown-route'))
    expect((await ask(`${yard.url}${SITE}/webjobs`)).text).toBe(await golden('arm-unauthorized'))
    // Basic is Kudu's.
    expect((await arm(`${SITE}/webjobs`, { headers: { authorization: yard.basic } })).status).toBe(401)
    const { token } = await yard.server.client.tokens.create({ name: 'looks', role: 'viewer' })
    const forbidden = await arm(`${SITE}/triggeredwebjobs/report/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    expect([forbidden.status, JSON.parse(forbidden.body).error.code]).toEqual([403, 'AuthorizationFailed'])
  })

  it('writes the settings of a job that is there', async () => {
    const body = '{"properties":{"settings":{"stopping_wait_time":9},"name":"ignored"}}'
    const written = await raw(`${SITE}/triggeredwebjobs/report`, { method: 'PUT', body })
    expect(written).toBe(await golden('arm-settings-written'))
    expect((await yard.call('/api/triggeredwebjobs/report/settings')).body).toBe('{"stopping_wait_time":9}')
    expect(await raw(`${SITE}/triggeredwebjobs/report`, { method: 'PUT', body: '{}' })).toBe(written)
    for (const wrong of ['{"properties":{"settings":[]}}', 'nonsense']) {
      expect((await arm(`${SITE}/triggeredwebjobs/report`, { method: 'PUT', body: wrong })).status, wrong).toBe(400)
    }
  })

  it('starts a run', async () => {
    expect(await post('/triggeredwebjobs/report/run')).toBe(await golden('arm-run-started'))
  })
})
