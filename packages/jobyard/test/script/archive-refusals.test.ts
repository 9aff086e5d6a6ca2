import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import { NameRegister, splitEntryName } from '../../src/kinds/script/archive-names.ts'
import { listTree, makeFile, makeTemporary, refusal } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const GOOD: MadeEntry = { name: 'run.sh', data: 'echo hello\n' }

/** Unpacks and sees to it that the refusal leaves nothing behind, inside of its folder or beside it. */
async function refuse(zip: Buffer, code: ErrorCode): Promise<string> {
  const parent = makeTemporary()
  const folder = join(parent, 'tree')
  const error = await refusal(() => unpackArchive(makeFile(zip), folder, { now: 1e12 }), code)
  expect(error.field).toBe('package')
  expect(existsSync(folder)).toBe(false)
  expect(readdirSync(parent)).toEqual([])
  expect(readdirSync(dirname(parent))).not.toContain('evil')
  return error.message
}

const UNSAFE: readonly (readonly [string, MadeEntry[], RegExp])[] = [
  ['a name that leads upwards', [{ name: '../evil' }], /"\.\.\/evil".*leads out of its folder/],
  ['one that leads upwards inside', [{ name: 'a/../../evil' }], /leads out of its folder/],
  ['one that leads upwards at its end', [{ name: 'a/..' }], /leads out of its folder/],
  ['an absolute name', [{ name: '/evil' }], /absolute/],
  ['a name with backslashes', [{ name: 'a/b' }, { name: '..\\evil' }], /backslash/],
  ['a name with one harmless backslash', [{ name: 'a/b' }, { name: 'a\\b.sh' }], /backslash/],
  ['a name of Windows that leads upwards', [{ name: '..\\evil', system: 0 }], /leads out of its folder/],
  ['an absolute name of Windows', [{ name: '\\evil', system: 10 }], /absolute/],
  ['a drive letter', [{ name: 'C:evil' }], /drive letter/],
  ['a drive letter with a slash', [{ name: 'c:/evil' }], /drive letter/],
  ['a NUL', [{ name: 'evil\0.sh' }], /NUL/],
  ['a control character', [{ name: 'evil\u001b[2J' }], /control character/],
  ['a line break', [{ name: 'evil\n' }], /control character/],
  ['an empty name', [{ name: '' }], /no name/],
  ['a name that is wrong UTF-8', [{ name: Buffer.from([0x61, 0xff]), flags: 0x800 }], /not valid Unicode/],
  ['a symbolic link', [{ name: 'link', data: '/etc/passwd', mode: 0o120777 }], /symbolic link/],
  ['a symbolic link that calls itself a folder', [{ name: 'link/', mode: 0o120777 }], /symbolic link/],
  ['a device', [{ name: 'disk', mode: 0o060660 }], /device/],
  ['a terminal', [{ name: 'tty', mode: 0o020660 }], /device/],
  ['a pipe', [{ name: 'pipe', mode: 0o010660 }], /device, a pipe or a socket/],
  ['a socket', [{ name: 'socket', mode: 0o140660 }], /socket/],
  ['the same name twice', [{ name: 'run.sh' }], /"run\.sh".*comes twice/],
  ['the same name spelled otherwise', [{ name: './/run.sh' }], /comes twice/],
  ['names that differ in case', [{ name: 'RUN.sh' }], /"RUN\.sh" .*differs from "run\.sh" only in/],
  ['names that differ in how a letter is written', [{ name: 'caf\u00e9' }, { name: 'cafe\u0301' }], /differs from/],
  ['names that differ in ß and SS', [{ name: 'Straße.txt' }, { name: 'STRASSE.txt' }], /"STRASSE\.txt".*"Straße\.txt"/],
  ['names that differ in ſ and s', [{ name: 'ſ.txt' }, { name: 's.txt' }], /differs from/],
  ['names that differ in ς and σ', [{ name: 'ΟΔΟΣ.txt' }, { name: 'οδος.txt' }], /differs from/],
  ['names that differ in İ and i̇', [{ name: 'İ.txt' }, { name: 'i\u0307.txt' }], /differs from/],
  ['folders that differ in case', [{ name: 'lib/a' }, { name: 'Lib/b' }], /"Lib".*differs from "lib"/],
  ['a folder and a file that differ in case', [{ name: 'Data/' }, { name: 'data' }], /file and of a folder/],
  ['a file where a folder is', [{ name: 'a/b' }, { name: 'a' }], /"a".*file and of a folder/],
  ['a folder where a file is', [{ name: 'a' }, { name: 'a/b' }], /"a".*file and of a folder/],
  ['a folder entry where a file is', [{ name: 'a' }, { name: 'a/' }], /file and of a folder/],
]

test.each(UNSAFE)('an archive is refused whole for %s', async (_what, entries, message) => {
  expect(await refuse(makeZip([GOOD, ...entries]), 'archive-unsafe')).toMatch(message)
})

test('a name that another field of the entry replaces is judged, too', async () => {
  const raw = Buffer.from('harmless')
  const header = Buffer.alloc(9)
  const target = Buffer.from('../evil')
  header.writeUInt16LE(0x7075, 0)
  header.writeUInt16LE(5 + target.length, 2)
  header.writeUInt8(1, 4)
  // The checksum of "harmless", which makes the replacement valid.
  header.writeUInt32LE(crc32(raw), 5)
  const zip = makeZip([{ name: raw, extra: Buffer.concat([header, target]) }])
  expect(await refuse(zip, 'archive-unsafe')).toMatch(/"\.\.\/evil".*leads out/)
})

const UNSUPPORTED: readonly (readonly [string, MadeEntry, RegExp])[] = [
  ['an encrypted entry', { ...GOOD, flags: 1 }, /"run\.sh" is encrypted/],
  ['strong encryption', { ...GOOD, flags: 0x41 }, /encrypt/],
  ['another compression', { ...GOOD, method: 12 }, /compressed by method 12/],
]

test.each(UNSUPPORTED)('an archive is refused for %s', async (_what, entry, message) => {
  expect(await refuse(makeZip([entry]), 'archive-unsupported')).toMatch(message)
})

const zip = makeZip([GOOD, { name: 'data.txt', data: 'some text '.repeat(50) }])

const BROKEN: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a wrong checksum', makeZip([{ ...GOOD, crc: 1 }]), /"run\.sh" do not match their checksum/],
  ['a wrong checksum of stored data', makeZip([{ ...GOOD, method: 0, crc: 1 }]), /checksum/],
  ['a size declared too small', makeZip([{ ...GOOD, declaredSize: 3 }]), /has more than 3 bytes, not the 3 it/],
  ['a size declared too large', makeZip([{ ...GOOD, declaredSize: 3000 }]), /has 11 bytes, not the 3000/],
  ['stored data of another size', makeZip([{ ...GOOD, method: 0, declaredSize: 3 }]), /size mismatch/],
  [
    'compressed data that is none',
    makeZip([{ ...GOOD, packed: Buffer.alloc(40, 0xff) }]),
    /"run\.sh" cannot be unpacked/,
  ],
  ['compressed data that breaks off', makeZip([{ ...GOOD, packed: Buffer.from([0x4b]) }]), /cannot be unpacked/],
  ['a folder with contents', makeZip([{ name: 'a/', data: 'text' }]), /folder "a\/" has contents/],
  ['an end that is missing', zip.subarray(0, -10), /cannot be read as a zip archive/],
  ['a half that is missing', zip.subarray(0, 60), /cannot be read as a zip archive/],
  ['a beginning that is missing', zip.subarray(40), /cannot be (read|unpacked)/],
  ['nothing in the file', Buffer.alloc(0), /cannot be read as a zip archive/],
  ['something else', Buffer.from('#!/bin/sh\n'), /cannot be read as a zip archive/],
]

test.each(BROKEN)('an archive is refused for %s', async (_what, bytes, message) => {
  expect(await refuse(bytes, 'archive-broken')).toMatch(message)
})

test('places beyond what a file can have are an error and not the end of the process', async () => {
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(0xffff_ffff_ffff_ff00n, 8)
  const end = zip.subarray(-22)
  const evil = Buffer.concat([zip.subarray(0, -22), locator, end])
  expect(await refuse(evil, 'archive-broken')).toMatch(/beyond the end of the archive/)
})

test('an archive with a byte changed anywhere is unpacked or refused, and nothing else happens', async () => {
  const parent = makeTemporary()
  const path = makeFile(zip)
  await fc.assert(
    fc.asyncProperty(fc.nat(zip.length - 1), fc.nat(255), fc.nat(zip.length), async (place, value, kept) => {
      const bytes = Buffer.from(zip)
      bytes[place] = value
      writeFileSync(path, kept % 4 === 0 ? bytes.subarray(0, kept) : bytes)
      const folder = join(parent, 'tree')
      const outcome = await unpackArchive(path, folder, { now: 1e12 }).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ name: 'JobyardError', field: 'package' })
        expect(readdirSync(parent)).toEqual([])
        return
      }
      expect(listTree(parent).every((each) => each.startsWith('tree/'))).toBe(true)
      rmSync(folder, { recursive: true })
    }),
    { numRuns: 400 },
  )
})

test('no open file is left after refusals', async () => {
  if (process.platform !== 'linux') return
  const countOpen = (): number => readdirSync('/proc/self/fd').length
  const before = countOpen()
  for (const [, bytes] of BROKEN) await refuse(bytes, 'archive-broken')
  for (const [, entries] of UNSAFE) await refuse(makeZip([GOOD, ...entries]), 'archive-unsafe')
  await expect.poll(countOpen).toBeLessThanOrEqual(before)
})

test('whatever an accepted name is, it stays in its folder and has no part that a file system reads otherwise', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', 'C:', 'a', 'A', '\\', '\0', '\u0301', '~'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('', '/'), (pieces, tail) => {
      const name = pieces.join('/') + tail
      let parts: string[]
      try {
        parts = splitEntryName(name, { nameLength: 240 })
      } catch {
        return
      }
      expect(join('/top/tree', ...parts).startsWith('/top/tree')).toBe(true)
      expect(
        join('/top/tree', ...parts)
          .split('/')
          .slice(3),
      ).toEqual(parts)
      for (const each of parts) expect(each).not.toMatch(/^\.{0,2}$|[\\/\p{Cc}]|^[A-Za-z]:$/u)
    }),
    { numRuns: 2000 },
  )
})

test('whatever the names, those accepted together are different without regard to case', () => {
  const letter = fc.constantFrom('a', 'A', '\u00e9', 'e\u0301', '\u00c9', 'b')
  const name = fc.array(letter, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 6 }), (entries) => {
      const register = new NameRegister({ entries: 1000 })
      const files: string[] = []
      const folders = new Set<string>()
      for (const [parts, folder] of entries) {
        try {
          for (const made of folder ? register.addFolder(parts) : register.addFile(parts)) folders.add(made)
          if (!folder) files.push(parts.join('/'))
        } catch {
          // One refusal is the end of an archive.
          break
        }
      }
      const all = [...files, ...folders].map((each) => each.normalize('NFC').toLowerCase())
      expect(new Set(all).size).toBe(all.length)
    }),
  )
})
