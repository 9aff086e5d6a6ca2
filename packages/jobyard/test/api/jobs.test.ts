import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestKind } from '../support/test-kind.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ kinds: [new TestKind('other')] })
})
afterAll(() => server.stop())

const create = (body: object) => server.call('POST', '/v1/jobs', { body })
const get = (job: string) => server.call('GET', `/v1/jobs/${job}`)

describe('a job', () => {
  test('is made with the defaults of what is left out, and found by name, number and id', async () => {
    const { status, headers, body } = await create({ name: 'Plain' })
    expect(status).toBe(201)
    expect(headers.location).toBe(`/v1/jobs/${body.id}`)
    expect(body).toMatchObject({
      name: 'Plain',
      kind: 'script',
      type: 'test',
      collection: 'default',
      spec: {},
      triggers: [],
      enabled: true,
      package: null,
      version: 1,
      latestRun: null,
      nextDue: null,
      state: 'idle',
    })
    expect(body.policy).toMatchObject({ overlap: 'forbid', retry: { kind: 'none' }, timeout: null, output: '32MB' })
    for (const ref of ['Plain', 'plain', body.id, body.number]) expect((await get(ref)).body.id).toBe(body.id)
  })

  test('of a name that is taken is not made; by PUT it is changed', async () => {
    await create({ name: 'taken' })
    expect((await create({ name: 'taken' })).body).toMatchObject({ status: 409, code: 'job-exists', field: 'name' })
    const put = (body: object) => server.call('PUT', '/v1/jobs', { body })
    expect(await put({ name: 'taken', enabled: false })).toMatchObject({ status: 200, body: { enabled: false } })
    expect(await put({ name: 'fresh' })).toMatchObject({ status: 201, body: { enabled: true } })
  })

  test('keeps everything that a change leaves out', async () => {
    await create({
      name: 'kept',
      spec: { targets: ['a'] },
      policy: { overlap: 'queue', timeout: '90s' },
      triggers: [{ type: 'schedule', ncrontab: '0 0 3 * * *', timeZone: 'europe/berlin' }],
    })
    const { body } = await server.call('PATCH', '/v1/jobs/kept', { body: { policy: { queueDepth: 5 } } })
    expect(body).toMatchObject({
      spec: { targets: ['a'] },
      policy: { overlap: 'queue', timeout: '1m30s', queueDepth: 5 },
    })
    expect(body.triggers).toMatchObject([{ type: 'schedule', ncrontab: '0 0 3 * * *', timeZone: 'Europe/Berlin' }])
    expect(body.nextDue).toBe(body.triggers[0].nextDue)
    const cleared = await server.call('PATCH', '/v1/jobs/kept', { body: { spec: { targets: null }, triggers: [] } })
    expect(cleared.body).toMatchObject({ spec: {}, triggers: [], nextDue: null })
  })

  test('takes every policy in the form in which it is shown, and null for the default', async () => {
    const policy = {
      overlap: 'replace',
      queueDepth: 7,
      retry: { kind: 'exponential', attempts: 4, delay: '2s', factor: 3, maxDelay: '1m', jitter: 0.5 },
      timeout: '5m',
      misfire: { kind: 'all', window: '1h' },
      onCrash: 'retry',
      maxCrashes: 2,
      keepRuns: 10,
      keepAge: '30d',
      onFailure: [],
      restart: { delay: '5s', backoff: { factor: 2, max: '10m' } },
      parallel: 3,
      grace: '15s',
      output: '1MB',
    }
    const { body } = await create({ name: 'ruled', policy })
    expect(body.policy).toEqual(policy)
    const none = Object.fromEntries(Object.keys(policy).map((name) => [name, null]))
    const { body: reset } = await server.call('PATCH', '/v1/jobs/ruled', { body: { policy: none } })
    expect(reset.policy).toEqual((await get('plain')).body.policy)
    const short = {
      retry: { kind: 'exponential', attempts: 2, delay: '1s' },
      misfire: { kind: 'skip' },
      restart: { delay: '0s' },
    }
    const { body: filled } = await server.call('PATCH', '/v1/jobs/ruled', { body: { policy: short } })
    expect(filled.policy).toMatchObject({
      retry: { kind: 'exponential', attempts: 2, delay: '1s', factor: 2, maxDelay: '1h', jitter: 0.2 },
      misfire: { kind: 'skip', window: '10m' },
      restart: { delay: '0s' },
    })
  })

  test('names others by name, and is shown with their ids', async () => {
    const { body: first } = await create({ name: 'first' })
    const { body } = await create({
      name: 'second',
      triggers: [{ type: 'after', jobId: 'first' }],
      policy: { onFailure: ['first'] },
    })
    expect(body.triggers).toEqual([{ type: 'after', jobId: first.id, on: ['completed'] }])
    expect(body.policy.onFailure).toEqual([first.id])
  })

  test('of a name that several have must be told apart', async () => {
    await create({ name: 'double' })
    const other = await create({ name: 'double', kind: 'other' })
    const { body } = await get('double')
    expect(body).toMatchObject({ status: 409, code: 'job-ambiguous' })
    expect(body.data.jobs).toHaveLength(2)
    expect((await get('double?kind=other')).body.id).toBe(other.body.id)
    await create({ name: 'double', type: 'continuous' })
    expect((await get('double?kind=script')).body.code).toBe('job-ambiguous')
    expect((await get('double?kind=script&type=test')).body.type).toBe('test')
    expect((await server.call('PATCH', '/v1/jobs/double?kind=script&type=test', { body: {} })).status).toBe(200)
  })

  test('with a name of digits comes before one with that number', async () => {
    const { body: one } = await create({ name: 'numbered' })
    const { body: other } = await create({ name: String(one.number) })
    expect((await get(String(one.number))).body.id).toBe(other.id)
  })

  test('is stopped and started', async () => {
    const { body } = await create({ name: 'switched', triggers: [{ type: 'schedule', ncrontab: '0 0 3 * * *' }] })
    expect(body.nextDue).not.toBeNull()
    const stopped = await server.call('POST', '/v1/jobs/switched/stop')
    expect(stopped.body).toMatchObject({ enabled: false, state: 'stopped', nextDue: null })
    expect((await server.call('POST', '/v1/jobs/switched/start')).body).toMatchObject({ enabled: true, state: 'idle' })
  })

  test('that is taken away is gone, and its name free', async () => {
    const { body } = await create({ name: 'gone' })
    expect(await server.call('DELETE', '/v1/jobs/gone')).toMatchObject({ status: 204, text: '' })
    expect((await get('gone')).body.code).toBe('job-unknown')
    expect((await get(body.id)).body.code).toBe('job-unknown')
    expect((await create({ name: 'gone' })).status).toBe(201)
  })

  test('that is continuous shows where it runs', async () => {
    const { body } = await create({ name: 'forever', type: 'continuous', triggers: [{ type: 'continuous' }] })
    expect(body).toMatchObject({ triggers: [{ type: 'continuous', singleton: false }], places: expect.any(Array) })
    await server.stack.reach((await latestRun('forever')).id, 'completed')
    const { body: later } = await get('forever')
    expect(later.places).toMatchObject([{ place: 'here', runId: null, quickEnds: 1, starts: 1, crashLoop: false }])
    expect(later.state).toBe('restarting')
    await server.call('POST', '/v1/jobs/forever/stop')
  })
})

async function latestRun(job: string): Promise<{ id: string }> {
  for (;;) {
    const { body } = await get(job)
    if (body.latestRun !== null) return body.latestRun
  }
}

describe('the list of jobs', () => {
  test('is by name, filtered, and pages by cursor', async () => {
    const id = await server.collection('listed')
    for (const name of ['delta', 'Alpha', 'charlie', 'bravo']) await create({ name, collection: 'listed' })
    await server.call('POST', `/v1/jobs/bravo/stop?collection=${id}`)
    const names = async (query: string) =>
      (await server.call('GET', `/v1/jobs?collection=listed&${query}`)).body.items.map(
        (job: { name: string }) => job.name,
      )
    expect(await names('')).toEqual(['Alpha', 'bravo', 'charlie', 'delta'])
    expect(await names('enabled=false')).toEqual(['bravo'])
    expect(await names('enabled=true')).toEqual(['Alpha', 'charlie', 'delta'])
    expect(await names('search=HA')).toEqual(['Alpha', 'charlie'])
    expect(await names('kind=other')).toEqual([])
    expect(await names('type=test&limit=2')).toEqual(['Alpha', 'bravo'])
  })

  test('loses and repeats nothing when jobs come in between', async () => {
    await server.collection('moving')
    for (const name of ['b', 'd', 'f', 'h']) await create({ name, collection: 'moving' })
    const seen: string[] = []
    let cursor = ''
    for (const inserted of ['c', 'a', 'bb', 'g', 'i', 'aa', 'j']) {
      const { body } = await server.call('GET', `/v1/jobs?collection=moving&limit=1${cursor}`)
      seen.push(...body.items.map((job: { name: string }) => job.name))
      await create({ name: inserted, collection: 'moving' })
      if (body.next !== null) cursor = `&cursor=${body.next}`
    }
    expect(seen).toEqual(['b', 'c', 'd', 'f', 'g', 'h', 'i'])
  })
})

describe('collections', () => {
  test('are made once, listed by name, and taken away when empty', async () => {
    const make = (name: string) => server.call('POST', '/v1/collections', { body: { name } })
    const { status, body } = await make('Team')
    expect(status).toBe(201)
    expect((await make('team')).body).toMatchObject({ status: 409, code: 'collection-exists', field: 'name' })
    expect((await make('no good')).body).toMatchObject({ status: 400, code: 'name-invalid', field: 'name' })
    expect((await server.call('GET', '/v1/collections/TEAM')).body).toEqual(body)
    expect((await server.call('GET', `/v1/collections/${body.id}`)).body).toEqual(body)
    await create({ name: 'inside', collection: 'Team' })
    expect((await server.call('DELETE', '/v1/collections/Team')).body).toMatchObject({
      status: 409,
      code: 'collection-in-use',
    })
    const empty = await make('empty')
    expect((await server.call('DELETE', `/v1/collections/${empty.body.id}`)).status).toBe(204)
    const first = await server.call('GET', '/v1/collections?limit=1')
    const second = await server.call('GET', `/v1/collections?limit=500&cursor=${first.body.next}`)
    const names = [...first.body.items, ...second.body.items].map(({ name }: { name: string }) => name)
    expect(names).toContain('Team')
    expect(names).not.toContain('empty')
    expect(names).toEqual(names.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)))
  })
})

describe('schedules of a job', () => {
  test('are told for the time to come, several together in order', async () => {
    await create({
      name: 'timed',
      triggers: [
        { type: 'schedule', ncrontab: '0 0 6 * * *' },
        { type: 'schedule', ncrontab: '0 0 7 * * *', timeZone: 'Europe/Berlin' },
      ],
    })
    const { body } = await server.call('GET', '/v1/jobs/timed/next?count=5')
    const times = body.occurrences.map(({ utc }: { utc: string }) => utc)
    expect(times).toHaveLength(5)
    expect(times).toEqual(times.toSorted())
    expect(body.occurrences.map(({ offset }: { offset: string }) => offset)).toContain('+00:00')
    expect((await server.call('GET', '/v1/jobs/timed/occurrences')).body).toEqual({ items: [], next: null })
  })
})
