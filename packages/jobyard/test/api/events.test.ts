import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Live, openLive } from './live.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let url: string
const lives: Live[] = []

beforeEach(async () => {
  server = await startTestServer({ settings: { heartbeatMs: 200 } })
  url = await server.listen()
})
afterEach(async () => {
  for (const live of lives.splice(0)) await live.close()
  await server.stop()
})

async function open(query = '', headers: Record<string, string> = {}): Promise<Live> {
  const live = await openLive(`${url}/v1/events${query}`, server.admin, headers)
  lives.push(live)
  return live
}

async function runOnce(job: string): Promise<string> {
  const { body } = await server.call('POST', `/v1/jobs/${job}/runs`)
  await server.stack.reach(body.id, 'completed')
  return body.id
}

describe('events that have happened', () => {
  const list = async (query = '', token = server.admin) =>
    (await server.call('GET', `/v1/events${query}`, { token })).body

  test('come in pages, the newest first, as far back as they are kept', async () => {
    for (const name of ['one', 'two']) await server.call('POST', '/v1/jobs', { body: { name } })
    for (const name of ['a', 'b', 'c', 'd']) emit(name)
    const first = await list('?limit=3')
    expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['d', 'c', 'b'])
    expect(first).toMatchObject({ gap: false, keptSince: expect.stringMatching(/Z$/) })
    const rest = await list(`?limit=3&cursor=${first.next}`)
    expect(rest.items.map(({ name }: { name: string }) => name)).toEqual(['a', 'two', 'one'])
    expect(rest.next).toBeNull()
    const behind = await list(`?after=${rest.items[0].id}`)
    expect(behind.items).toEqual(first.items)
    expect((await list(`?after=${first.items[0].id}`)).items).toEqual([])
    expect(await list('?after=other-5')).toMatchObject({ gap: true, items: { length: 6 } })
  })

  test('are those of one job, or of the only collection of a token', async () => {
    const collectionId = await server.collection('other')
    await server.call('POST', '/v1/jobs', { body: { name: 'here' } })
    await server.call('POST', '/v1/jobs', { body: { name: 'there', collection: 'other' } })
    emit('nobody')
    expect((await list('?job=here')).items).toMatchObject([{ type: 'job.saved', name: 'here' }])
    const limited = await list('', await server.token('viewer', collectionId))
    expect(limited.items).toMatchObject([{ type: 'job.saved', name: 'there' }])
    expect(limited.items).toHaveLength(1)
  })

  test('are refused by a cursor or a limit that is none', async () => {
    expect(await list('?cursor=x')).toMatchObject({ status: 400, field: 'cursor' })
    expect(await list('?limit=0')).toMatchObject({ status: 400, field: 'limit' })
    expect(await list('?format=text')).toMatchObject({ status: 400, field: 'format' })
    const old = Buffer.from(JSON.stringify(['events', 'earlier', 5])).toString('base64url')
    expect(await list(`?cursor=${old}`)).toMatchObject({ items: [], next: null })
  })
})

describe('live events', () => {
  test('tell what happens to jobs, runs and tasks, in order', async () => {
    const live = await open()
    await server.call('POST', '/v1/jobs', { body: { name: 'job' } })
    const runId = await runOnce('job')
    const seen = []
    for (;;) {
      const { event, id, data } = await live.next()
      expect(id).toMatch(/^\w+-\d+$/)
      expect(data.time).toMatch(/^\d{4}-.*Z$/)
      expect(data.type).toBe(event)
      seen.push(event === 'task.changed' ? `${event} ${data.state}` : event)
      if (event === 'run.changed') expect(data).toMatchObject({ runId: expect.any(String), number: 1 })
      if (seen.includes('run.changed') && seen.includes('task.changed completed')) break
    }
    expect(seen[0]).toBe('job.saved')
    expect(seen[1]).toBe('run.created')
    expect((await server.call('GET', `/v1/runs/${runId}`)).body.state).toBe('completed')
  })

  test('of one job are its own alone', async () => {
    for (const name of ['one', 'two']) await server.call('POST', '/v1/jobs', { body: { name } })
    const live = await open('?job=two')
    await runOnce('one')
    const runId = await runOnce('two')
    expect((await live.next()).data).toMatchObject({ type: 'run.created', runId })
  })

  test('go on behind the last one that was seen', async () => {
    await server.call('POST', '/v1/jobs', { body: { name: 'job' } })
    const live = await open('?job=job')
    const first = await runOnce('job')
    const seen = await live.next()
    expect(seen.data).toMatchObject({ type: 'run.created', runId: first })
    await live.close()
    const second = await runOnce('job')
    const again = await open('?job=job', { 'last-event-id': seen.id ?? '' })
    const ids: string[] = []
    for (;;) {
      const { event, data, id } = await again.next()
      ids.push(id ?? '')
      expect(event).not.toBe('gap')
      if (event === 'run.created') expect(data.runId).toBe(second)
      if (event === 'run.changed' && data.runId === second && data.state === 'completed') break
    }
    expect(ids).not.toContain(seen.id)
    expect(new Set(ids).size).toBe(ids.length)
    const byQuery = await open(`?job=job&after=${seen.id}`)
    expect((await byQuery.next()).id).toBe(ids[0])
  })

  test('say so when some are not kept any longer, or come from an earlier process', async () => {
    const live = await open('', { 'last-event-id': 'other-5' })
    const gap = await live.next()
    expect(gap).toMatchObject({ event: 'gap', data: { reason: expect.any(String) } })
    await server.call('POST', '/v1/jobs', { body: { name: 'job' } })
    expect((await live.next()).event).toBe('job.saved')
    const back = await open('', { 'last-event-id': gap.id ?? '' })
    expect((await back.next()).event).toBe('job.saved')
    for (let i = 0; i < 10_001; i++) emit('filler')
    const late = await open('', { 'last-event-id': gap.id ?? '' })
    expect((await late.next()).event).toBe('gap')
  })

  test('do not pile up for a reader that is too slow: it is sent away with a gap, and loses nothing', async () => {
    const live = await open()
    await eventually('it is connected', () => live.response.readableLength > 0)
    live.response.pause()
    const name = 'x'.repeat(4096)
    for (let i = 0; i < 9000; i++) {
      emit(`${i} ${name}`)
      // The server's sockets get their turn, so that it is the reader that is slow.
      if (i % 100 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    }
    const seen: number[] = []
    let last: string | undefined
    const read = async (from: Live) => {
      for (let event = await from.nextOrEnd(); event !== undefined; event = await from.nextOrEnd()) {
        if (event.event === 'gap') return 'gap'
        seen.push(Number.parseInt(event.data.name, 10))
        last = event.id
        if (seen.length === 9000) return 'all'
      }
      return 'end'
    }
    live.response.resume()
    expect(await read(live)).toBe('gap')
    expect(await live.nextOrEnd()).toBeUndefined()
    expect(seen.length).toBeLessThan(9000)
    while (seen.length < 9000) {
      const again = await open('', last === undefined ? {} : { 'last-event-id': last })
      await read(again)
    }
    expect(seen).toEqual(Array.from({ length: 9000 }, (_, i) => i))
  })

  test('give a sign of life while nothing happens, and never tell of errors', async () => {
    const live = await open()
    const next = live.next()
    await eventually('two heartbeats came', () => live.comments.filter((each) => each === 'still here').length > 1)
    server.stack.parts.events.emit({ type: 'error', where: 'somewhere', error: new Error('inside') })
    emit('after')
    expect((await next).data).toMatchObject({ name: 'after' })
  })
})

function emit(name: string): void {
  server.stack.parts.events.emit({ type: 'job.saved', jobId: '00000000-0000-7000-8000-000000000000', name })
}
