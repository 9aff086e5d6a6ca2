import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLive } from './live.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let ours: string
let limited: string
let ourJob: { id: string; number: number }
let theirJob: { id: string; number: number }
let theirRun: { id: string }
let theirTask: { id: string }

beforeAll(async () => {
  server = await startTestServer()
  ours = await server.collection('ours')
  limited = await server.token('admin', ours)
  theirJob = (await server.call('POST', '/v1/jobs', { body: { name: 'theirs' } })).body
  ourJob = (await server.call('POST', '/v1/jobs', { body: { name: 'mine' }, token: limited })).body
  theirRun = (await server.call('POST', '/v1/jobs/theirs/runs')).body
  await server.stack.reach(theirRun.id, 'completed')
  theirTask = (await server.call('GET', `/v1/runs/${theirRun.id}/tasks`)).body.items[0]
  const run = await server.call('POST', '/v1/jobs/mine/runs', { token: limited })
  await server.stack.reach(run.body.id, 'completed')
})
afterAll(() => server.stop())

const asLimited = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { token: limited, ...(body === undefined ? {} : { body }) })

describe('a token that is limited to a collection', () => {
  test('says so of itself, and finds its jobs without naming the collection', async () => {
    expect((await asLimited('GET', '/v1/me')).body.collection).toBe('ours')
    expect((await asLimited('GET', '/v1/jobs/mine')).body).toMatchObject({ id: ourJob.id, collection: 'ours' })
  })

  test('finds nothing of another collection, by whatever name', async () => {
    for (const ref of [theirJob.id, 'theirs', theirJob.number]) {
      expect((await asLimited('GET', `/v1/jobs/${ref}`)).body, String(ref)).toMatchObject({ code: 'job-unknown' })
    }
    expect((await asLimited('GET', '/v1/jobs/theirs?collection=default')).body.code).toBe('collection-unknown')
    expect((await asLimited('GET', `/v1/runs/${theirRun.id}`)).body.code).toBe('run-unknown')
    expect((await asLimited('GET', `/v1/runs/${theirRun.id}/output`)).body.code).toBe('run-unknown')
    expect((await asLimited('GET', `/v1/tasks/${theirTask.id}`)).body.code).toBe('task-unknown')
    expect((await asLimited('GET', `/v1/tasks/${theirTask.id}/output`)).body.code).toBe('task-unknown')
    expect((await asLimited('GET', `/v1/events?job=${theirJob.id}`)).body.code).toBe('job-unknown')
  })

  test('changes nothing of another collection', async () => {
    const tries = [
      ['PATCH', `/v1/jobs/${theirJob.id}`, { enabled: false }],
      ['DELETE', `/v1/jobs/${theirJob.id}`],
      ['POST', `/v1/jobs/${theirJob.id}/runs`],
      ['POST', `/v1/jobs/${theirJob.id}/stop`],
      ['PUT', `/v1/jobs/${theirJob.id}/webhook`],
      ['POST', `/v1/runs/${theirRun.id}/rerun`],
      ['POST', '/v1/jobs', { name: 'new', collection: 'default' }],
      ['PUT', '/v1/jobs', { name: 'theirs', collection: 'default', enabled: false }],
      ['PATCH', '/v1/jobs/mine', { policy: { onFailure: [theirJob.id] } }],
      ['PATCH', '/v1/jobs/mine', { triggers: [{ type: 'after', jobId: theirJob.id }] }],
    ] as const
    for (const [method, path, body] of tries) {
      expect((await asLimited(method, path, body)).status, `${method} ${path}`).toBe(404)
    }
    expect((await server.call('GET', '/v1/jobs/theirs')).body).toMatchObject({ enabled: true, version: 1 })
  })

  test('sees in lists what lies in its collection', async () => {
    const names = async (path: string) =>
      (await asLimited('GET', path)).body.items.map((each: { name: string }) => each.name)
    expect(await names('/v1/collections')).toEqual(['ours'])
    expect(await names('/v1/jobs')).toEqual(['mine'])
    const runs = (await asLimited('GET', '/v1/runs')).body.items
    expect(runs.map((run: { job: { name: string } }) => run.job.name)).toEqual(['mine'])
    const audit = (await asLimited('GET', '/v1/audit')).body.items
    expect(new Set(audit.map((entry: { collection: string }) => entry.collection))).toEqual(new Set(['ours']))
    const foreign = await asLimited('GET', `/v1/audit?target=${theirJob.id}`)
    expect(foreign.body.items).toEqual([])
  })

  test('may not do what is about the whole installation, whatever its role', async () => {
    const tries = [
      ['GET', '/v1/tokens'],
      ['POST', '/v1/tokens', { name: 'more', role: 'admin' }],
      ['POST', '/v1/collections', { name: 'more' }],
      ['DELETE', '/v1/collections/ours'],
      ['GET', '/metrics'],
    ] as const
    for (const [method, path, body] of tries) {
      const answer = await asLimited(method, path, body)
      expect(answer.body, `${method} ${path}`).toMatchObject({ status: 403, code: 'role-insufficient' })
    }
    expect((await asLimited('GET', '/v1/status')).body).not.toHaveProperty('dataFolder')
  })

  test('hears only of its own jobs in the live events', async () => {
    const live = await openLive(`${await server.listen()}/v1/events`, limited)
    const run = async (job: string, token: string) => {
      const { body } = await server.call('POST', `/v1/jobs/${job}/runs`, { token })
      await server.stack.reach(body.id, 'completed')
      return body.id
    }
    await run('theirs', server.admin)
    const mine = await run('mine', limited)
    const event = await live.next()
    expect(event.data).toMatchObject({ type: 'run.created', runId: mine, jobId: ourJob.id })
    await live.close()
  })
})
