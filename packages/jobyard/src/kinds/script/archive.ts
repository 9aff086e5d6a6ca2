import { createHash } from 'node:crypto'
import { chmod, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { JobyardError } from '../../domain/errors.ts'
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from './archive-limits.ts'
import { NameRegister, splitEntryName, tooLarge, unsafeEntry } from './archive-names.ts'
import {
  brokenArchive,
  decodeEntryName,
  isFromWindows,
  type OpenArchive,
  openArchive,
  reasonOf,
} from './archive-reader.ts'
import { quoteName } from './names.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'
import { explainFullDisk, isSystemError } from './system-error.ts'

/** How to unpack. */
export interface UnpackOptions {
  /** Limits other than the default ones. */
  readonly limits?: Partial<ArchiveLimits>
  /** The time now in epoch milliseconds; files that claim to be newer, or older than 1970, get this time. */
  readonly now: number
}

/**
 * Unpacks a zip archive from a file into `folder`, which must not exist yet. Files get mode 0644, or 0755 when the
 * archive marks them executable for anybody, folders 0755, so that another user can read them; times are kept.
 * An archive that breaks a rule or a limit is refused whole: 'archive-broken', 'archive-unsafe', 'archive-too-large' or
 * 'archive-unsupported', with `field: 'package'`, and the folder is gone again. A full disk gives 'store-full'.
 * Memory stays bounded however large the archive is, or says it is.
 */
export async function unpackArchive(path: string, folder: string, options: UnpackOptions): Promise<PackageTree> {
  await makeFolder(folder)
  try {
    await using archive = await openArchive(path)
    return await new Unpacking(archive, folder, options).run()
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw explain(error)
  }
}

function explain(error: unknown): unknown {
  if (error instanceof JobyardError) return error
  if (!isSystemError(error)) {
    const text = reasonOf(error)
    if (/encrypt/i.test(text)) return unsupported(`The archive is encrypted (${text})`)
    return brokenArchive(`The archive cannot be read: ${text}`, error)
  }
  return explainFullDisk(error, 'the archive was unpacked')
}

function unsupported(what: string, entry?: string): JobyardError {
  const data = entry === undefined ? {} : { data: { entry } }
  return new JobyardError('archive-unsupported', `${what}.`, { field: 'package', ...data })
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path)
  // The mode given to mkdir is cut by the umask of the server, which may well be 077.
  await chmod(path, 0o755)
}

const TYPE_BITS = 0o170000
const REGULAR = 0o100000
const FOLDER = 0o040000

/** What the upper half of the external attributes says of an entry, if its maker wrote a Unix mode there. */
function readMode(entry: Entry, name: string): { folder: boolean; executable: boolean } {
  const mode = entry.externalFileAttributes >>> 16
  const type = mode & TYPE_BITS
  if (type === 0o120000) throw unsafeEntry(name, 'is a symbolic link')
  if (type !== 0 && type !== REGULAR && type !== FOLDER) throw unsafeEntry(name, 'is a device, a pipe or a socket')
  return { folder: type === FOLDER || name.endsWith('/'), executable: (mode & 0o111) !== 0 }
}

/** One archive on its way to the disk. */
class Unpacking {
  readonly #archive: OpenArchive
  readonly #zip: ZipFile
  readonly #folder: string
  readonly #now: number
  readonly #limits: ArchiveLimits
  readonly #names: NameRegister
  readonly #files: PackageFile[] = []
  readonly #folders: string[] = []
  #entries = 0
  #bytes = 0
  /** Whether some name of the archive has a slash; undefined until that is asked. */
  #hasSlashes: boolean | undefined

  constructor(archive: OpenArchive, folder: string, options: UnpackOptions) {
    this.#archive = archive
    this.#zip = archive.zip
    this.#folder = folder
    this.#now = options.now
    this.#limits = { ...DEFAULT_ARCHIVE_LIMITS, ...options.limits }
    this.#names = new NameRegister(this.#limits)
  }

  async run(): Promise<PackageTree> {
    for await (const entry of this.#zip.eachEntry()) {
      if (++this.#entries > this.#limits.entries) {
        throw tooLarge(`The archive has more than ${this.#limits.entries} entries`)
      }
      await this.#takeEntry(entry)
    }
    return { files: this.#files, folders: this.#folders }
  }

  async #takeEntry(entry: Entry): Promise<void> {
    const name = await this.#nameOf(entry)
    const parts = splitEntryName(name, this.#limits)
    const { folder, executable } = readMode(entry, name)
    if (entry.isEncrypted()) throw unsupported(`The entry ${quoteName(name)} is encrypted`, name)
    if (folder) {
      if (entry.uncompressedSize > 0)
        throw brokenArchive(`The folder ${quoteName(name)} has contents of its own`, undefined, name)
      return this.#makeFolders(this.#names.addFolder(parts))
    }
    if (parts.length === 0) throw unsafeEntry(name, 'has no name')
    if (!entry.canDecodeFileData()) {
      throw unsupported(`The entry ${quoteName(name)} is compressed by method ${entry.compressionMethod}`, name)
    }
    await this.#makeFolders(this.#names.addFile(parts))
    const path = parts.join('/')
    const modified = clampTime(entry.getLastModDate({ timezone: 'UTC' }).getTime(), this.#now)
    const written = await this.#writeFile(entry, path, executable, modified)
    this.#files.push({ path, ...written, executable, modified })
  }

  /**
   * Windows PowerShell 5.1 and .NET before 4.6.1 separate folders by backslashes, and some programs do so in the name of
   * another system; elsewhere a backslash is a part of a name, which is refused.
   */
  async #nameOf(entry: Entry): Promise<string> {
    const name = decodeEntryName(entry)
    if (!name.includes('\\')) return name
    if (!isFromWindows(entry)) {
      this.#hasSlashes ??= await this.#archive.hasSlashes()
      if (this.#hasSlashes) return name
    }
    return name.replaceAll('\\', '/')
  }

  async #makeFolders(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await makeFolder(join(this.#folder, name))
      this.#folders.push(name)
    }
  }

  async #writeFile(entry: Entry, path: string, executable: boolean, modified: number): Promise<Contents> {
    const handle = await open(join(this.#folder, path), 'wx')
    try {
      const contents = await this.#copyContents(entry, path, (chunk) => handle.writeFile(chunk))
      await handle.chmod(executable ? 0o755 : 0o644)
      await handle.utimes(modified / 1000, modified / 1000)
      return contents
    } finally {
      await handle.close()
    }
  }

  /** Passes the contents of an entry on, piece by piece, until they end or exceed a limit. */
  async #copyContents(entry: Entry, path: string, write: (chunk: Buffer) => Promise<void>): Promise<Contents> {
    const raw = await this.#zip.openReadStreamPromise(entry, { decodeFileData: false })
    const inflate = entry.compressionMethod === 0 ? undefined : createInflateRaw({ chunkSize: CHUNK_BYTES })
    const hash = createHash('sha256')
    let bytes = 0
    let sum = 0
    const consume = async (source: Readable): Promise<void> => {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        bytes += chunk.length
        this.#bytes += chunk.length
        this.#checkSize(path, bytes, inflate)
        // Limits never rely on this size; but what goes beyond it is wrong anyhow and need not be written.
        if (bytes > entry.uncompressedSize) throw wrongSize(entry, path, `more than ${entry.uncompressedSize}`)
        sum = crc32(chunk, sum)
        hash.update(chunk)
        await write(chunk)
      }
    }
    try {
      await (inflate === undefined ? pipeline(raw, consume) : pipeline(raw, inflate, consume))
    } catch (error) {
      if (error instanceof JobyardError || isSystemError(error)) throw error
      throw brokenArchive(`The entry ${quoteName(path)} cannot be unpacked: ${reasonOf(error)}`, error, path)
    }
    if (bytes !== entry.uncompressedSize) throw wrongSize(entry, path, String(bytes))
    if (sum !== entry.crc32) {
      throw brokenArchive(`The contents of the entry ${quoteName(path)} do not match their checksum`, undefined, path)
    }
    return { bytes, sha256: hash.digest('hex') }
  }

  #checkSize(path: string, bytes: number, inflate: InflateRaw | undefined): void {
    const { fileBytes, totalBytes, ratio, ratioFreeBytes } = this.#limits
    if (bytes > fileBytes) throw tooLarge(`The entry ${quoteName(path)} is larger than ${fileBytes} bytes`, path)
    if (this.#bytes > totalBytes) {
      throw tooLarge(`The files of the archive have more than ${totalBytes} bytes together`, path)
    }
    // bytesWritten is what the inflater has consumed of the compressed data up to this chunk.
    if (inflate !== undefined && bytes > ratioFreeBytes && bytes > inflate.bytesWritten * ratio) {
      throw tooLarge(`The entry ${quoteName(path)} is more than ${ratio} times as large as its compressed form`, path)
    }
  }
}

function wrongSize(entry: Entry, path: string, actual: string): JobyardError {
  const message = `The entry ${quoteName(path)} has ${actual} bytes, not the ${entry.uncompressedSize} it declares`
  return brokenArchive(message, undefined, path)
}

/** Pieces in which contents are unpacked. */
const CHUNK_BYTES = 64 * 1024

interface Contents {
  readonly bytes: number
  readonly sha256: string
}

/** A file's time in whole milliseconds; one outside of 1970 to now is a mistake of its maker, or would trouble tools. */
function clampTime(time: number, now: number): number {
  return time >= 0 && time <= now ? Math.round(time) : now
}
