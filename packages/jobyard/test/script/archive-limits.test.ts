import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { JobyardError } from '../../src/domain/errors.ts'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from '../../src/kinds/script/archive-limits.ts'
import { listTree, makeFile, makeTemporary, refusal } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const MB = 1024 * 1024

async function unpack(entries: readonly MadeEntry[], limits: Partial<ArchiveLimits> = {}): Promise<string[]> {
  const folder = join(makeTemporary(), 'tree')
  try {
    await unpackArchive(makeFile(makeZip(entries)), folder, { now: 1e12, limits })
    return listTree(folder)
  } catch (error) {
    expect(existsSync(folder)).toBe(false)
    throw error
  }
}

async function tooLarge(entries: readonly MadeEntry[], limits: Partial<ArchiveLimits> = {}): Promise<JobyardError> {
  const error = await refusal(() => unpack(entries, limits), 'archive-too-large')
  expect(error).toMatchObject({ status: 413, exit: 2, field: 'package' })
  return error
}

/** Bytes that this process has given to write calls so far. */
function bytesWritten(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

function files(count: number, name = (index: number): string => `f${index}`): MadeEntry[] {
  return Array.from({ length: count }, (_, index) => ({ name: name(index), data: 'x', method: 0 }))
}

test('the limits are those that the documentation names', () => {
  expect(DEFAULT_ARCHIVE_LIMITS).toEqual({
    entries: 10_000,
    fileBytes: 50 * MB,
    totalBytes: 200 * MB,
    ratio: 100,
    ratioFreeBytes: MB,
    nameLength: 240,
  })
})

test('one entry too many is refused, and as many as allowed are not', async () => {
  expect(await unpack(files(5), { entries: 5 })).toHaveLength(5)
  expect((await tooLarge(files(6), { entries: 5 })).message).toBe('The archive has more than 5 entries.')
})

test('folders that only names imply are counted as well', async () => {
  const nested = files(3, (index) => `${index}/a/b/file`)
  expect(await unpack(nested, { entries: 9 })).toHaveLength(12)
  expect((await tooLarge(nested, { entries: 8 })).message).toContain('more than 8 folders')
})

test('folders with an entry of their own count as that entry only', async () => {
  const entries = [{ name: 'a/' }, { name: 'b/' }, { name: 'x/y/z/file', data: '' }]
  expect(await unpack(entries, { entries: 3 })).toHaveLength(6)
})

test('a file too large is refused, and one of just that size is not', async () => {
  const entry = (size: number, method: number): MadeEntry => ({ name: 'big.bin', data: randomBytes(size), method })
  expect(await unpack([entry(1000, 0)], { fileBytes: 1000 })).toEqual(['big.bin'])
  for (const method of [0, 8]) {
    const error = await tooLarge([entry(1001, method)], { fileBytes: 1000 })
    expect(error.message).toBe('The entry "big.bin" is larger than 1000 bytes.')
    expect(error.data).toEqual({ entry: 'big.bin' })
  }
})

test('all files together are limited', async () => {
  const entries = ['a', 'b', 'c'].map((name) => ({ name, data: randomBytes(400) }))
  expect(await unpack(entries, { totalBytes: 1200 })).toHaveLength(3)
  expect((await tooLarge(entries, { totalBytes: 1199 })).message).toContain('more than 1199 bytes together')
})

test('names are limited as a whole and in their parts', async () => {
  const long = `${'a'.repeat(119)}/${'b'.repeat(120)}`
  expect(await unpack([{ name: long }])).toHaveLength(2)
  expect((await tooLarge([{ name: `${long}c` }])).message).toContain('has 241 characters; at most 240')
  expect((await tooLarge([{ name: '\u{20000}'.repeat(64) }])).message).toContain('more than 255 bytes')
})

test('a ratio above the limit is refused only after the first megabyte', async () => {
  const zeros = (size: number): MadeEntry => ({ name: 'zeros', data: Buffer.alloc(size) })
  expect(await unpack([zeros(MB)])).toEqual(['zeros'])
  expect((await tooLarge([zeros(MB + 1)])).message).toBe(
    'The entry "zeros" is more than 100 times as large as its compressed form.',
  )
  expect(await unpack([zeros(2 * MB)], { ratio: 2000 })).toEqual(['zeros'])
})

test('a text that packs well but not absurdly is taken', async () => {
  const lines = Array.from({ length: 60_000 }, (_, index) => `${index};the same words in every line of the report\n`)
  expect(await unpack([{ name: 'report.csv', data: lines.join('') }])).toEqual(['report.csv'])
})

test('a bomb writes hardly more than its first megabyte, whatever it declares', async () => {
  const packed = deflateRawSync(Buffer.alloc(45 * MB))
  expect(packed.length).toBeLessThan(MB / 20)
  for (const declaredSize of [45 * MB, 0xfffffff0]) {
    const before = process.platform === 'linux' ? bytesWritten() : 0
    await tooLarge([{ name: 'bomb', packed, declaredSize }])
    if (process.platform === 'linux') expect(bytesWritten() - before).toBeLessThan(1.5 * MB)
  }
})

test('a bomb that declares to be small is broken as soon as it is larger', async () => {
  const packed = deflateRawSync(Buffer.alloc(45 * MB))
  const before = process.platform === 'linux' ? bytesWritten() : 0
  const error = await refusal(() => unpack([{ name: 'bomb', packed, declaredSize: 1000 }]), 'archive-broken')
  expect(error.message).toContain('more than 1000 bytes')
  if (process.platform === 'linux') expect(bytesWritten() - before).toBeLessThan(MB / 4)
})

test('many files below the first megabyte each run into the limit for all', async () => {
  const packed = deflateRawSync(Buffer.alloc(MB))
  const entries = Array.from({ length: 12 }, (_, index) => ({
    name: `bomb${index}`,
    packed,
    declaredSize: MB,
    crc: 0xa738ea1c,
  }))
  expect(await unpack(entries.slice(0, 4))).toHaveLength(4)
  expect((await tooLarge(entries, { totalBytes: 10 * MB })).message).toContain('together')
})

test.skipIf(process.platform !== 'linux')('memory stays far below the size of the archive', async () => {
  const folder = makeTemporary()
  const data = randomBytes(30 * MB)
  writeFileSync(
    join(folder, 'big.zip'),
    makeZip(['a', 'b', 'c'].map((name) => ({ name, data, method: name === 'b' ? 8 : 0 }))),
  )
  const script = join(import.meta.dirname, 'unpack-once.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    join(folder, 'big.zip'),
    join(folder, 'tree'),
  ])
  expect(Number(stdout)).toBeGreaterThan(0)
  expect(Number(stdout)).toBeLessThan(64 * MB)
})
