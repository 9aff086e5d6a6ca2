import { randomBytes } from 'node:crypto'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/cli/main.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command, testTerminal } from './test-terminal.ts'

let server: LiveServer
let folder: string

beforeAll(async () => {
  server = await startLiveServer({ uploadLimit: '2MB' })
})
afterAll(async () => {
  await server.stop()
})
beforeEach(async () => {
  folder = join(server.folder, 'source')
  await mkdir(join(folder, 'lib'), { recursive: true })
  await writeFile(join(folder, 'run.sh'), '#!/bin/bash\necho "$REGION $API_KEY $*"\n')
  await writeFile(join(folder, 'lib', 'data.txt'), 'data')
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const env = () => server.env

async function deploy(argv: readonly string[], more: Parameters<typeof command>[1] = {}) {
  return await command(['script', 'deploy', ...argv], { env: env(), folder: server.folder, ...more })
}

describe('a folder', () => {
  test('is packed on its way, with all its files and what may be executed', async () => {
    await chmod(join(folder, 'run.sh'), 0o755)
    await mkdir(join(folder, '.git'))
    await writeFile(join(folder, '.git', 'config'), 'secret')
    await mkdir(join(folder, 'empty'))
    await symlink('../run.sh', join(folder, 'lib', 'again.sh'))
    const { exit, out, err } = await deploy(['source', '--name', 'folder'])
    expect([exit, err]).toEqual([0, ''])
    expect(out).toMatch(/^Made the job folder\.\n/)
    expect(out).toContain('run.sh, run with bash')
    expect(out).toMatch(/^Try it: npx jobyard script run folder --wait$/m)
    const job = await server.client.jobs.get('folder')
    expect(await server.client.packages.files(job.package ?? '')).toEqual([
      { path: 'lib/again.sh', bytes: 39, executable: true },
      { path: 'lib/data.txt', bytes: 4, executable: false },
      { path: 'run.sh', bytes: 39, executable: true },
    ])
    expect((await deploy(['source', '--name', 'folder'])).out).toMatch(/^Updated the job folder\.\n/)
  })

  test.each([
    ['/etc/passwd', /outside of the folder/],
    ['../../other', /not there|outside/],
    ['nowhere', /not there/],
    ['.', /circle/],
  ])('with a link to %s is refused before anything is sent', async (target, message) => {
    await symlink(target, join(folder, 'lib', 'link'))
    const { exit, err } = await deploy(['source', '--name', 'linked'])
    expect(exit).toBe(2)
    expect(err).toMatch(message)
    expect(err).toContain(join('lib', 'link'))
    expect((await command(['script', 'show', 'linked'], { env: env() })).exit).toBe(4)
  })

  test('that is empty, or is not there, is refused', async () => {
    await mkdir(join(folder, 'bare'))
    expect(await deploy(['source/bare', '--name', 'x'])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/is empty/),
    })
    expect(await deploy(['nowhere', '--name', 'x'])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/nowhere is not there/),
    })
  })

  test('without a script is refused by the server, with what it looks for', async () => {
    await rm(join(folder, 'run.sh'))
    expect(await deploy(['source', '--name', 'none'])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/No script/),
    })
  })

  test('that is too large is refused by the server, and the reason arrives', async () => {
    await writeFile(join(folder, 'large.bin'), randomBytes(8 * 1024 * 1024))
    const { exit, err } = await deploy(['source', '--name', 'large'])
    expect(exit).toBe(2)
    expect(err).toMatch(/2\s?MB|2097152/)
  })

  test('shows on a terminal how far its upload is, and takes that away at the end', async () => {
    await writeFile(join(folder, 'some.bin'), randomBytes(1024 * 1024))
    const terminal = testTerminal({ env: env(), folder: server.folder, columns: 80 })
    expect(await runCommand(['script', 'deploy', 'source', '--name', 'progress'], terminal)).toBe(0)
    expect(terminal.err()).toMatch(/Uploading .* 100 % {2}1\.0 MB of 1\.0 MB/)
    expect(terminal.err().endsWith('\r\u001b[K')).toBe(true)
  })
})

describe('a single file', () => {
  test('is deployed under its own name; a zip is taken as what it holds', async () => {
    const { out } = await deploy(['source/run.sh', '--name', 'single', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      created: true,
      job: { name: 'single', type: 'triggered', triggers: [] },
      package: { files: 1, script: { file: 'run.sh' } },
    })
  })

  test('that is no zip in spite of its name is refused', async () => {
    await writeFile(join(folder, 'a.zip'), 'no zip')
    expect(await deploy(['source/a.zip', '--name', 'x'])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/no zip/),
    })
  })
})

describe('options', () => {
  test('become triggers, rules and settings of the job', async () => {
    const argv = ['source', '--name', 'full', '--schedule', '0 30 7 * * MON-FRI', '--time-zone', 'europe/berlin']
    const rules = ['--overlap', 'queue', '--timeout', '5m', '--retry', '3', '--retry-delay', '10s', '--memory', '512MB']
    const gets = [
      '--env',
      'REGION=eu=1',
      '--env',
      'EMPTY=',
      '--secret',
      'API_KEY=s3cret',
      '--arg',
      'a b',
      '--arg',
      '-x',
    ]
    expect((await deploy([...argv, ...rules, ...gets])).err).toBe('')
    expect(await server.client.jobs.get('full')).toMatchObject({
      triggers: [{ type: 'schedule', ncrontab: '0 30 7 * * MON-FRI', timeZone: 'Europe/Berlin' }],
      policy: { overlap: 'queue', timeout: '5m', retry: { kind: 'fixed', attempts: 4, delay: '10s' } },
      spec: {
        memory: '512MB',
        env: { REGION: 'eu=1', EMPTY: '' },
        secrets: { API_KEY: { set: true } },
        args: ['a b', '-x'],
      },
    })
  })

  test('that are left out keep what the job had; others can be taken away', async () => {
    await deploy(['source', '--name', 'keeps', '--env', 'A=1', '--env', 'B=2', '--secret', 'C=3', '--timeout', '1m'])
    await deploy(['source', '--name', 'keeps', '--env', 'A=9', '--unset', 'B', '--unset', 'C'])
    const job = await server.client.jobs.get('keeps')
    expect(job.policy.timeout).toBe('1m')
    expect(job.spec).toMatchObject({ env: { A: '9' } })
    expect(JSON.stringify(job.spec)).not.toMatch(/"[BC]"/)
  })

  test('make a job continuous, and it runs at once', async () => {
    await writeFile(join(folder, 'run.sh'), 'sleep 600\n')
    const { exit, out } = await deploy(['source', '--name', 'ever', '--continuous', '--singleton'])
    expect(exit).toBe(0)
    expect(out).toContain('for ever, on one instance')
    await server.client.jobs.patch('ever', { policy: { grace: '100ms' } })
    expect((await command(['script', 'stop', 'ever'], { env: env() })).exit).toBe(0)
  })

  test('a secret comes from the environment, from standard input, or is asked for', async () => {
    const value = async (name: string): Promise<string> => {
      const { out } = await command(['script', 'run', name, '--wait'], { env: env() })
      return out
    }
    await deploy(['source', '--name', 'from-env', '--secret', 'API_KEY'], { env: { ...env(), API_KEY: 'abc' } })
    await deploy(['source', '--name', 'from-stdin', '--secret', 'API_KEY'], { input: 'piped-secret\n' })
    const typing = { typed: true, input: 'typed-secret\r', columns: 80 }
    const asked = await deploy(['source', '--name', 'from-key', '--secret', 'API_KEY'], typing)
    expect(asked.err).toContain('Secret API_KEY: ')
    for (const name of ['from-env', 'from-stdin', 'from-key']) {
      expect((await server.client.jobs.get(name)).spec).toMatchObject({ secrets: { API_KEY: { set: true } } })
    }
    expect(await value('from-stdin')).toBe(' *** \n')
    expect(await value('from-key')).toBe(' *** \n')
  })

  test.each([
    [['--name', '-bad'], /letter or digit/],
    [['--name', 'ok', '--schedule', '0 0 0 * *'], /six/],
    [['--name', 'ok', '--schedule', '0 0 0 * * *', '--time-zone', 'Mars/Base'], /Mars\/Base/],
    [['--name', 'ok', '--singleton'], /--continuous/],
    [['--name', 'ok', '--time-zone', 'UTC'], /--schedule/],
    [['--name', 'ok', '--retry-delay', '5s'], /--retry/],
    [['--name', 'ok', '--timeout', '5'], /unit/],
    [['--name', 'ok', '--memory', 'lots'], /size/],
    [['--name', 'ok', '--memory', '1B'], /1B of memory is too little[\s\S]*Give 4MB at the least/],
    [['--name', 'ok', '--retry', 'often'], /whole number/],
    [['--name', 'ok', '--env', 'NOVALUE'], /--env NOVALUE=VALUE/],
    [['--name', 'ok', '--env', '=x'], /NAME=VALUE/],
    [['--name', 'ok', '--secret', 'A', '--secret', 'B'], /one secret only/],
  ])('%j are refused before anything is sent', async (argv, message) => {
    const { exit, err } = await deploy(['source', ...argv], {
      env: { JOBYARD_URL: 'http://127.0.0.1:9' },
      input: 'first\n',
    })
    expect(err).toMatch(message)
    expect(exit).toBe(2)
  })

  test('a schedule that never falls due is warned of', async () => {
    const { exit, err } = await deploy(['source', '--name', 'never', '--schedule', '0 0 0 30 2 *'])
    expect([exit, err]).toEqual([0, expect.stringMatching(/^warning: .* never falls due.*\n$/)])
    expect((await deploy(['source', '--name', 'never', '--schedule', '0 0 0 29 2 *'])).err).toBe('')
  })

  test('warnings about the script are shown', async () => {
    await writeFile(join(folder, 'run.sh'), 'echo hi\r\n')
    expect((await deploy(['source', '--name', 'windows'])).err).toMatch(/^warning: .*Windows line ends/)
  })
})
