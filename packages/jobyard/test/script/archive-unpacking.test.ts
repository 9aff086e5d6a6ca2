import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { ZipFile } from 'yazl'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import type { PackageTree } from '../../src/kinds/script/package-tree.ts'
import { listTree, makeFile, makeTemporary, modeOf } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const NOW = Date.UTC(2026, 10, 20)

async function unpack(zip: Buffer): Promise<{ folder: string; tree: PackageTree }> {
  const folder = join(makeTemporary(), 'tree')
  return { folder, tree: await unpackArchive(makeFile(zip), folder, { now: NOW }) }
}

const umask = process.umask()
afterEach(() => {
  process.umask(umask)
})

test('files and folders come out as they went in', async () => {
  const { folder, tree } = await unpack(
    makeZip([
      { name: 'run.sh', data: 'echo hello\n' },
      { name: 'lib/deep/data.bin', data: Buffer.from([0, 255, 10]), method: 0 },
      { name: 'empty/' },
      { name: 'nothing', data: '' },
    ]),
  )
  expect(listTree(folder)).toEqual(['empty/', 'lib/', 'lib/deep/', 'lib/deep/data.bin', 'nothing', 'run.sh'])
  expect(readFileSync(join(folder, 'lib/deep/data.bin'))).toEqual(Buffer.from([0, 255, 10]))
  expect(tree.folders).toEqual(['lib', 'lib/deep', 'empty'])
  expect(tree.files[0]).toEqual({
    path: 'run.sh',
    bytes: 11,
    executable: false,
    modified: Date.UTC(2026, 0, 2, 3, 4, 6),
    sha256: createHash('sha256').update('echo hello\n').digest('hex'),
  })
})

test('others can read what the server unpacked, whatever its umask; executable bits stay, other bits do not', async () => {
  process.umask(0o077)
  const { folder, tree } = await unpack(
    makeZip([
      { name: 'bin/tool', mode: 0o100700 },
      { name: 'bin/plain', mode: 0o100600 },
      { name: 'bin/open', mode: 0o100666 },
      { name: 'bin/root', mode: 0o104755 },
      { name: 'bare', mode: 0o755 },
      { name: 'windows' },
      { name: 'shut/', mode: 0o040700 },
    ]),
  )
  const modes = ['.', 'bin', 'shut', 'bin/tool', 'bin/plain', 'bin/open', 'bin/root', 'bare', 'windows'].map((name) =>
    modeOf(join(folder, name)).toString(8),
  )
  expect(modes).toEqual(['755', '755', '755', '755', '644', '644', '755', '755', '644'])
  expect(tree.files.map((file) => file.executable)).toEqual([true, false, false, true, true, false])
})

test('times are kept; those that cannot be are the time of the upload', async () => {
  const extended = Buffer.alloc(9)
  extended.writeUInt16LE(0x5455, 0)
  extended.writeUInt16LE(5, 2)
  extended.writeUInt8(1, 4)
  extended.writeInt32LE(1_700_000_001, 5)
  const before1970 = Buffer.from(extended)
  before1970.writeInt32LE(-5, 5)
  const { folder, tree } = await unpack(
    makeZip([
      { name: 'dos', modified: new Date(Date.UTC(2020, 1, 29, 12, 30, 10)) },
      { name: 'extended', extra: extended },
      { name: 'future', modified: new Date(Date.UTC(2090, 0, 1)) },
      { name: 'past', extra: before1970 },
    ]),
  )
  const expected = [Date.UTC(2020, 1, 29, 12, 30, 10), 1_700_000_001_000, NOW, NOW]
  expect(tree.files.map((file) => file.modified)).toEqual(expected)
  expect(tree.files.map((file) => statSync(join(folder, file.path)).mtimeMs)).toEqual(expected)
})

test('names: UTF-8 with and without its flag, code page 437, and parts that say nothing', async () => {
  const entries: MadeEntry[] = [
    { name: 'größe.sh' },
    { name: Buffer.from('naïve.txt') },
    { name: Buffer.from([0x81, 0x2e, 0x61]) },
    { name: './here//x' },
    { name: './' },
  ]
  const { folder } = await unpack(makeZip(entries))
  expect(listTree(folder)).toEqual(['größe.sh', 'here/', 'here/x', 'naïve.txt', 'ü.a'].toSorted())
})

test('a folder may be named twice, and after the files in it', async () => {
  const { folder } = await unpack(
    makeZip([{ name: 'a/b' }, { name: 'a/' }, { name: 'a/', mode: 0o040755 }, { name: 'c', mode: 0o040755 }]),
  )
  expect(listTree(folder)).toEqual(['a/', 'a/b', 'c/'])
})

test('what a common library packs is unpacked, streamed sizes and zip64 included', async () => {
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from('print(1)\n'), 'run.py', { mode: 0o100755, forceZip64Format: true })
  zip.addReadStream(Readable.from([Buffer.alloc(100_000, 'abc'), Buffer.from('end')]), 'data/streamed.txt')
  zip.addEmptyDirectory('logs')
  zip.end({ forceZip64Format: true, comment: 'made by a test' })
  const { folder, tree } = await unpack(await buffer(zip.outputStream))
  expect(listTree(folder)).toEqual(['data/', 'data/streamed.txt', 'logs/', 'run.py'])
  expect(tree.files.map(({ bytes, executable }) => [bytes, executable])).toEqual([
    [9, true],
    [100_003, false],
  ])
})

test('what is there already is not written to', async () => {
  const folder = makeTemporary()
  await expect(unpackArchive(makeFile(makeZip([{ name: 'a' }])), folder, { now: NOW })).rejects.toMatchObject({
    code: 'EEXIST',
  })
  expect(listTree(folder)).toEqual([])
})
