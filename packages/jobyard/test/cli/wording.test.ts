import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from './test-terminal.ts'

const WORDING = join(import.meta.dirname, '../../src/cli/wording.ts')
const run = promisify(execFile)

describe('a moment', () => {
  test.each([
    ['UTC', '2026-11-21T02:00:00.000Z', '2026-11-21 02:00:00 +00:00'],
    ['Europe/Berlin', '2026-11-21T02:00:00.000Z', '2026-11-21 03:00:00 +01:00'],
    ['Europe/Berlin', '2026-10-25T00:30:00.000Z', '2026-10-25 02:30:00 +02:00'],
    ['Europe/Berlin', '2026-10-25T01:30:00.000Z', '2026-10-25 02:30:00 +01:00'],
    ['America/St_Johns', '2026-11-21T02:00:00.000Z', '2026-11-20 22:30:00 -03:30'],
    ['Asia/Kathmandu', '2026-11-21T02:00:00.000Z', '2026-11-21 07:45:00 +05:45'],
  ])('in %s of %s is told with its distance to UTC', async (zone, instant, words) => {
    const code = `import { sayTime } from ${JSON.stringify(WORDING)}; console.log(sayTime(${JSON.stringify(instant)}))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, TZ: zone },
    })
    expect(stdout).toBe(`${words}\n`)
  })
})

describe('commands are told as they must be typed', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jobyard-path-'))
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin', 'jobyard'), '#!/bin/sh\n')
    await chmod(join(folder, 'bin', 'jobyard'), 0o755)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What a command says about a login that is missing. */
  async function advice(env: Readonly<Record<string, string>>): Promise<string> {
    const { err } = await command(['login', '--url', 'http://user:password@localhost'], { env, home: folder })
    return err
  }

  test('in a checkout, where no shell finds the program', async () => {
    expect(await advice({})).toContain('`npx jobyard login`')
    expect(await advice({ PATH: ['', '/nonexistent', folder].join(delimiter) })).toContain('`npx jobyard login`')
  })

  test('where npm started it, which knows more programs than the shell does', async () => {
    const path = join(folder, 'bin')
    expect(await advice({ PATH: path, npm_lifecycle_event: 'npx' })).toContain('`npx jobyard login`')
  })

  test('where shells find it', async () => {
    expect(await advice({ PATH: ['/nonexistent', join(folder, 'bin')].join(delimiter) })).toContain('`jobyard login`')
  })
})
