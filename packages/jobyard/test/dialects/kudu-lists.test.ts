import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createArm } from '../../src/dialects/arm/index.ts'
import { createKudu } from '../../src/dialects/kudu/index.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
import { ACTOR } from '../support/stack.ts'
import { type Asked, ask } from './golden-files.ts'
import { basicOf } from './webjobs-yard.ts'

const RUNS = 320
const ARM = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/default'

let yard: TestServer
let url: string
/** Names of what the store was asked for. */
let asked: string[] = []

beforeAll(async () => {
  yard = await startTestServer({
    dialects: [createKudu({ instance: 'here' }), createArm({ instance: 'here', slot: 'production' })],
    change: (services) => ({ ...services, store: watched(services.store) }),
  })
  yard.kind.types.push('triggered')
  url = await yard.listen()
})
afterAll(async () => {
  await yard.stop()
})
beforeEach(() => {
  asked = []
})

function watched<Store extends TestServer['services']['store']>(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key !== 'read') return Reflect.get(target, key)
      return (name: string, input: unknown) => {
        asked.push(name)
        return Reflect.apply(target.read, target, [name, input])
      }
    },
  })
}

function call(path: string, options: Asked = {}) {
  return ask(`${url}${path}`, { ...options, headers: { authorization: basicOf(yard.admin), ...options.headers } })
}

describe('the list of jobs', () => {
  it('that is known already is not read but for its tag', async () => {
    await yard.stack.job('one', { type: 'triggered' })
    await yard.stack.job('two', { type: 'continuous', enabled: false })
    const tag = String((await call('/api/webjobs')).headers.etag)
    asked = []
    expect((await call('/api/webjobs', { headers: { 'if-none-match': tag } })).status).toBe(304)
    expect(asked).not.toContain('readVersions')
    expect(asked).not.toContain('listOccurring')
    await yard.stack.reach(await yard.stack.run(await yard.stack.job('one')), 'completed')
    expect((await call('/api/webjobs', { headers: { 'if-none-match': tag } })).status).toBe(200)
  })

  it('has what changed of a job, and reads only that anew', async () => {
    const change = (ncrontab: string) =>
      yard.stack.job('timed', { type: 'triggered', triggers: [{ type: 'schedule', ncrontab, timeZone: 'UTC' }] })
    const schedule = async () =>
      JSON.parse((await call('/api/triggeredwebjobs')).body).find(({ name }: { name: string }) => name === 'timed')
        .settings.schedule
    await change('0 0 1 * * *')
    expect(await schedule()).toBe('0 0 1 * * *')
    asked = []
    expect(await schedule()).toBe('0 0 1 * * *')
    expect(asked).not.toContain('readVersions')
    await change('0 0 2 * * *')
    expect(await schedule()).toBe('0 0 2 * * *')
    expect(asked.filter((name) => name === 'readVersions')).toHaveLength(1)
  })

  it('is in order, and whole when it is longer than a page of the store', async () => {
    const names = Array.from({ length: 1005 }, (_, index) => `many-${String(index).padStart(4, '0')}`)
    await Promise.all(names.map((name) => yard.stack.job(name, { type: 'triggered' })))
    const named = (body: string) => JSON.parse(body).map(({ name }: { name: string }) => name)
    expect(
      named((await call('/api/triggeredwebjobs')).body).filter((name: string) => name.startsWith('many-')),
    ).toEqual(names)
    asked = []
    const { paths } = JSON.parse((await call('/api/triggeredwebjobsswagger')).body)
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(names.map((name) => `/api/triggeredjobs/${name}/run`)))
    expect(asked.filter((name) => /job|run|version/i.test(name))).toEqual(['listJobNames'])
  })
})

describe('the history of a job', () => {
  it('has every run that is kept, however many the settings keep', async () => {
    const owner = { id: yard.stack.collectionId, name: 'default' }
    const set = { WEBJOBS_HISTORY_SIZE: { value: '5000' } }
    await yard.services.appSettings.change(owner, { set }, ACTOR)
    const id = await yard.stack.job('often', { type: 'triggered', policy: { overlap: 'allow' } })
    const runs = await Promise.all(Array.from({ length: RUNS }, () => yard.stack.run(id)))
    for (const run of runs) await yard.stack.reach(run, 'completed')
    const history = await call('/api/triggeredwebjobs/often/history')
    expect(JSON.parse(history.body).runs).toHaveLength(RUNS)
    const ids = JSON.parse(history.body).runs.map((run: { id: string }) => run.id.slice(0, 17))
    expect(ids).toEqual(ids.toSorted().reverse())
    const bearer = { authorization: `Bearer ${yard.admin}` }
    const arm = await ask(`${url}${ARM}/triggeredwebjobs/often/history`, { headers: bearer })
    expect(JSON.parse(arm.body).value).toHaveLength(RUNS)
    asked = []
    const tag = String(history.headers.etag)
    expect((await call('/api/triggeredwebjobs/often/history', { headers: { 'if-none-match': tag } })).status).toBe(304)
    expect(asked).not.toContain('listRuns')
  })
})
