import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../../bin/jobyard.js')
const run = promisify(execFile)

/** A Node of the machine that is too old to run the program, if there is one. */
async function findOldNode(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, 'node')
    try {
      await stat(file)
      const { stdout } = await run(file, ['--version'])
      if (Number(stdout.slice(1).split('.')[0]) < 26) return file
    } catch (error) {
      if (!(error instanceof Error)) throw error
    }
  }
  return undefined
}

/** The environment without what the test runner put there, which a server would refuse as settings that it does not know. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('JOBYARD_')))
}

const oldNode = await findOldNode()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-launcher-'))
  await chmod(folder, 0o711)
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function outcome(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...text }
}

describe('the launcher', () => {
  test('runs the program and ends with its exit code', async () => {
    expect(await outcome(process.execPath, [LAUNCHER, '--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' })
    expect(await outcome(process.execPath, [LAUNCHER, 'nonsense'])).toMatchObject({ code: 2, out: '' })
  })

  test('is found through a link, as npx and global installations make one', async () => {
    const link = join(folder, 'jobyard')
    await symlink(LAUNCHER, link)
    expect(await outcome(process.execPath, [link, '--version'])).toMatchObject({ code: 0, out: '0.1.0\n' })
  })

  test('keeps what was compiled in a folder of the user’s own, and does without one', async () => {
    const cache = join(folder, 'cache')
    await mkdir(cache)
    await outcome(process.execPath, [LAUNCHER, '--version'], { ...process.env, XDG_CACHE_HOME: cache })
    expect((await stat(join(cache, 'jobyard'))).isDirectory()).toBe(true)
    const env = { ...process.env, XDG_CACHE_HOME: '/nonexistent/place' }
    expect(await outcome(process.execPath, [LAUNCHER, '--version'], env)).toMatchObject({ code: 0, err: '' })
  })

  test.skipIf(process.getuid?.() !== 0)('takes no compiled code from a folder of somebody else', async () => {
    const foreign = join(folder, 'foreign')
    await mkdir(foreign)
    await run('chown', ['nobody', foreign])
    await outcome(process.execPath, [LAUNCHER, '--version'], { ...process.env, XDG_CACHE_HOME: foreign })
    await expect(stat(join(foreign, 'jobyard'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe.skipIf(oldNode === undefined)('the launcher on an older Node', () => {
  const old = oldNode ?? ''

  test('hands over to the Node that came with npm', async () => {
    expect(await outcome(old, [LAUNCHER, '--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' })
    expect(await outcome(old, [LAUNCHER, 'script', 'deploy'])).toMatchObject({ code: 2 })
  })

  test('hands signals on and ends as the program does', async () => {
    const data = join(folder, 'data')
    const args = ['serve', '--json', '--data', data, '--port', '0', '--log-level', 'silent']
    const child = spawn(old, [LAUNCHER, ...args], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    const { pid, address } = JSON.parse(String(line)) as { pid: number; address: string }
    expect(pid).not.toBe(child.pid)
    expect((await fetch(`${address}/health/live`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })

  test('says which version is needed and how to get it where there is none', async () => {
    const place = join(folder, 'alone', 'bin')
    await mkdir(place, { recursive: true })
    await copyFile(LAUNCHER, join(place, 'jobyard.js'))
    await copyFile(join(LAUNCHER, '../package.json'), join(place, 'package.json'))
    const { code, out, err } = await outcome(old, [join(place, 'jobyard.js'), '--help'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^jobyard: Node 26 or newer is needed; this is Node \d+\.\d+\.\d+ \(.*node\)\.\n/)
    expect(err).toMatch(/nodejs\.org/)
    expect(err).not.toContain('npm ci')
    await mkdir(join(place, '../src'))
    expect((await outcome(old, [join(place, 'jobyard.js')])).err).toContain('npm ci')
  })

  test('does not take an old Node for a new one', async () => {
    const place = join(folder, 'stale')
    await cp(join(LAUNCHER, '..'), join(place, 'bin'), { recursive: true })
    const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
    await mkdir(join(place, 'node_modules', name, 'bin'), { recursive: true })
    await writeFile(join(place, 'node_modules', name, 'package.json'), '{"version":"20.0.0"}')
    await symlink(old, join(place, 'node_modules', name, 'bin', 'node'))
    expect((await outcome(old, [join(place, 'bin', 'jobyard.js'), '--version'])).code).toBe(1)
  })
})
