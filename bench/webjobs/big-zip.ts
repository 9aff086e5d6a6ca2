import { randomFillSync } from 'node:crypto'
import { appendFile, copyFile, writeFile } from 'node:fs/promises'
import { crc32, deflateRawSync } from 'node:zlib'

/** A zip archive that is made anew from the same large part, each time with another script. */
export interface BigZip {
  readonly path: string
  /** Bytes of its files besides the script. */
  readonly bytes: number
  /** Bytes of the archive. */
  readonly size: number
}

interface Entry {
  readonly name: string
  readonly data: Buffer
  readonly packed: Buffer
  readonly offset: number
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50

/**
 * Writes the large part of archives into a file: deflated entries of random bytes, which no compression makes smaller.
 * Answers what makes an archive of it and of a script (APPNOTE.TXT §4.3).
 */
export async function makeLargePart(
  path: string,
  files: number,
  fileBytes: number,
): Promise<(to: string, script: string) => Promise<BigZip>> {
  await writeFile(path, '')
  const directory: Buffer[] = []
  let offset = 0
  for (let index = 0; index < files; index++) {
    const data = randomFillSync(Buffer.alloc(fileBytes))
    const entry = { name: `data/${index}.bin`, data, packed: deflateRawSync(data, { level: 1 }), offset }
    const local = localOf(entry)
    await appendFile(path, local)
    directory.push(centralOf(entry))
    offset += local.length
  }
  return async (to, script) => {
    const data = Buffer.from(script)
    const entry = { name: 'run.sh', data, packed: deflateRawSync(data), offset }
    const tail = tailOf(entry, directory)
    await copyFile(path, to)
    await appendFile(to, tail)
    return { path: to, bytes: files * fileBytes + data.length, size: offset + tail.length }
  }
}

/** The last entry, the list of all, and the end. */
function tailOf(entry: Entry, before: readonly Buffer[]): Buffer {
  const local = localOf(entry)
  const all = Buffer.concat([...before, centralOf(entry)])
  const end = Buffer.alloc(22)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(before.length + 1, 8)
  end.writeUInt16LE(before.length + 1, 10)
  end.writeUInt32LE(all.length, 12)
  end.writeUInt32LE(entry.offset + local.length, 16)
  return Buffer.concat([local, all, end])
}

function localOf(entry: Entry): Buffer {
  return Buffer.concat([signature(LOCAL), sharedOf(entry), Buffer.from(entry.name), entry.packed])
}

function centralOf(entry: Entry): Buffer {
  const tail = Buffer.alloc(14)
  tail.writeUInt32LE(entry.offset, 10)
  return Buffer.concat([signature(CENTRAL), Buffer.from([20, 0]), sharedOf(entry), tail, Buffer.from(entry.name)])
}

/** What both places say of an entry: version, method 8 (deflate), a date, checksum and sizes. */
function sharedOf({ name, data, packed }: Entry): Buffer {
  const shared = Buffer.alloc(26)
  shared.writeUInt16LE(20, 0)
  shared.writeUInt16LE(8, 4)
  shared.writeUInt16LE((46 << 9) | (1 << 5) | 1, 8)
  shared.writeUInt32LE(crc32(data), 10)
  shared.writeUInt32LE(packed.length, 14)
  shared.writeUInt32LE(data.length, 18)
  shared.writeUInt16LE(Buffer.byteLength(name), 22)
  return shared
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
