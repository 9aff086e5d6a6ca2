import { EventEmitter } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Jobyard } from '@jobyard/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runServer } from '../../src/cli/serve.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { startServer } from '../../src/server.ts'
import { deployScript } from '../client/scripts.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { testTerminal } from './test-terminal.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-serve-'))
  await chmod(folder, 0o711)
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Starts `serve` as the command does, but for the process that signals and the end of it belong to. */
function start(flags: Readonly<Record<string, string>> = {}, json = false) {
  const config = resolveConfig({
    flags: { data: join(folder, 'data'), port: '0', logLevel: 'silent', ...flags },
    env: {},
    cpus: 2,
    memory: 1024 ** 3,
    hostname: 'test',
    folder,
  })
  const clock = new ManualClock('2026-11-21T00:00:00Z')
  const terminal = testTerminal({ clock })
  const signals = new EventEmitter()
  const ended: number[] = []
  const logTo = new Writable({ write: (_chunk, _encoding, done) => done() })
  const running = runServer(terminal, {
    config,
    startServer: (settings) => startServer(settings, { logTo }),
    json,
    signals,
    endNow: (code) => ended.push(code),
  })
  return { running, terminal, signals, ended, clock }
}

function found(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? ''
}

describe('serve', () => {
  test.each(['/proc/jobyard', '/dev/null', '/dev/null/jobyard'])('refuses %s as its data folder', async (data) => {
    const { running } = start({ data })
    await expect(running).rejects.toMatchObject({ code: 'data-unusable', message: expect.stringContaining(data) })
  })

  test('says where it is, and the admin token the first time only; SIGTERM stops it', async () => {
    const first = start()
    await first.terminal.wrote('Ctrl-C stops it.')
    const url = found(first.terminal.out(), /address +(\S+)/)
    const token = found(first.terminal.out(), /admin token +(\S+)/)
    expect(first.terminal.out()).toContain(join(folder, 'data'))
    expect(first.terminal.out()).toContain(`: npx jobyard login --url ${url}\n`)
    expect(await new Jobyard({ url, token }).me()).toMatchObject({ role: 'admin' })
    first.signals.emit('SIGTERM')
    expect(await first.running).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
    const second = start()
    await second.terminal.wrote('Ctrl-C stops it.')
    expect(second.terminal.out()).not.toContain('token')
    const again = found(second.terminal.out(), /address +(\S+)/)
    expect(await new Jobyard({ url: again, token }).me()).toMatchObject({ role: 'admin' })
    second.signals.emit('SIGINT')
    expect(await second.running).toBe(0)
    expect(second.signals.listenerCount('SIGINT') + second.signals.listenerCount('SIGTERM')).toBe(0)
  })

  test('tells programs by one line of JSON', async () => {
    const { running, terminal, signals } = start({}, true)
    await terminal.wrote('\n')
    const line = JSON.parse(terminal.out())
    expect(line).toMatchObject({ address: expect.stringMatching(/^http/), adminToken: expect.stringMatching(/^jy_/) })
    signals.emit('SIGTERM')
    expect(await running).toBe(0)
    expect(terminal.out().split('\n')).toHaveLength(2)
  })

  test('a second Ctrl-C ends it at once; two that come together are one', async () => {
    const { running, terminal, signals, ended, clock } = start({ drain: '1s' })
    await terminal.wrote('Ctrl-C stops it.')
    const url = found(terminal.out(), /address +(\S+)/)
    const client = new Jobyard({ url, token: found(terminal.out(), /admin token +(\S+)/) })
    await deployScript(client, 'long', 'trap "" TERM; echo up; sleep 600')
    const run = await client.runs.create('long')
    for await (const _entry of client.output.follow(run.id)) break
    signals.emit('SIGINT')
    signals.emit('SIGINT')
    await terminal.wrote('Stopping')
    expect(ended).toEqual([])
    clock.advance(600)
    signals.emit('SIGINT')
    expect(ended).toEqual([130])
    expect(await running).toBe(0)
  })

  test('a data folder that another server has is refused', async () => {
    const first = start()
    await first.terminal.wrote('Ctrl-C stops it.')
    await expect(start().running).rejects.toMatchObject({ code: 'data-in-use', exit: 3 })
    first.signals.emit('SIGTERM')
    expect(await first.running).toBe(0)
  })
})
