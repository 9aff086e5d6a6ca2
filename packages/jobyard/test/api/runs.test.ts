import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Held } from '../support/test-kind.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let held: Held

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())
beforeEach(() => {
  held = new Held()
  server.kind.work = () => ({ state: 'completed' })
})

const create = (name: string, more: object = {}) => server.call('POST', '/v1/jobs', { body: { name, ...more } })
const start = (job: string, body?: object) =>
  server.call('POST', `/v1/jobs/${job}/runs`, body === undefined ? {} : { body })
const act = (run: string, verb: string) => server.call('POST', `/v1/runs/${run}/${verb}`)

describe('a run', () => {
  test('is started by hand, with who did it, and shown with its job', async () => {
    await create('by-hand')
    const token = await server.token('operator')
    const me = (await server.call('GET', '/v1/me', { token })).body.name
    const { status, headers, body } = await server.call('POST', '/v1/jobs/by-hand/runs', { token })
    expect(status).toBe(201)
    expect(headers.location).toBe(`/v1/runs/${body.id}`)
    expect(body).toMatchObject({
      number: 1,
      why: 'manual',
      args: [],
      queued: false,
      job: { name: 'by-hand', type: 'test' },
    })
    expect(body.detail).toEqual({ by: me, address: '127.0.0.1' })
    await server.stack.reach(body.id, 'completed')
    const done = await server.call('GET', `/v1/runs/${body.id}`)
    expect(done.body).toMatchObject({ state: 'completed', counts: { completed: 1 }, reason: null })
    expect((await server.call('GET', '/v1/jobs/by-hand')).body.latestRun).toEqual(done.body)
  })

  test('takes arguments as a list or as one text, and refuses a quote that is not closed', async () => {
    await create('argued', { policy: { overlap: 'allow' } })
    expect((await start('argued', { args: ['a b', '', 'ü'] })).body.args).toEqual(['a b', '', 'ü'])
    expect((await start('argued', { args: `one "two three" 'four "five'` })).body.args).toEqual([
      'one',
      'two three',
      'four "five',
    ])
    expect((await start('argued', { args: 'one "two' })).body).toMatchObject({
      status: 400,
      code: 'arguments-invalid',
      position: 4,
    })
    expect((await start('argued', { args: ['a\0b'] })).body).toMatchObject({ status: 400, code: 'arguments-invalid' })
    expect((await start('argued', { args: [1] })).body).toMatchObject({ status: 400, field: 'args.0' })
  })

  test('takes a body as text or as bytes', async () => {
    await create('fed', { policy: { overlap: 'allow' } })
    const payloadOf = async (payload: object) => {
      const { body } = await start('fed', { payload })
      const stored = await server.stack.store.read('getPayload', { runId: body.id })
      const { contentType, body: bytes } = stored ?? { contentType: null, body: [] }
      expect(body.detail.payload).toEqual({ contentType, bytes: bytes.length })
      return [stored?.contentType, Buffer.from(stored?.body ?? []).toString('hex')]
    }
    expect(await payloadOf({ text: 'hé' })).toEqual(['text/plain; charset=utf-8', '68c3a9'])
    expect(await payloadOf({ base64: 'AP8=', contentType: 'image/x' })).toEqual(['image/x', '00ff'])
    expect((await start('fed', { payload: { base64: '!' } })).body).toMatchObject({
      status: 400,
      field: 'payload.base64',
    })
    expect((await start('fed', { payload: {} })).body).toMatchObject({ status: 400, field: 'payload' })
    expect((await start('fed', { payload: { text: 'a', base64: 'AA==' } })).body.field).toBe('payload')
  })

  test('is refused, skipped or queued while one runs, as the policy says', async () => {
    server.kind.work = held.work
    for (const overlap of ['forbid', 'skip', 'queue']) await create(`over-${overlap}`, { policy: { overlap } })
    for (const overlap of ['forbid', 'skip', 'queue']) expect((await start(`over-${overlap}`)).status).toBe(201)
    expect((await start('over-forbid')).body).toMatchObject({ status: 409, code: 'run-refused' })
    expect((await start('over-skip')).body).toMatchObject({ status: 409, code: 'run-skipped' })
    expect(await start('over-queue')).toMatchObject({ status: 201, body: { queued: true, state: 'pending' } })
    expect((await server.call('GET', '/v1/jobs/over-queue')).body.state).toBe('running')
    for (const { id } of (await server.call('GET', '/v1/runs?state=running,pending')).body.items) await act(id, 'stop')
  })

  test('is stopped, and the audit log says by whom', async () => {
    server.kind.work = held.work
    await create('stopped-one')
    const { body } = await start('stopped-one')
    await eventually('it runs', () => held.targets.length === 1)
    const token = await server.token('operator')
    const me = (await server.call('GET', '/v1/me', { token })).body.name
    expect((await server.call('POST', `/v1/runs/${body.id}/stop`, { token })).body.wanted).toBe('stop')
    const run = await server.stack.reach(body.id, 'stopped')
    expect(run).toMatchObject({ reasonCode: 'user', reasonText: `Stopped by ${me}.` })
    const audit = await server.call('GET', `/v1/audit?target=${body.id}`)
    expect(audit.body.items).toMatchObject([
      { action: 'run.stop', actor: me, role: 'operator', address: '127.0.0.1', targetName: 'stopped-one #1' },
      { action: 'run.start', role: 'admin' },
    ])
    expect((await act(body.id, 'stop')).body.state).toBe('stopped')
    expect((await act(body.id, 'suspend')).body).toMatchObject({ status: 409, code: 'run-finished' })
    expect((await act(body.id, 'resume')).body).toMatchObject({ status: 409, code: 'run-finished' })
  })

  test('is suspended and resumed', async () => {
    let frozen = false
    server.kind.work = (task, context) => {
      context.freezable(
        async () => {
          frozen = true
        },
        async () => {
          frozen = false
        },
      )
      return held.work(task, context)
    }
    await create('frozen')
    const { body } = await start('frozen')
    await eventually('it runs', () => held.targets.length === 1)
    await act(body.id, 'suspend')
    await server.stack.reach(body.id, 'suspended')
    expect(frozen).toBe(true)
    await act(body.id, 'resume')
    await server.stack.reach(body.id, 'running')
    expect(frozen).toBe(false)
    held.end('one')
    await server.stack.reach(body.id, 'completed')
  })

  test('is rerun with its arguments and its body', async () => {
    await create('again')
    const first = await start('again', { args: ['x'], payload: { text: 'body' } })
    await server.stack.reach(first.body.id, 'completed')
    const { status, body } = await act(first.body.id, 'rerun')
    expect(status).toBe(201)
    expect(body).toMatchObject({ number: 2, why: 'rerun', args: ['x'], detail: { run: first.body.id, number: 1 } })
    const payload = await server.stack.store.read('getPayload', { runId: body.id })
    expect(Buffer.from(payload?.body ?? []).toString()).toBe('body')
    await server.stack.reach(body.id, 'completed')
    await server.call('DELETE', '/v1/jobs/again')
    const gone = await act(first.body.id, 'rerun')
    expect(gone.status).toBe(404)
  })

  test('of a stopped job is started by hand all the same', async () => {
    await create('resting', { enabled: false })
    expect((await start('resting')).status).toBe(201)
  })

  test('shows its tasks, every attempt, page by page', async () => {
    server.kind.work = ({ attempt, target }) =>
      target === 'b' && attempt === 1
        ? { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } }
        : { state: 'completed', result: { of: target }, usage: { cpuMs: 12.5, peakBytes: 1024, exitCode: 0 } }
    const retry = { kind: 'fixed', attempts: 2, delay: '0s' }
    await create('tasked', { spec: { targets: ['a', 'b', 'c'] }, policy: { retry } })
    const { body: run } = await start('tasked')
    await server.stack.reach(run.id, 'completed')
    const seen = []
    for (let cursor = ''; ; ) {
      const { body } = await server.call('GET', `/v1/runs/${run.id}/tasks?limit=1${cursor}`)
      seen.push(...body.items)
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(seen.map(({ target, attempt, state }) => `${target} ${attempt} ${state}`).toSorted()).toEqual([
      'a 1 completed',
      'b 1 failed',
      'b 2 completed',
      'c 1 completed',
    ])
    expect(seen[0]).toMatchObject({ runId: run.id, result: { of: 'a' }, cpuMs: 12.5, peakBytes: 1024, exitCode: 0 })
    const failed = seen.find(({ state }) => state === 'failed')
    expect(failed).toMatchObject({ reason: { code: 'flaky', text: 'Not yet.' }, result: null })
    expect((await server.call('GET', `/v1/tasks/${failed?.id}`)).body).toEqual(failed)
  })
})

describe('the list of runs', () => {
  test('is the newest first, filtered in every way', async () => {
    await server.collection('busy')
    await create('noisy', { collection: 'busy', policy: { overlap: 'allow' } })
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      const { body } = await server.call('POST', '/v1/jobs/noisy/runs?collection=busy')
      ids.unshift(body.id)
      await server.stack.reach(body.id, 'completed')
    }
    const list = async (query: string) =>
      (await server.call('GET', `/v1/runs?${query}`)).body.items.map((run: { id: string }) => run.id)
    expect(await list('collection=busy')).toEqual(ids)
    expect(await list('job=noisy&collection=busy')).toEqual(ids)
    expect(await list('collection=busy&state=completed&kind=script&why=manual')).toEqual(ids)
    expect(await list('collection=busy&state=failed,stopped')).toEqual([])
    expect(await list('collection=busy&why=schedule')).toEqual([])
    const [newest] = ids
    const { createdAt } = (await server.call('GET', `/v1/runs/${newest}`)).body
    const next = new Date(Date.parse(createdAt) + 1).toISOString()
    expect(await list(`collection=busy&from=${next}`)).toEqual([])
    expect(await list(`collection=busy&to=${next}`)).toEqual(ids)
    expect(await list('collection=busy&to=2020-01-01T00:00:00%2B02:00')).toEqual([])
    const ofJob = await server.call('GET', '/v1/jobs/noisy/runs?collection=busy&limit=2')
    expect(ofJob.body.items.map((run: { id: string }) => run.id)).toEqual(ids.slice(0, 2))
  })

  test('loses and repeats nothing while runs are made', async () => {
    await create('growing', { policy: { overlap: 'allow' } })
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.unshift((await start('growing')).body.id)
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await server.call('GET', `/v1/jobs/growing/runs?limit=2${cursor}`)
      seen.push(...body.items.map((run: { id: string }) => run.id))
      await start('growing')
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(seen).toEqual(made)
  })
})
