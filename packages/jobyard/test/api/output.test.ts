import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TaskContext } from '../../src/engine/kind.ts'
import { eventually } from '../support/eventually.ts'
import { Held } from '../support/test-kind.ts'
import { type Live, openLive } from './live.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let url: string
let held: Held
/** The context of the task that is held. */
let context: TaskContext
const lives: Live[] = []

beforeAll(async () => {
  server = await startTestServer({ settings: { heartbeatMs: 200 } })
  url = await server.listen()
})
afterAll(() => server.stop())
beforeEach(() => {
  held = new Held()
  server.kind.work = (task, given) => {
    context = given
    return held.work(task, given)
  }
})
afterEach(async () => {
  for (const live of lives.splice(0)) await live.close()
})

/** Starts a run whose task the test holds. */
async function startRun(name: string, policy: object = {}): Promise<{ runId: string; taskId: string }> {
  await server.call('POST', '/v1/jobs', { body: { name, policy } })
  const { body } = await server.call('POST', `/v1/jobs/${name}/runs`)
  return { runId: body.id, taskId: await taskOf(body.id) }
}

function taskOf(runId: string, attempt = 1): Promise<string> {
  return eventually('its task is held', async () => {
    const { items } = (await server.call('GET', `/v1/runs/${runId}/tasks`)).body
    return held.targets.length > 0 && items[attempt - 1]?.id
  })
}

async function open(path: string, headers: Record<string, string> = {}): Promise<Live> {
  const live = await openLive(`${url}${path}`, server.admin, headers)
  lives.push(live)
  return live
}

describe('stored output', () => {
  test('comes in pages, text as text and other bytes as base64', async () => {
    const { runId, taskId } = await startRun('paged')
    context.output('output', 'grüße\n')
    context.output('error', Buffer.from([0xff, 0xfe, 0x00]))
    context.output('progress', '50%')
    held.end('one')
    await server.stack.reach(runId, 'completed')
    const { body } = await server.call('GET', `/v1/runs/${runId}/output`)
    expect(body.items).toMatchObject([
      { seq: 1, stream: 'output', text: 'grüße\n' },
      { seq: 2, stream: 'error', base64: '//4A' },
      { seq: 3, stream: 'progress', text: '50%' },
    ])
    expect(body).toMatchObject({ firstSeq: 1, lastSeq: 3, bytes: 14, dropped: 0, ended: true, next: null })
    expect((await server.call('GET', `/v1/tasks/${taskId}/output`)).body).toEqual(body)
    const first = (await server.call('GET', `/v1/tasks/${taskId}/output?maxBytes=1`)).body
    expect([first.items.length, first.next]).toEqual([1, 1])
    const rest = (await server.call('GET', `/v1/tasks/${taskId}/output?after=${first.next}`)).body
    expect(rest.items).toEqual(body.items.slice(1))
    const tail = (await server.call('GET', `/v1/tasks/${taskId}/output?tail=1&maxBytes=4`)).body
    expect(tail.items).toEqual(body.items.slice(2))
  })

  test('of a task that printed nothing has ended with it', async () => {
    const { runId } = await startRun('silent')
    expect((await server.call('GET', `/v1/runs/${runId}/output`)).body).toMatchObject({ items: [], ended: false })
    held.end('one')
    await server.stack.reach(runId, 'completed')
    expect((await server.call('GET', `/v1/runs/${runId}/output`)).body).toMatchObject({
      items: [],
      ended: true,
      lastSeq: 0,
    })
    const text = await server.call('GET', `/v1/runs/${runId}/output?format=text`)
    expect([text.status, text.text]).toEqual([200, ''])
  })

  test('of a run that has no task yet is empty', async () => {
    server.kind.beforePlan = () => new Promise<void>((resolve) => setImmediate(resolve))
    await server.call('POST', '/v1/jobs', { body: { name: 'queued', policy: { overlap: 'queue' } } })
    await server.call('POST', '/v1/jobs/queued/runs')
    const { body } = await server.call('POST', '/v1/jobs/queued/runs')
    const page = await server.call('GET', `/v1/runs/${body.id}/output`)
    expect(page.body).toEqual({ items: [], firstSeq: 1, lastSeq: 0, bytes: 0, dropped: 0, ended: false, next: null })
    expect((await server.call('GET', `/v1/runs/${body.id}/output?attempt=1`)).body.code).toBe('task-unknown')
  })

  test('comes as it was when asked for as text, whatever is in it', async () => {
    const { runId } = await startRun('raw')
    const bytes = Buffer.from([...Buffer.from('a\u001b[31mb\n'), 0, 0xc3, 0x28, 0xff])
    context.output('output', bytes)
    context.output('error', 'err\n')
    held.end('one')
    await server.stack.reach(runId, 'completed')
    for (const path of [`/v1/runs/${runId}/output?format=text`, `/v1/runs/${runId}/output`]) {
      const answer = await fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${server.admin}`, accept: 'text/plain' },
      })
      expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.concat([bytes, Buffer.from('err\n')]))
    }
  })

  test('of many megabytes is not read ahead of a reader that takes nothing', async () => {
    const { runId, taskId } = await startRun('big', { output: '64MB' })
    const piece = Buffer.alloc(256 * 1024, 'x')
    for (let i = 0; i < 128; i++) context.output('output', piece)
    held.end('one')
    await server.stack.reach(runId, 'completed')
    const reads = countReads(server, taskId)
    const sent = get(`${url}/v1/runs/${runId}/output?format=text`, {
      agent: false,
      headers: { authorization: `Bearer ${server.admin}` },
    })
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const stalled = await settled(() => reads.count)
    // What fits into the sockets' buffers of both sides is sent; 128 pages are not.
    expect(stalled).toBeLessThan(60)
    let bytes = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length
    expect(bytes).toBe(128 * piece.length)
    reads.restore()
  })
})

describe('live output', () => {
  test('comes as it is printed, and ends with the state of the task', async () => {
    const { runId, taskId } = await startRun('live')
    context.output('output', 'before')
    const live = await open(`/v1/tasks/${taskId}/output`)
    expect(live.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect(await live.next()).toMatchObject({
      id: '1',
      event: 'output',
      data: { seq: 1, stream: 'output', text: 'before' },
    })
    context.output('error', Buffer.from([0xff]))
    expect(await live.next()).toMatchObject({ id: '2', event: 'output', data: { stream: 'error', base64: '/w==' } })
    held.end('one', { state: 'failed', reason: { code: 'exit-code', text: 'It ended with 3.' } })
    const end = await live.next()
    expect(end).toMatchObject({
      event: 'end',
      data: { state: 'failed', taskId, runId, attempt: 1, bytes: 7, lastSeq: 2 },
    })
    expect(await live.nextOrEnd()).toBeUndefined()
  })

  test('goes on behind what was seen', async () => {
    const { taskId } = await startRun('resumed')
    context.output('output', 'a')
    context.output('error', 'b')
    context.output('output', 'c')
    const path = `/v1/tasks/${taskId}/output`
    const later = await open(path, { 'last-event-id': '2' })
    expect((await later.next()).data).toMatchObject({ seq: 3, text: 'c' })
    const other = await open(`${path}?after=1`)
    expect((await other.next()).data).toMatchObject({ seq: 2, text: 'b' })
    const refused = await server.call('GET', path, { headers: { accept: 'text/event-stream', 'last-event-id': 'x' } })
    expect(refused.body).toMatchObject({ status: 400, field: 'Last-Event-ID' })
    held.end('one')
  })

  test('of a run is there before its first task is, and tells how the run ended', async () => {
    const gate = Promise.withResolvers<void>()
    server.kind.beforePlan = () => gate.promise
    await server.call('POST', '/v1/jobs', { body: { name: 'early' } })
    const { body } = await server.call('POST', '/v1/jobs/early/runs')
    const live = await open(`/v1/runs/${body.id}/output`)
    await eventually(
      'it says that it is still there',
      () => live.comments.length > 0 || live.response.readableLength > 0,
    )
    gate.resolve()
    server.kind.beforePlan = () => undefined
    const taskId = await taskOf(body.id)
    context.output('output', 'hello')
    held.end('one', { state: 'completed', usage: { cpuMs: 1, peakBytes: 1, exitCode: 0 } })
    expect(await live.until('end')).toMatchObject([
      { event: 'attempt', data: { taskId, attempt: 1 } },
      { event: 'output', id: '1:1', data: { text: 'hello' } },
      { event: 'end', data: { state: 'completed', runId: body.id, exitCode: 0, reason: null, taskId } },
    ])
    expect(await live.nextOrEnd()).toBeUndefined()
  })

  test('of a run follows it through its attempts, and resumes in any of them', async () => {
    const { runId } = await startRun('tried', { retry: { kind: 'fixed', attempts: 2, delay: '0s' } })
    const live = await open(`/v1/runs/${runId}/output`)
    context.output('output', 'one')
    held.end('one', { state: 'failed', reason: { code: 'flaky', text: 'Not yet.' } })
    await taskOf(runId, 2)
    context.output('output', 'two')
    held.end('one')
    const told = (events: { event: string; id: string | undefined; data: { text?: string; attempt?: number } }[]) =>
      events.map(({ event, id, data }) => `${event} ${id ?? ''} ${data.text ?? data.attempt}`)
    const whole = ['attempt  1', 'output 1:1 one', 'attempt  2', 'output 2:1 two', 'end  2']
    expect(told(await live.until('end'))).toEqual(whole)
    const again = await open(`/v1/runs/${runId}/output`, { 'last-event-id': '1:1' })
    expect(told(await again.until('end'))).toEqual(['attempt  1', ...whole.slice(2)])
    const latest = await open(`/v1/runs/${runId}/output`)
    expect(told(await latest.until('end'))).toEqual(whole.slice(2))
    const first = await open(`/v1/runs/${runId}/output?attempt=1`)
    expect((await first.until('end')).map(({ data }) => data.text ?? data.state)).toEqual(['one', 'failed'])
    expect((await server.call('GET', `/v1/runs/${runId}/output?attempt=1`)).body.items).toMatchObject([{ text: 'one' }])
    expect((await server.call('GET', `/v1/runs/${runId}/output`)).body.items).toMatchObject([{ text: 'two' }])
  })

  test('gives a sign of life while nothing is printed', async () => {
    const { taskId } = await startRun('quiet')
    const live = await open(`/v1/tasks/${taskId}/output`)
    const next = live.next()
    await eventually('two heartbeats came', () => live.comments.filter((each) => each === 'still here').length > 1)
    held.end('one')
    expect((await next).event).toBe('end')
  })

  test('is not read ahead of a reader that takes nothing', async () => {
    const { taskId } = await startRun('slow-reader', { output: '64MB' })
    const piece = Buffer.alloc(64 * 1024, 'y')
    for (let i = 0; i < 400; i++) context.output('output', piece)
    const reads = countReads(server, taskId)
    const live = await open(`/v1/tasks/${taskId}/output`)
    const stalled = await settled(() => reads.count)
    expect(stalled).toBeLessThan(200)
    held.end('one')
    const events = await live.until('end')
    expect(events.reduce((sum, { data }) => sum + (data.text?.length ?? 0), 0)).toBe(400 * piece.length)
    reads.restore()
  })

  test('stops looking when its reader has gone', async () => {
    const { taskId } = await startRun('left')
    const live = await open(`/v1/tasks/${taskId}/output`)
    context.output('output', 'x')
    await live.next()
    await live.close()
    const reads = countReads(server, taskId)
    await settled(() => reads.count)
    const before = reads.count
    context.output('output', 'y')
    await eventually('it is stored', async () => {
      const page = await reads.read(taskId, { after: 1 })
      return page.entries.length > 0
    })
    expect(reads.count - before).toBeLessThanOrEqual(1)
    reads.restore()
    held.end('one')
  })
})

test('a server that closes ends its live streams and does not wait for their readers', async () => {
  const own = await startTestServer()
  const ownHeld = new Held()
  own.kind.work = ownHeld.work
  await own.call('POST', '/v1/jobs', { body: { name: 'job' } })
  const { body } = await own.call('POST', '/v1/jobs/job/runs')
  const address = await own.listen()
  const output = await openLive(`${address}/v1/runs/${body.id}/output`, own.admin)
  const events = await openLive(`${address}/v1/events`, own.admin)
  const ends = [output, events].map(async (live) => {
    for (let event = await live.nextOrEnd(); event !== undefined; event = await live.nextOrEnd()) {
      expect(event.event).not.toBe('end')
    }
  })
  await own.app.close()
  await Promise.all(ends)
  await own.stop()
})

/** Counts how often the log of a task is read, until it is restored. */
function countReads({ services: { output } }: TestServer, taskId: string) {
  const { read } = output
  const counter = { count: 0, read, restore: () => Object.assign(output, { read }) }
  Object.assign(output, {
    read: (id: string, query: Parameters<typeof read>[1]) => {
      if (id === taskId) counter.count++
      return read(id, query)
    },
  })
  return counter
}

/** A number once it has stood still for a while. */
async function settled(look: () => number): Promise<number> {
  let last = -1
  let since = performance.now()
  return await eventually('it stands still', () => {
    const now = look()
    if (now !== last) {
      last = now
      since = performance.now()
    }
    return performance.now() - since > 150 ? now : undefined
  })
}
