import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { makeZip } from '../script/zip-maker.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer
let folder: string
let file: string

/** A server with a job that has a secret, data, output and two packages, and a backup of it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-backup-'))
  await chmod(folder, 0o711)
  server = await startLiveServer()
  const spec = { secrets: { KEY: 'kept-secret' } }
  await deployScript(server.client, 'kept', 'echo old', { spec })
  const script = 'cd "$JOBYARD_DATA_PATH"; echo "printed $(( $(cat count) + 1 ))"; echo $(( $(cat count) + 1 )) > count'
  const { id } = await deployScript(server.client, 'kept', script)
  const home = join(server.data, 'jobs', id, 'data')
  await server.client.runs.wait((await server.client.runs.create(id)).id)
  await symlink('count', join(home, 'link'))
  await symlink('/etc/passwd', join(home, 'outside'))
  await mkdir(join(home, 'empty'))
  await writeFile(join(home, 'with\\backslash'), 'x')
  file = join(folder, 'b.zip')
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const backup = (...argv: string[]) => command(['backup', ...argv, '--data', server.data], { folder })
const restore = (data: string, ...argv: string[]) => command(['restore', ...argv, '--data', data], { folder })

describe('a backup', () => {
  test('is made while the server runs and writes, and holds all but the key', async () => {
    let writing = true
    const writes = (async () => {
      for (let i = 0; writing; i++) await server.client.collections.create(`busy-${i}`)
    })()
    const { exit, out, err } = await backup('b.zip')
    writing = false
    await writes
    expect(exit, err).toBe(0)
    expect(out).toMatch(/Wrote .*b\.zip: \d+ entries/)
    expect(out).toContain(`${join(server.data, 'key')}: keep a copy of it elsewhere`)
    expect(err).toMatch(/^warning: left out.*with\\x5cbackslash|with\\backslash/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const key = (await readFile(join(server.data, 'key'), 'utf8')).trim()
    expect((await readFile(file)).includes(key)).toBe(false)
    expect(await readdir(folder)).toEqual(['b.zip'])
  })

  test('does not replace a file unless told to', async () => {
    const before = await readFile(file)
    expect((await backup('b.zip')).exit).toBe(1)
    expect(await readFile(file)).toEqual(before)
    expect((await backup('b.zip', '--force')).exit).toBe(0)
  })

  test('can leave out what runs have printed', async () => {
    expect((await backup('small.zip', '--no-output')).exit).toBe(0)
    const data = join(folder, 'small')
    expect((await restore(data, 'small.zip')).exit).toBe(0)
    expect(existsSync(join(data, 'jobyard.db'))).toBe(true)
    expect(existsSync(join(data, 'output.db'))).toBe(false)
    await rm(data, { recursive: true })
    await rm(join(folder, 'small.zip'))
  })

  test('of a folder without a database, or of PostgreSQL, is refused with what to do', async () => {
    expect(await command(['backup', 'x.zip', '--data', join(folder, 'none')], { folder })).toMatchObject({
      exit: 1,
      err: expect.stringContaining('--data'),
    })
    const env = { JOBYARD_DATABASE_URL: 'postgres://u:hidden@db/jobs' }
    const refused = await command(['backup', 'x.zip', '--data', server.data], { folder, env })
    expect(refused).toMatchObject({ exit: 1, err: expect.stringMatching(/pg_dump.*--files-only/) })
    expect(refused.err).not.toContain('hidden')
    const files = await command(['backup', 'files.zip', '--data', server.data, '--files-only'], { folder, env })
    expect(files.exit).toBe(0)
    const data = join(folder, 'files')
    expect((await restore(data, 'files.zip')).out).toContain('The database was not in it')
    expect(existsSync(join(data, 'jobyard.db'))).toBe(false)
    expect(existsSync(join(data, 'packages'))).toBe(true)
    await rm(data, { recursive: true })
    await rm(join(folder, 'files.zip'))
  })
})

describe('restoring', () => {
  test('brings everything back: jobs, history, output, packages, data of jobs and, with the key, secrets', async () => {
    const data = join(folder, 'back')
    const { exit, out, err } = await restore(data, 'b.zip')
    expect(exit, err).toBe(0)
    expect(out).toContain(`put the key file back as ${join(data, 'key')}`)
    for (const name of ['jobyard.db', 'output.db']) {
      expect((await stat(join(data, name))).mode & 0o777).toBe(0o600)
    }
    const [id = ''] = (await readdir(join(data, 'jobs'))).filter((name) => !name.startsWith('.'))
    const home = join(data, 'jobs', id, 'data')
    expect(await readlink(join(home, 'link'))).toBe('count')
    expect((await lstat(join(home, 'outside'))).isSymbolicLink()).toBe(true)
    expect((await stat(join(home, 'empty'))).isDirectory()).toBe(true)
    await copyFile(join(server.data, 'key'), join(data, 'key'))
    const again = await startLiveServer({ data })
    try {
      const job = await again.client.jobs.get('kept')
      expect(job).toMatchObject({ id, latestRun: { number: 1, state: 'completed' } })
      const text = await again.client.output.page(job.latestRun?.id ?? '')
      expect(text.items.find(({ stream }) => stream === 'output')?.text).toBe('printed 1\n')
      const run = await again.client.runs.wait((await again.client.runs.create(job.id)).id)
      expect(run).toMatchObject({ state: 'completed', number: 2 })
      expect(await readFile(join(home, 'count'), 'utf8')).toBe('2\n')
      await again.client.jobs.rollback(job.id)
      await again.client.runs.wait((await again.client.runs.create(job.id)).id)
    } finally {
      await again.stop()
    }
  })

  test('into a folder that is not empty is refused; with --force what is there is moved aside', async () => {
    const data = join(folder, 'full')
    await mkdir(join(data, 'packages'), { recursive: true })
    await writeFile(join(data, 'packages', 'mine'), 'mine')
    await writeFile(join(data, 'key'), 'the key')
    expect(await restore(data, 'b.zip')).toMatchObject({ exit: 3, err: expect.stringContaining('--force') })
    expect(await readFile(join(data, 'packages', 'mine'), 'utf8')).toBe('mine')
    const { exit, out } = await restore(data, 'b.zip', '--force')
    expect(exit).toBe(0)
    expect(out).not.toContain('key file back')
    const aside = (await readdir(data)).find((name) => name.startsWith('before-restore-')) ?? ''
    expect(await readFile(join(data, aside, 'packages', 'mine'), 'utf8')).toBe('mine')
    expect(await readFile(join(data, 'key'), 'utf8')).toBe('the key')
  })

  test.skipIf(process.getuid?.() !== 0)('by root gives everything to whom the data folder belongs', async () => {
    const data = join(folder, 'given')
    await mkdir(data)
    await chown(data, 65_534, 65_534)
    expect((await restore(data, 'b.zip')).exit).toBe(0)
    for (const name of [
      'jobyard.db',
      'output.db',
      'packages',
      'lock',
      join('packages', (await readdir(join(data, 'packages')))[0] ?? ''),
    ]) {
      expect((await stat(join(data, name))).uid, name).toBe(65_534)
    }
  })

  test('into the folder of a server that runs is refused', async () => {
    expect(await restore(server.data, 'b.zip', '--force')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('Stop the server'),
    })
  })

  test('a backup that is cut off, or is none, is refused, and nothing of it stays', async () => {
    const bytes = await readFile(file)
    const data = join(folder, 'damaged')
    for (const damaged of [bytes.subarray(0, bytes.length - 100), Buffer.from('no zip at all'), Buffer.alloc(0)]) {
      await writeFile(join(folder, 'damaged.zip'), damaged)
      expect(await restore(data, 'damaged.zip')).toMatchObject({ exit: 2 })
      expect(existsSync(data)).toBe(false)
    }
  })

  test('a backup with a byte that was changed, wherever, is refused or restored as it was', async () => {
    const bytes = await readFile(file)
    const original = join(folder, 'original')
    await restore(original, 'b.zip')
    const before = await readFile(join(original, 'jobyard.db'))
    const anywhere = fc.integer({ min: 0, max: bytes.length - 1 })
    const inDatabase = fc.integer({ min: bytes.indexOf('jobyard.db') + 100, max: 4000 })
    const data = join(folder, 'flipped')
    await fc.assert(
      fc.asyncProperty(fc.oneof(anywhere, inDatabase), async (at) => {
        await writeFile(join(folder, 'flipped.zip'), flip(bytes, at))
        const { exit, err } = await restore(data, 'flipped.zip')
        expect([0, 2], err).toContain(exit)
        if (exit === 0) expect(await readFile(join(data, 'jobyard.db'))).toEqual(before)
        else expect(existsSync(join(data, 'jobyard.db'))).toBe(false)
        expect(existsSync(join(data, '.restoring'))).toBe(false)
        await rm(data, { recursive: true, force: true })
      }),
      { numRuns: 40 },
    )
  })

  function flip(bytes: Buffer, at: number): Buffer {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ 0xff
    return copy
  }

  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

  function manifest(more: Readonly<Record<string, unknown>>): string {
    const base = { format: 1, version: '0.1.0', createdAt: '2026-11-21T00:00:00.000Z', database: 'sqlite' }
    return JSON.stringify({ ...base, migration: 1, output: true, entries: [], ...more })
  }

  function entry(path: string, contents: string, more: Readonly<Record<string, unknown>> = {}) {
    return { path, type: 'file', mode: 0o644, modified: 0, bytes: contents.length, sha256: sha256(contents), ...more }
  }

  async function restoreMade(text: string, files: Readonly<Record<string, string>> = {}) {
    const made = Object.entries(files).map(([name, data]) => ({ name, data }))
    await writeFile(join(folder, 'made.zip'), makeZip([...made, { name: 'manifest.json', data: text }]))
    const data = join(folder, 'made')
    const result = await restore(data, 'made.zip')
    const names = existsSync(data) ? await readdir(data) : []
    await rm(data, { recursive: true, force: true })
    return { ...result, names }
  }

  test.each([
    ['a later format', { format: 2 }],
    ['a later schema', { migration: 9999 }],
    ['a later version', { version: '99.0.0' }],
    ['a later patch', { version: '0.1.1' }],
  ])('a backup of %s is refused', async (_, more) => {
    expect(await restoreMade(manifest(more))).toMatchObject({ exit: 2, err: expect.stringContaining('or a later one') })
  })

  test.each([
    ['../evil', 'x'],
    ['jobs/../../evil', 'x'],
    ['/etc/evil', 'x'],
    ['key', 'x'],
    ['id', 'x'],
    ['jobs//evil', 'x'],
  ])('a manifest that names %s is refused', async (path, contents) => {
    const { exit, names } = await restoreMade(manifest({ entries: [entry(path, contents)] }), { 'jobs/a': contents })
    expect(exit).toBe(2)
    expect(names).not.toContain('jobs')
    expect(existsSync(join(folder, 'evil'))).toBe(false)
  })

  test('a file that is missing, longer or other than the manifest says is refused', async () => {
    const said = manifest({ entries: [entry('packages/a', 'abc')] })
    expect(await restoreMade(said)).toMatchObject({ exit: 2, err: expect.stringContaining('lacks packages/a') })
    for (const other of ['abd', 'abcd', 'ab', '']) {
      expect(await restoreMade(said, { 'packages/a': other })).toMatchObject({
        exit: 2,
        err: expect.stringContaining('damaged'),
      })
    }
    expect(await restoreMade(said, { 'packages/a': 'abc' })).toMatchObject({ exit: 0, names: ['lock', 'packages'] })
  })

  test('nothing is written through a link that a backup brings', async () => {
    const target = join(folder, 'victim')
    await mkdir(target)
    const link = entry('jobs/link', target, { type: 'link' })
    const through = entry('jobs/link/file', 'x')
    const { exit } = await restoreMade(manifest({ entries: [link, through] }), {
      'jobs/link': target,
      'jobs/link/file': 'x',
    })
    expect(exit).not.toBe(0)
    expect(await readdir(target)).toEqual([])
  })

  test('a zip without a manifest is no backup', async () => {
    await writeFile(join(folder, 'other.zip'), makeZip([{ name: 'a', data: 'b' }]))
    expect(await restore(join(folder, 'other'), 'other.zip')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('manifest.json'),
    })
    expect(await restore(join(folder, 'other'), 'nowhere.zip')).toMatchObject({ exit: 2 })
  })
})
