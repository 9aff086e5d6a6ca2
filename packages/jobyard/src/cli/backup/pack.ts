import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { type Found, openWithin, readLink } from './collect.ts'
import { type BackupEntry, MANIFEST, type Manifest } from './manifest.ts'

/** Types of entries in the upper half of a zip's external attributes, as Unix writes them (sys/stat.h). */
const UNIX_TYPES = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const

/** What goes into a backup. */
export interface Packing {
  readonly found: readonly Found[]
  /** Folder that a found file must still lie in when it is read. */
  readonly folderOf: (found: Found) => string
  /** Makes the manifest when everything else is in. */
  readonly describe: (entries: readonly BackupEntry[]) => Manifest
  /** Told how many bytes have been read. */
  readonly onRead: (bytes: number) => void
}

/** What was packed: all that was found, but what vanished before its turn. */
export interface Packed {
  readonly entries: readonly BackupEntry[]
  readonly vanished: readonly string[]
}

/** Writes a zip of all that was found and its manifest to a new file, which only its owner can read. */
export async function pack(target: string, packing: Packing): Promise<Packed> {
  const zip = new ZipFile()
  const entries: BackupEntry[] = []
  const vanished: string[] = []
  const onRead = countUp(packing.onRead)
  for (const found of packing.found) add(zip, found, packing, { entries, vanished, onRead })
  zip.addReadStreamLazy(MANIFEST, { mode: UNIX_TYPES.file | 0o600 }, (give) => {
    give(null, Readable.from([Buffer.from(JSON.stringify(packing.describe(entries), undefined, 1))]))
  })
  zip.end()
  const output = zip.outputStream as Readable
  // yazl tells errors on the zip, not on its stream.
  zip.on('error', (error: Error) => output.destroy(error))
  await pipeline(output, createWriteStream(target, { flags: 'wx', mode: 0o600 }))
  await flush(target)
  return { entries, vanished }
}

interface Sinks {
  readonly entries: BackupEntry[]
  readonly vanished: string[]
  readonly onRead: (bytes: number) => void
}

function add(zip: ZipFile, found: Found, packing: Packing, sinks: Sinks): void {
  const { path, type, stats } = found
  // Copies of the databases have the mode that the umask gave them.
  const mode = path.endsWith('.db') && !path.includes('/') ? 0o600 : stats.mode & 0o777
  const mtime = new Date(Math.max(stats.mtimeMs, Date.UTC(1980, 0, 2)))
  const attributes = { mtime, mode: UNIX_TYPES[type] | mode }
  const modified = Math.floor(stats.mtimeMs)
  if (type === 'folder') {
    sinks.entries.push({ path, type, mode, modified, bytes: 0, sha256: '' })
    zip.addEmptyDirectory(path, attributes)
    return
  }
  zip.addReadStreamLazy(path, attributes, (give) => {
    const fail = (error: unknown): void => give(error, Readable.from([]))
    contentsOf(found, packing).then((contents) => {
      if (contents === undefined) sinks.vanished.push(path)
      const counter = new Counter(sinks.onRead, (bytes, sha256) => {
        if (contents !== undefined) sinks.entries.push({ path, type, mode, modified, bytes, sha256 })
      })
      const source = contents ?? Readable.from([])
      source.on('error', (error) => counter.destroy(error))
      give(null, source.pipe(counter))
    }, fail)
  })
}

/** Undefined when it has vanished. */
async function contentsOf(found: Found, { folderOf }: Packing): Promise<Readable | undefined> {
  if (found.type === 'link') {
    const target = await readLink(found.file)
    return target === undefined ? undefined : Readable.from([Buffer.from(target)])
  }
  const handle = await openWithin(folderOf(found), found.file)
  return handle?.createReadStream()
}

/** Hashes and counts what passes through. */
class Counter extends Transform {
  constructor(onRead: (bytes: number) => void, done: (bytes: number, sha256: string) => void) {
    const hash = createHash('sha256')
    let bytes = 0
    super({
      transform(chunk: Buffer, _encoding, next) {
        hash.update(chunk)
        bytes += chunk.length
        onRead(chunk.length)
        next(null, chunk)
      },
      flush(end) {
        done(bytes, hash.digest('hex'))
        end()
      },
    })
  }
}

function countUp(onRead: (bytes: number) => void): (bytes: number) => void {
  let sum = 0
  return (bytes) => {
    sum += bytes
    onRead(sum)
  }
}

/** Brings a file to the disk. Its mode is set once more because the umask cuts it. */
async function flush(path: string): Promise<void> {
  await chmod(path, 0o600)
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
