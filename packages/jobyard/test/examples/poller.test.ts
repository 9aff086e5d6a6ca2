import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { openYard, readOutput, type Yard } from './yard.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', '..', '..', 'examples', 'poller', 'run.js')

let yard: Yard
let page: Server
let url: string
let answer = { status: 500, body: '' }

beforeAll(async () => {
  page = createServer((_request, response) => response.writeHead(answer.status).end(answer.body))
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
  url = `http://127.0.0.1:${(page.address() as AddressInfo).port}/`
  yard = await openYard()
})

afterAll(async () => {
  await yard.stop()
  page.close()
  page.closeAllConnections()
})

/** Waits until the latest run of the poller has printed something. */
async function printed(what: string | RegExp): Promise<string> {
  return await eventually(`the poller prints ${what}`, async () => {
    const run = (await yard.jobyard.jobs.get('poller')).latestRun
    const text = run === null ? '' : (await readOutput(yard.jobyard, run.id)).text
    return (typeof what === 'string' ? text.includes(what) : what.test(text)) && text
  })
}

describe('the poller in Node', () => {
  it('starts when it is deployed, and waits longer with every failure', async () => {
    await yard.deploy('poller', {
      name: 'poller',
      type: 'continuous',
      triggers: [{ type: 'continuous' }],
      spec: { env: { POLL_URL: url, POLL_EVERY: '0.1' } },
    })
    const text = await printed(/(waiting \d+\.\d s[\s\S]*){3}/)
    expect(text).toContain('look 1 failed: the answer is 500')
    const waits = [...text.matchAll(/waiting (\d+\.\d) s/g)].map((match) => Number(match[1]))
    expect(waits[2]).toBeGreaterThan(waits[0] ?? 0)
  })

  it('goes on when the address works again, and says what is new and what has changed', async () => {
    answer = { status: 200, body: 'first' }
    await printed(/works again after \d+ failures/)
    expect(await printed('new: ')).toContain('(5 bytes)')
    answer = { status: 200, body: 'second' }
    expect(await printed('changed: ')).toContain('(6 bytes)')
  })

  it('ends cleanly at the shutdown file', async () => {
    await yard.jobyard.jobs.stop('poller')
    const run = (await yard.jobyard.jobs.get('poller')).latestRun
    const ended = await yard.jobyard.runs.wait(run?.id ?? '', { timeoutMs: 10_000 })
    expect(ended).toMatchObject({ state: 'stopped', exitCode: 0, reason: { code: 'user' } })
    const { text } = await readOutput(yard.jobyard, ended.id)
    expect(text).toContain('stopping: shutdown file')
    expect(text).toMatch(/ended after \d+ looks, 2 changes and \d+ failures/)
  })

  it('remembers what it saw when it is started again', async () => {
    await yard.jobyard.jobs.start('poller')
    const text = await printed(/watching .* look \d+ follows/)
    expect(Number(/look (\d+) follows/.exec(text)?.[1])).toBeGreaterThan(4)
    await eventually('it has looked again', async () => (await yard.jobyard.jobs.get('poller')).state === 'running')
    await yard.jobyard.jobs.stop('poller')
    expect(await printed('ended after')).toContain('2 changes')
  })

  it('ends cleanly at SIGTERM, too, where there is no shutdown file', async () => {
    const data = await mkdtemp(join(tmpdir(), 'jobyard-poller-'))
    try {
      const env = { PATH: process.env.PATH, POLL_URL: url, POLL_EVERY: '30', WEBJOBS_DATA_PATH: data }
      const child = spawn(process.execPath, [SCRIPT], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      await eventually('it has looked once', () => text.includes('new: '))
      child.kill('SIGTERM')
      const [code] = await once(child, 'close')
      expect(code).toBe(0)
      expect(text).toContain('stopping: SIGTERM')
      expect(JSON.parse(await readFile(join(data, 'state.json'), 'utf8'))).toMatchObject({ looks: 1, changes: 1 })
    } finally {
      await rm(data, { recursive: true })
    }
  })
})
