import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer
let viewer: Readonly<Record<string, string>>

beforeAll(async () => {
  server = await startLiveServer()
  const { token } = await server.client.tokens.create({ name: 'viewer', role: 'viewer' })
  viewer = { ...server.env, JOBYARD_TOKEN: token }
  await deployScript(server.client, 'there', 'true')
})
afterAll(async () => {
  await server.stop()
})

describe('a command that fails', () => {
  test.each([
    ['a job that is not there', ['script', 'show', 'nobody'], 4, /script list/],
    ['a run that is not there', ['run', 'show', 'there/99'], 4, /script runs there/],
    ['a run by a wrong id', ['run', 'stop', '00000000-0000-7000-8000-000000000000'], 4, /run list/],
    ['a token that is not there', ['token', 'revoke', 'nobody'], 4, /token list/],
    ['a name for a run that is none', ['run', 'show', 'there'], 2, /report\/12/],
    ['a job that never ran', ['script', 'logs', 'there'], 4, /script run there/],
    ['a bad number', ['script', 'runs', 'there', '--limit', 'many'], 2, /--limit 10/],
    ['a bad state', ['script', 'runs', 'there', '--state', 'broken'], 2, /completed/],
    ['a bad schedule', ['schedule', 'preview', '0 0 25 * * *'], 2, /0 to 23/],
    ['a bad zone', ['schedule', 'preview', '0 0 2 * * *', '--time-zone', 'Berlin'], 2, /Europe\/Berlin/],
    ['a bad address', ['script', 'list', '--url', 'localhost:7780'], 2, /http:\/\/127\.0\.0\.1:7780/],
    ['an address with a password', ['script', 'list', '--url', 'http://a:b@localhost'], 2, /jobyard login/],
    ['a removal that nobody confirms', ['script', 'rm', 'there'], 2, /--yes/],
  ])('for %s: %j ends with the right code and says what to do', async (_, argv, exit, todo) => {
    const result = await command(argv, { env: server.env })
    expect(result.exit, result.err).toBe(exit)
    expect(result.out).toBe('')
    expect(result.err).toMatch(/^(?: {2}.*\n)*jobyard: .+\nWhat to do: .+\n$/)
    expect(result.err).toMatch(todo)
  })

  test('because the token may not: 3, with the role that is needed', async () => {
    for (const argv of [
      ['script', 'run', 'there'],
      ['script', 'stop', 'there'],
      ['token', 'list'],
      ['webhook', 'show', 'there'],
    ]) {
      const { exit, err } = await command(argv, { env: viewer })
      expect(exit, argv.join(' ')).toBe(3)
      expect(err).toMatch(/viewer/)
    }
  })

  test('because nobody is logged in: 3, with the way to log in', async () => {
    const { exit, err } = await command(['script', 'list'], { env: { JOBYARD_URL: server.url } })
    expect(exit).toBe(3)
    expect(err).toContain('jobyard login')
  })

  test('because the server is away: 5, with its address and without a stack', async () => {
    const { exit, err } = await command(['script', 'list', '--url', 'http://127.0.0.1:9'])
    expect(exit).toBe(5)
    expect(err).toContain('http://127.0.0.1:9')
    expect(err).toContain('jobyard serve')
    expect(err).not.toMatch(/\bat .*\.ts/)
  })

  test('because a name or a token can be none: 2, and nothing else is asked for in its place', async () => {
    for (const name of ['', '.', '..']) {
      const { exit, err } = await command(['script', 'show', name], { env: server.env })
      expect([exit, err]).toEqual([2, expect.stringContaining('is no name, number or id')])
    }
    const { exit, err } = await command(['script', 'list', '--token', 'a\nb'], { env: server.env })
    expect([exit, err]).toEqual([2, expect.stringContaining('The token holds blanks')])
  })

  test('shows the particulars with --debug', async () => {
    const { err } = await command(['script', 'list', '--url', 'http://127.0.0.1:9', '--debug'])
    expect(err).toMatch(/JobyardProblem[\s\S]*caused by/)
  })

  test('says it in JSON with --json, on standard error', async () => {
    const { exit, out, err } = await command(['schedule', 'preview', '0 0 25 * * *', '--json'], { env: server.env })
    expect(exit).toBe(2)
    expect(out).toBe('')
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'schedule-invalid', exit: 2, position: 4, message: expect.any(String), todo: expect.any(String) },
    })
  })

  test('points at the place in a schedule', async () => {
    const { err } = await command(['schedule', 'preview', '0 0 25 * * *'], { env: server.env })
    expect(err.split('\n').slice(0, 2)).toEqual(['  0 0 25 * * *', '      ^'])
  })
})

test('a setting that does not exist ends serve, config and doctor with 2', async () => {
  for (const name of ['serve', 'config', 'doctor']) {
    const { exit, err } = await command([name], { env: { JOBYARD_PROT: '80' } })
    expect(exit).toBe(2)
    expect(err).toContain('Did you mean JOBYARD_PORT?')
  }
})

test('a server that others could reach unencrypted does not start', async () => {
  const { exit, err } = await command(['serve', '--host', '0.0.0.0'])
  expect(exit).toBe(2)
  expect(err).toContain('--behind-proxy')
})

test('a certificate that cannot be read is named with its setting', async () => {
  const home = await mkdtemp(join(tmpdir(), 'jobyard-home-'))
  try {
    const flags = [
      '--data',
      join(home, 'data'),
      '--port',
      '0',
      '--tls-cert',
      '/not/there.pem',
      '--tls-key',
      '/not/there',
    ]
    const { exit, err } = await command(['serve', ...flags])
    expect([exit, err]).toEqual([2, expect.stringMatching(/JOBYARD_TLS_CERT.*\/not\/there\.pem/)])
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})

test('a login that cannot be read ends with 2 and names its file', async () => {
  const home = await mkdtemp(join(tmpdir(), 'jobyard-home-'))
  try {
    const env = { XDG_CONFIG_HOME: home }
    await mkdir(join(home, 'jobyard'))
    await writeFile(join(home, 'jobyard', 'config.json'), 'not json')
    const { exit, err } = await command(['script', 'list'], { env })
    expect(exit).toBe(2)
    expect(err).toContain(join(home, 'jobyard', 'config.json'))
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
