import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
  await deployScript(server.client, 'report', 'true')
  await deployScript(server.client, 'repair', 'true')
  await deployScript(server.client, 'other', 'true')
  await server.client.collections.create('web')
})
afterAll(async () => {
  await server.stop()
})

async function complete(...words: string[]): Promise<string[]> {
  const { exit, out, err } = await command(['complete', '--', ...words], { env: server.env })
  expect([exit, err]).toEqual([0, ''])
  return out === '' ? [] : out.trimEnd().split('\n')
}

describe('completion', () => {
  test('knows commands', async () => {
    expect(await complete('s')).toEqual(['serve', 'status', 'script', 'schedule', 'settings'])
    expect(await complete('script', 'r')).toEqual(['runs', 'run', 'rollback', 'rm'])
    expect(await complete('')).not.toContain('complete')
  })

  test('knows the options of a command', async () => {
    expect(await complete('script', 'logs', '--')).toEqual(
      expect.arrayContaining(['--follow', '--run', '--tail', '--collection', '--json', '--url', '--help']),
    )
    expect(await complete('serve', '--data')).toEqual(['--data', '--database-url'])
  })

  test('knows what an option or an argument may be', async () => {
    expect(await complete('token', 'create', 'x', '--role', '')).toEqual(['admin', 'deployer', 'operator', 'viewer'])
    expect(await complete('script', 'deploy', 'x', '--overlap', 're')).toEqual(['replace'])
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  test('knows the names on the server', async () => {
    expect(await complete('script', 'logs', 're')).toEqual(['repair', 'report'])
    expect(await complete('script', 'logs', '--tail', '5', 'o')).toEqual(['other'])
    expect(await complete('webhook', 'show', '')).toEqual(['other', 'repair', 'report'])
    expect(await complete('collection', 'rm', 'w')).toEqual(['web'])
    expect(await complete('script', 'list', '--collection', 'w')).toEqual(['web'])
    expect(await complete('script', 'show', 'report', '')).toEqual([])
  })

  test('offers nothing, and no error, when the server is away', async () => {
    const env = { JOBYARD_URL: 'http://127.0.0.1:9' }
    expect(await command(['complete', '--', 'script', 'show', ''], { env })).toEqual({ exit: 0, out: '', err: '' })
  })
})

describe('in a shell', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jobyard-completion-'))
    const launcher = join(import.meta.dirname, '../../bin/jobyard.js')
    await writeFile(join(folder, 'jobyard'), `#!/bin/sh\nexec ${process.execPath} ${launcher} "$@"\n`)
    await chmod(join(folder, 'jobyard'), 0o755)
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('bash completes words, and files where there is nothing else', async () => {
    const script = `
      source <(jobyard completion bash)
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _jobyard; echo "\${COMPREPLY[*]}"; }
      try jobyard scr
      try jobyard script deploy "" --overlap q
      cd ${folder}
      try jobyard script deploy jo
      complete -p jobyard
    `
    const env = { ...server.env, PATH: `${folder}:${process.env.PATH}`, HOME: folder }
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { env, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toBe('script\nqueue\njobyard\ncomplete -F _jobyard jobyard\n')
  })

  test.each(['zsh', 'fish'])('%s accepts what is made for it', async (shell) => {
    const { exit, out } = await command(['completion', shell])
    expect(exit).toBe(0)
    expect(out).toContain('jobyard complete --')
    const checked = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' })
    // Where the shell is not installed there is nothing to hold it against.
    if (checked.error === undefined) expect([checked.status, checked.stderr]).toEqual([0, ''])
  })
})
