import { crc32, deflateRawSync } from 'node:zlib'

/** An entry as it is to stand in the archive, wrong or not. */
export interface MadeEntry {
  readonly name: string | Buffer
  readonly data?: string | Buffer
  /** 8 deflates the data, anything else stores it; default 8. */
  readonly method?: number
  /** Unix mode with type bits, for the upper half of the external attributes. */
  readonly mode?: number
  /** Bits besides the one that says UTF-8, which a text name gets by itself. */
  readonly flags?: number
  /** Number of the system that it says it was made on; default 3, Unix. */
  readonly system?: number
  readonly crc?: number
  /** Instead of the true size of the data. */
  readonly declaredSize?: number
  /** Instead of the deflated or stored data. */
  readonly packed?: Buffer
  readonly extra?: Buffer
  /** Time of the last change, in UTC. */
  readonly modified?: Date
}

interface Written {
  readonly local: Buffer
  readonly central: (offset: number) => Buffer
}

/** Puts a zip archive together byte by byte (APPNOTE.TXT §4.3), so that it can be wrong in every way. */
export function makeZip(entries: readonly MadeEntry[]): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { local, central } = writeEntry(entry)
    locals.push(local)
    centrals.push(central(offset))
    offset += local.length
  }
  const directory = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

function writeEntry(entry: MadeEntry): Written {
  const name = toBuffer(entry.name)
  const data = toBuffer(entry.data ?? '')
  const method = entry.method ?? 8
  const packed = entry.packed ?? (method === 8 ? deflateRawSync(data) : data)
  const extra = entry.extra ?? Buffer.alloc(0)
  const shared = Buffer.alloc(26)
  shared.writeUInt16LE(20, 0)
  shared.writeUInt16LE((entry.flags ?? 0) | (typeof entry.name === 'string' ? 0x800 : 0), 2)
  shared.writeUInt16LE(method, 4)
  const { date, time } = dosTime(entry.modified ?? new Date(Date.UTC(2026, 0, 2, 3, 4, 6)))
  shared.writeUInt16LE(time, 6)
  shared.writeUInt16LE(date, 8)
  shared.writeUInt32LE(entry.crc ?? crc32(data), 10)
  shared.writeUInt32LE(packed.length, 14)
  shared.writeUInt32LE(entry.declaredSize ?? data.length, 18)
  shared.writeUInt16LE(name.length, 22)
  shared.writeUInt16LE(extra.length, 24)
  const local = Buffer.concat([signature(0x04034b50), shared, name, extra, packed])
  const central = (offset: number): Buffer => {
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    // Made by version 6.3 of the format.
    return Buffer.concat([signature(0x02014b50), Buffer.from([63, entry.system ?? 3]), shared, tail, name, extra])
  }
  return { local, central }
}

function toBuffer(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function dosTime(at: Date): { date: number; time: number } {
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  }
}
