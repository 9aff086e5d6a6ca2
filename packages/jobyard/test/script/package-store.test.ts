import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ZipFile } from 'yazl'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { clock, IS_ROOT, ids, listTree, makeFile, makeTemporary, modeOf, NOBODY, OWN, refusal } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const PATH = '/usr/local/bin:/usr/bin:/bin'
const umask = process.umask()

let folder: string
let store: PackageStore

function makeStore(path = PATH): PackageStore {
  return new PackageStore({ folder, clock, ids, interpreters: { path, user: OWN, platform: 'linux' } })
}

beforeEach(async () => {
  folder = join(makeTemporary(), 'packages')
  store = makeStore()
  await store.open()
})

afterEach(() => {
  process.umask(umask)
})

const SCRIPT: MadeEntry = { name: 'run.sh', data: 'echo hello\n' }

function zipOf(...entries: readonly MadeEntry[]): string {
  return makeFile(makeZip(entries))
}

/** Names in the store that are no package, and packages: what there should be and nothing else. */
function names(): string[] {
  return readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`))
}

test('a zip becomes a package that can be listed, read and described', async () => {
  const settings = '{"schedule": "0 0 3 * * *"}'
  const info = await store.addZip(
    zipOf({ name: 'lib/x.txt', data: 'x' }, SCRIPT, { name: 'settings.job', data: settings }, { name: 'logs/' }),
  )
  expect(info).toMatchObject({
    files: 3,
    bytes: 12 + settings.length,
    script: { file: 'run.sh', directory: '', host: 'bash', interpreter: 'bash' },
    settings: { schedule: '0 0 3 * * *' },
    disabled: false,
    warnings: [],
  })
  expect(info.hash).toMatch(/^[0-9a-f]{64}$/)
  expect(names()).toEqual([`${info.hash.slice(0, 2)}/${info.hash}`])
  expect((await store.list(info.hash)).map((file) => file.path)).toEqual(['lib/x.txt', 'run.sh', 'settings.job'])
  expect(listTree(store.filesFolder(info.hash))).toEqual(['lib/', 'lib/x.txt', 'logs/', 'run.sh', 'settings.job'])
  const { stream, bytes } = await store.openFile(info.hash, 'run.sh')
  expect(await text(stream)).toBe('echo hello\n')
  expect(bytes).toBe(11)
  const reopened = makeStore()
  await reopened.open()
  expect(await reopened.describe(info.hash)).toEqual(info)
  expect(await reopened.has(info.hash)).toBe(true)
  expect(await reopened.hashes()).toEqual([info.hash])
})

test('script and settings are looked for in the folder that wraps everything', async () => {
  const entries = [
    SCRIPT,
    { name: 'Settings.Job', data: '{"is_singleton": true}' },
    { name: 'disable.job' },
    { name: 'sub/settings.job', data: 'no JSON' },
  ]
  const info = await store.addZip(zipOf(...entries.map((entry) => ({ ...entry, name: `wrap/${entry.name}` }))))
  expect(info).toMatchObject({
    script: { file: 'wrap/run.sh', directory: 'wrap' },
    settings: { isSingleton: true },
    disabled: true,
  })
})

test('the same contents have the same hash however they are packed', async () => {
  const entries: MadeEntry[] = [
    { name: 'run.sh', data: 'echo hello\n', mode: 0o100755 },
    { name: 'data/a.txt', data: 'a' },
    { name: 'empty/' },
  ]
  const first = await store.addZip(zipOf(...entries))
  const variants: MadeEntry[][] = [
    entries.toReversed(),
    entries.map((entry) => ({ ...entry, method: 0 })),
    entries.map((entry) => ({ ...entry, modified: new Date(Date.UTC(2001, 1, 1)) })),
    [{ name: 'data/' }, ...entries, { name: 'data/', mode: 0o040700 }],
    [{ name: 'run.sh', data: 'echo hello\n', mode: 0o100744 }, ...entries.slice(1)],
  ]
  for (const variant of variants) expect((await store.addZip(zipOf(...variant))).hash).toBe(first.hash)
  // A folder, packed by the library that the command line uses.
  const zip = new ZipFile()
  const tree = makeTemporary()
  writeFileSync(join(tree, 'run.sh'), 'echo hello\n', { mode: 0o755 })
  writeFileSync(join(tree, 'a.txt'), 'a')
  zip.addFile(join(tree, 'a.txt'), 'data/a.txt')
  zip.addEmptyDirectory('empty')
  zip.addFile(join(tree, 'run.sh'), 'run.sh')
  zip.end()
  expect((await store.addZip(makeFile(await buffer(zip.outputStream)))).hash).toBe(first.hash)
  expect(await store.hashes()).toEqual([first.hash])
})

test('what differs in contents, name, executable bit or empty folders has another hash', async () => {
  const base: MadeEntry[] = [SCRIPT, { name: 'a', data: 'text' }]
  const variants: MadeEntry[][] = [
    base,
    [SCRIPT, { name: 'a', data: 'tex' }],
    [SCRIPT, { name: 'b', data: 'text' }],
    [SCRIPT, { name: 'a', data: 'text', mode: 0o100755 }],
    [...base, { name: 'c/' }],
    [SCRIPT, { name: 'a/' }],
  ]
  const hashes: string[] = []
  for (const variant of variants) hashes.push((await store.addZip(zipOf(...variant))).hash)
  expect(new Set(hashes).size).toBe(variants.length)
})

test('a single file is a package, and the same one as a zip that holds just it', async () => {
  const info = await store.add(makeFile('echo hello\n'), 'backup.sh')
  expect(info).toMatchObject({ files: 1, bytes: 11, script: { file: 'backup.sh', host: 'bash' } })
  expect((await store.addZip(zipOf({ ...SCRIPT, name: 'backup.sh' }))).hash).toBe(info.hash)
  expect(readFileSync(join(store.filesFolder(info.hash), 'backup.sh'), 'utf8')).toBe('echo hello\n')
})

test('an upload is a zip when it begins like one, whatever its name; a .jar is a file', async () => {
  const zip = zipOf(SCRIPT)
  expect((await store.add(zip, 'run.sh')).script.file).toBe('run.sh')
  expect((await store.add(zip, 'anything')).script.file).toBe('run.sh')
  expect((await store.add(zip, 'App.JAR')).script).toMatchObject({ file: 'App.JAR', host: 'java' })
  expect((await refusal(() => store.add(makeFile('text'), 'job.zip'), 'archive-broken')).message).toContain(
    'does not begin with "PK"',
  )
  expect((await refusal(() => store.add(makeFile(makeZip([])), 'job.zip'), 'script-missing')).field).toBe('package')
  expect((await refusal(() => store.add(makeFile(''), 'readme.txt'), 'script-missing')).message).toContain(
    '"readme.txt"',
  )
  await refusal(() => store.add(makeFile('echo'), 'run.cmd'), 'script-unsupported')
})

test.each(['../run.sh', 'a/run.sh', '/run.sh', 'a\\run.sh', 'C:run.sh', '.', '', 'run\0.sh', './run.sh'])(
  'a single file cannot be called %j',
  async (name) => {
    await refusal(() => store.addFile(makeFile('echo'), name), 'archive-unsafe')
  },
)

test('a single file too large is refused', async () => {
  const small = new PackageStore({
    folder,
    clock,
    ids,
    limits: { fileBytes: 10 },
    interpreters: { path: PATH, user: OWN },
  })
  expect((await refusal(() => small.addFile(makeFile('x'.repeat(11)), 'run.sh'), 'archive-too-large')).field).toBe(
    'package',
  )
})

test('a refused upload leaves nothing, and a package that was there stays', async () => {
  const { hash } = await store.addZip(zipOf(SCRIPT))
  const refused: [MadeEntry[], string][] = [
    [[{ name: 'readme.md' }], 'script-missing'],
    [[{ name: 'run.bat' }], 'script-unsupported'],
    [[SCRIPT, { name: '../x' }], 'archive-unsafe'],
  ]
  for (const [entries, code] of refused) expect((await refusal(() => store.addZip(zipOf(...entries)))).code).toBe(code)
  expect(names()).toEqual([`${hash.slice(0, 2)}/${hash}`])
})

test.each([
  ['settings-unreadable', 'schedule=1'],
  ['settings-unreadable', ' '.repeat(70_000)],
  ['schedule-invalid', '{"schedule": "* * *"}'],
  ['settings-ignored', '{"is_in_place": 1}'],
  ['settings-unknown', '{"jobyard": {"overlapp": "queue"}}'],
])('a package with a wrong settings.job is taken, with the warning %s', async (code, data) => {
  const { warnings } = await store.addZip(zipOf(SCRIPT, { name: 'settings.job', data }))
  expect(warnings).toMatchObject([{ code, message: expect.stringContaining('settings.job') }])
})

test('adding the same twice, also at the same time, makes one package and touches nothing', async () => {
  const { hash } = await store.addZip(zipOf(SCRIPT))
  const before = statSync(join(store.filesFolder(hash), '..')).ctimeMs
  const again = await Promise.all(Array.from({ length: 4 }, () => store.addZip(zipOf(SCRIPT))))
  expect(again.map((info) => info.hash)).toEqual(Array(4).fill(hash))
  expect(statSync(join(store.filesFolder(hash), '..')).ctimeMs).toBe(before)
  const fresh = await Promise.all(Array.from({ length: 4 }, () => store.addFile(makeFile('x'), 'new.sh')))
  expect(new Set(fresh.map((info) => info.hash)).size).toBe(1)
  expect(names()).toHaveLength(2)
})

test('everything can be read by the user of jobs and written by the server alone, whatever the umask', async () => {
  process.umask(0o077)
  store = makeStore()
  folder = join(makeTemporary(), 'packages')
  store = makeStore()
  await store.open()
  const { hash } = await store.addZip(zipOf(SCRIPT, { name: 'bin/tool', mode: 0o100700 }))
  const place = join(folder, hash.slice(0, 2), hash)
  const modes = [folder, join(folder, hash.slice(0, 2)), place, store.filesFolder(hash), join(place, 'files/bin')].map(
    modeOf,
  )
  expect(modes.map((mode) => mode.toString(8))).toEqual(Array(5).fill('755'))
  expect(modeOf(join(place, 'files/run.sh')).toString(8)).toBe('644')
  expect(modeOf(join(place, 'files/bin/tool')).toString(8)).toBe('755')
  expect(statSync(place).uid).toBe(process.getuid?.() ?? 0)
})

test('only files of the listing can be opened', async () => {
  const { hash } = await store.addZip(zipOf(SCRIPT, { name: 'a/b', data: 'b' }))
  const secret = makeFile('secret')
  symlinkSync(secret, join(store.filesFolder(hash), 'link'))
  for (const path of [
    'link',
    '../manifest.json',
    './run.sh',
    'a',
    'a/',
    '/etc/passwd',
    `${store.filesFolder(hash)}/run.sh`,
    'a/../run.sh',
    '',
  ]) {
    await refusal(() => store.openFile(hash, path), 'package-file-not-found')
  }
  expect(await text((await store.openFile(hash, 'a/b')).stream)).toBe('b')
})

test.each(['', 'abc', '../../etc', 'F'.repeat(64), '0'.repeat(64), `${'0'.repeat(63)}/`])(
  'there is no package %j',
  async (hash) => {
    expect(await store.has(hash)).toBe(false)
    for (const ask of [store.list(hash), store.describe(hash), store.openFile(hash, 'run.sh')]) {
      expect((await refusal(() => ask, 'package-not-found')).status).toBe(404)
    }
  },
)

test('a removed package is gone, and can come again', async () => {
  const { hash } = await store.addZip(zipOf(SCRIPT))
  await store.list(hash)
  await store.remove(hash)
  await store.remove(hash)
  expect(await store.has(hash)).toBe(false)
  await refusal(() => store.list(hash), 'package-not-found')
  expect(names()).toEqual([])
  expect((await store.addZip(zipOf(SCRIPT))).hash).toBe(hash)
  expect(await store.list(hash)).toHaveLength(1)
})

test('a missing interpreter is a warning', async () => {
  store = makeStore('/nonexistent')
  const { warnings, script } = await store.addZip(zipOf({ name: 'run.php', data: '<?php' }))
  expect(script).toMatchObject({ host: 'php', interpreter: 'php' })
  expect(warnings).toMatchObject([{ code: 'interpreter-missing' }])
  expect(warnings[0]?.message).toContain('php was not found')
})

test('Windows line ends in a shell script are a warning', async () => {
  const { warnings } = await store.addZip(zipOf({ name: 'run.sh', data: '#!/bin/bash\r\necho\r\n' }))
  expect(warnings).toMatchObject([{ code: 'script-line-ends' }])
})

test('warnings of the settings and of the script come together', async () => {
  const { warnings } = await store.addZip(
    zipOf(SCRIPT, { name: 'run.cmd' }, { name: 'settings.job', data: '{"is_singleton": 1}' }),
  )
  expect(warnings.map((each) => each.code)).toEqual(['script-passed-over', 'settings-ignored'])
})

test.skipIf(!IS_ROOT)('TypeScript that another Node would run is a warning (only root can try it)', async () => {
  const top = makeTemporary()
  chmodSync(top, 0o755)
  mkdirSync(join(top, 'shut'), { mode: 0o700 })
  for (const place of ['shut/node', 'node']) writeFileSync(join(top, place), '#!/bin/sh\n', { mode: 0o755 })
  const interpreters = { path: top, user: NOBODY, execPath: join(top, 'shut/node') }
  store = new PackageStore({ folder, clock, ids, interpreters })
  expect((await store.addFile(makeFile('let a: number'), 'run.ts')).warnings).toMatchObject([
    { code: 'interpreter-version' },
  ])
  expect((await store.addFile(makeFile('let a'), 'run.js')).warnings).toEqual([])
})

test('no folder is there that should not be', () => {
  expect(existsSync(join(folder, '.temporary'))).toBe(true)
  expect(modeOf(join(folder, '.temporary')).toString(8)).toBe('700')
})
