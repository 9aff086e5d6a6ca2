import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isGap, Jobyard, JobyardProblem } from '@jobyard/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { eventually } from '../support/eventually.ts'
import { collect, deployScript } from './scripts.ts'
import { layWire, type Wire } from './wire.ts'

let server: LiveServer
let wire: Wire
let client: Jobyard

beforeAll(async () => {
  server = await startLiveServer()
})
afterEach(async () => {
  await wire.close()
})
afterAll(async () => {
  await server.stop()
})

async function lay(): Promise<void> {
  wire = await layWire(server.url)
  client = new Jobyard({ url: wire.url, token: server.token, random: () => 0 })
}

/** A script that prints numbered lines, each when a file of that number appears in its data folder. */
const STEPS = 'cd "$JOBYARD_DATA_PATH"; for i in 1 2 3 4; do until [ -e $i ]; do sleep 0.01; done; echo "line $i"; done'

async function step(jobId: string, number: number): Promise<void> {
  await writeFile(join(server.data, 'jobs', jobId, 'data', String(number)), '')
}

describe('output that is followed', () => {
  test('goes on behind the last entry when the connection breaks: nothing twice, nothing lost', async () => {
    await lay()
    const job = await deployScript(server.client, 'steps', STEPS)
    const run = await client.runs.create(job.id)
    const told: string[] = []
    const tell = { onOpen: () => told.push('open'), onBreak: () => told.push('break') }
    const output = client.output.follow(run.id, tell)
    const lines: string[] = []
    const read = async (): Promise<void> => {
      const next = await output.next()
      if (next.done !== true) lines.push(next.value.text ?? '')
    }
    // The working folder of the run must be there before its files can be.
    let first = output.next()
    await beginning(job.id)
    for (const number of [1, 2, 3]) {
      await step(job.id, number)
      const next = await first
      if (next.done !== true) lines.push(next.value.text ?? '')
      wire.cut()
      first = output.next()
    }
    await step(job.id, 4)
    const last = await first
    if (last.done !== true) lines.push(last.value.text ?? '')
    await read()
    expect(lines).toEqual(['line 1\n', 'line 2\n', 'line 3\n', 'line 4\n'])
    expect(told).toEqual(['open', ...Array(3).fill(['break', 'open']).flat()])
    expect((await client.runs.wait(run.id)).state).toBe('completed')
  })

  async function beginning(jobId: string): Promise<void> {
    await eventually('the run has its folder', () =>
      access(join(server.data, 'jobs', jobId, 'data')).then(
        () => true,
        () => false,
      ),
    )
  }

  test('ends with the word of the server how the run ended', async () => {
    await lay()
    const job = await deployScript(server.client, 'ends', 'echo out; echo err >&2; printf "\\xff\\x00"; exit 4')
    const run = await client.runs.create(job.id)
    const output = client.output.follow(run.id)
    const entries = []
    let next = await output.next()
    for (; next.done !== true; next = await output.next()) entries.push(next.value)
    expect(next.value).toMatchObject({ state: 'failed' })
    expect(entries.find(({ stream }) => stream === 'error')?.text).toBe('err\n')
    expect(entries.some(({ base64 }) => base64 !== undefined)).toBe(true)
    expect(await client.runs.get(run.id)).toMatchObject({ state: 'failed', exitCode: 4 })
  })

  test('begins behind an entry when told so, and is there as pages and as plain bytes', async () => {
    await lay()
    const job = await deployScript(server.client, 'three', 'for i in 1 2 3; do echo $i; sleep 0.05; done')
    const run = await client.runs.wait((await client.runs.create(job.id)).id)
    const page = await client.output.page(run.id)
    expect(page).toMatchObject({ ended: true, dropped: 0, bytes: 6 })
    const [first] = page.items
    const rest = await collect(client.output.follow(run.id, { after: first?.seq ?? 0 }))
    expect(rest).toEqual(page.items.slice(1))
    const chunks = await collect(await client.output.text(run.id))
    expect(Buffer.concat(chunks).toString()).toBe('1\n2\n3\n')
    const tail = await client.output.page(run.id, { tail: true, maxBytes: 2 })
    expect(tail.items.at(-1)).toEqual(page.items.at(-1))
  })

  test('of a run that does not exist is refused at once', async () => {
    await lay()
    const output = client.output.follow('00000000-0000-7000-8000-000000000000')
    await expect(output.next()).rejects.toMatchObject({ code: 'run-unknown', status: 404 })
    expect(wire.connections).toBe(1)
  })

  test('closes its connection when nobody listens any more', async () => {
    await lay()
    const job = await deployScript(server.client, 'talks', 'while :; do echo x; sleep 0.02; done')
    const run = await client.runs.create(job.id)
    for await (const _entry of client.output.follow(run.id)) break
    await client.runs.stop(run.id)
    expect((await client.runs.wait(run.id)).state).toBe('stopped')
  })
})

describe('events that are followed', () => {
  test('come in order, over broken connections too, until the signal aborts', async () => {
    await lay()
    const job = await deployScript(server.client, 'events', 'true')
    const controller = new AbortController()
    const open = Promise.withResolvers<void>()
    const events = client.events.follow({ job: job.id }, { signal: controller.signal, onOpen: () => open.resolve() })
    let next = events.next()
    await open.promise
    const seen: string[] = []
    const until = async (state: string): Promise<void> => {
      for (;;) {
        const { value, done } = await next
        if (done === true) throw new Error('The events ended.')
        seen.push(`${value.type} ${String(value.state ?? '')}`.trim())
        next = events.next()
        if (value.type === 'run.changed' && value.state === state) return
      }
    }
    await server.client.runs.create(job.id)
    await until('completed')
    wire.cut()
    await server.client.runs.create(job.id)
    await until('completed')
    controller.abort(new Error('enough'))
    const drained = async (): Promise<void> => {
      for (;;) {
        await next
        next = events.next()
      }
    }
    await expect(drained()).rejects.toThrow('enough')
    expect(seen.filter((each) => each.startsWith('run.created'))).toHaveLength(2)
    expect(seen.filter((each) => each === 'run.changed completed')).toHaveLength(2)
  })
})

describe('events that are missing', () => {
  test('are told by a page and by a live stream, in types of their own', async () => {
    await lay()
    await deployScript(server.client, 'gaps', 'true')
    const page = await client.events.list({ after: 'other-5' }, { pageSize: 1 }).page()
    expect(page).toMatchObject({ gap: true, items: [{ type: 'job.saved' }] })
    expect(Date.parse(page.keptSince ?? '')).toBeLessThanOrEqual(Date.now())
    expect((await client.events.list().page()).gap).toBe(false)
    for await (const event of client.events.follow({}, { after: 'other-5' })) {
      const reason: string | undefined = isGap(event) ? event.reason : undefined
      expect(reason).toMatch(/not kept any longer/)
      break
    }
    expect(isGap({ id: '1', type: 'job.saved' })).toBe(false)
  })
})

describe('waiting for a run', () => {
  test('ends when the run does', async () => {
    await lay()
    const job = await deployScript(server.client, 'waits', 'sleep 0.3; exit 7')
    const run = await client.runs.create(job.id)
    expect(await client.runs.wait(run.id)).toMatchObject({ state: 'failed', exitCode: 7 })
  })

  test('gives the run as it is when the time is up', async () => {
    await lay()
    const job = await deployScript(server.client, 'long', 'sleep 600')
    const run = await client.runs.create(job.id)
    const late = await client.runs.wait(run.id, { timeoutMs: 50 })
    expect(['pending', 'running']).toContain(late.state)
    await client.runs.stop(run.id)
    await client.runs.wait(run.id)
  })

  test('ends with the signal', async () => {
    await lay()
    const job = await deployScript(server.client, 'signal', 'sleep 600')
    const run = await client.runs.create(job.id)
    const waiting = client.runs.wait(run.id, { signal: AbortSignal.timeout(50) })
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
    await client.runs.stop(run.id)
    await client.runs.wait(run.id)
  })

  test('for a run that does not exist is a problem', async () => {
    await lay()
    await expect(client.runs.wait('00000000-0000-7000-8000-000000000000')).rejects.toBeInstanceOf(JobyardProblem)
  })
})
