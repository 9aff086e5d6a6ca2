import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/cli/main.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command, testTerminal } from './test-terminal.ts'

let server: LiveServer
let home: string

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(async () => {
  await server.stop()
})
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobyard-home-'))
})
afterEach(async () => {
  await rm(home, { recursive: true, force: true })
})

const file = (): string => join(home, '.config', 'jobyard', 'config.json')

async function login(): Promise<void> {
  const { exit, err } = await command(['login', '--url', server.url], { home, input: `${server.token}\n` })
  expect([exit, err]).toEqual([0, ''])
}

describe('login', () => {
  test('keeps a token from standard input where only its owner can read it', async () => {
    await login()
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await stat(join(file(), '..'))).mode & 0o777).toBe(0o700)
    expect((await command(['status'], { home })).exit).toBe(0)
  })

  test('asks for the token on a terminal and does not show it', async () => {
    const typed = `wrong\u0015${server.token}x\u007f\r`
    const terminal = testTerminal({ home, typed: true, input: typed, columns: 80 })
    expect(await runCommand(['login', '--url', server.url], terminal)).toBe(0)
    expect(terminal.err()).toBe(`Token for ${server.url}: \n`)
    expect(terminal.out()).toContain('Logged in')
    expect(terminal.out() + terminal.err()).not.toContain(server.token)
  })

  test('is given up with Ctrl-C', async () => {
    const terminal = testTerminal({ home, typed: true, input: 'abc\u0003', columns: 80 })
    expect(await runCommand(['login', '--url', server.url], terminal)).toBe(130)
    await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('keeps nothing that the server does not take', async () => {
    const { exit } = await command(['login', '--url', server.url, '--token', 'wrong-token'], { home })
    expect(exit).toBe(3)
    await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('without a token ends with 2', async () => {
    expect(await command(['login', '--url', server.url], { home, input: '\n' })).toMatchObject({ exit: 2 })
  })

  test('lies below XDG_CONFIG_HOME when that is set', async () => {
    const env = { XDG_CONFIG_HOME: join(home, 'xdg') }
    await command(['login', '--url', server.url], { home, env, input: server.token })
    expect(await readFile(join(home, 'xdg', 'jobyard', 'config.json'), 'utf8')).toContain(server.url)
  })

  test('is forgotten by logout', async () => {
    await login()
    expect((await command(['logout'], { home })).exit).toBe(0)
    expect(await readFile(file(), 'utf8')).not.toContain(server.token)
    expect((await command(['logout'], { home })).exit).toBe(2)
  })
})

describe('the token that is sent', () => {
  test('is the flag’s before the environment’s before the login’s', async () => {
    await login()
    const { token } = await server.client.tokens.create({ name: `order-${home.slice(-6)}`, role: 'viewer' })
    const env = { JOBYARD_TOKEN: token }
    const role = async (argv: readonly string[], more: Readonly<Record<string, string>>) =>
      (await command(['token', 'list', ...argv], { home, env: more })).exit
    expect(await role([], {})).toBe(0)
    expect(await role([], env)).toBe(3)
    expect(await role(['--token', server.token], env)).toBe(0)
  })

  test('of a login never goes to another server, wherever its address comes from', async () => {
    await login()
    const seen: (string | undefined)[] = []
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{}')
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    try {
      await command(['status', '--url', url], { home })
      await command(['status'], { home, env: { JOBYARD_URL: url } })
      await command(['status', '--url', `${server.url}.evil.example`], { home })
    } finally {
      other.closeAllConnections()
      other.close()
      await once(other, 'close')
    }
    expect(seen).toEqual([undefined, undefined])
  })

  test('of a login goes to its server however the address is written', async () => {
    await login()
    expect((await command(['status', '--url', `${server.url}/`], { home })).exit).toBe(0)
  })
})
