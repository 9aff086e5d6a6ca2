import { isUtf8 } from 'node:buffer'
import { createReadStream, open } from 'node:fs'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader, type ZipFile } from 'yauzl'
import { messageOf } from '../../domain/error-message.ts'
import { JobyardError } from '../../domain/errors.ts'
import { unsafeEntry } from './archive-names.ts'
import { quoteName } from './names.ts'

/** The error for an archive that cannot be read; `what` is a whole sentence without its full stop. */
export function brokenArchive(what: string, cause?: unknown, entry?: string): JobyardError {
  return new JobyardError('archive-broken', `${what}.`, {
    field: 'package',
    ...(cause === undefined ? {} : { cause }),
    ...(entry === undefined ? {} : { data: { entry } }),
  })
}

/** Called as `fs.read` calls back. */
type ReadDone = (error: Error | null, bytesRead?: number, buffer?: Buffer) => void

/**
 * Reads from an open file. yauzl's own reader passes positions of the archive's choice straight to `fs.read`, which
 * throws for one beyond 2^53, out of a callback and thus out of the whole process; this one answers with an error. It
 * reads through the handle, whose closing waits for reads that an abandoned stream still has under way.
 */
class ArchiveFile extends RandomAccessReader {
  readonly #handle: FileHandle
  readonly #size: number

  constructor(handle: FileHandle, size: number) {
    super()
    this.#handle = handle
    this.#size = size
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const read = (_fd: number, ...rest: [Buffer, number, number, number, ReadDone]): void => this.read(...rest)
    // A stream closes its file when it is destroyed, even with autoClose off; but all entries are read from the same one.
    const close = (_fd: number, done: (error: null) => void): void => done(null)
    return createReadStream('', { fd: this.#handle.fd, fs: { open, read, close }, start, end: end - 1 })
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, done: ReadDone): void {
    if (!Number.isSafeInteger(position) || position < 0 || position + length > this.#size) {
      setImmediate(done, new Error('a place is named that lies beyond the end of the archive'))
      return
    }
    this.#handle.read(buffer, offset, length, position).then(
      ({ bytesRead }) => setImmediate(done, null, bytesRead, buffer),
      (error: Error) => setImmediate(done, error),
    )
  }

  /** Whoever opened the file closes it. */
  override close(done: (error: Error | null) => void): void {
    done(null)
  }
}

/** An archive that is open for reading. Its entries come one by one, so that not all need be in memory. */
export interface OpenArchive extends AsyncDisposable {
  readonly zip: ZipFile
  /** Whether some name in it has `/` between its folders, as the format demands. Reads all of them. */
  hasSlashes(): Promise<boolean>
}

/** Opens a zip archive. Throws 'archive-broken' when the file is none, or is cut off. */
export async function openArchive(path: string): Promise<OpenArchive> {
  const handle = await openFile(path, 'r')
  try {
    const { size } = await handle.stat()
    const options = { lazyEntries: true, decodeStrings: false, autoClose: false }
    const zip = await fromRandomAccessReaderPromise(new ArchiveFile(handle, size), size, options)
    return {
      zip,
      async hasSlashes() {
        const again = await fromRandomAccessReaderPromise(new ArchiveFile(handle, size), size, options)
        for await (const entry of again.eachEntry()) if (entry.fileNameRaw.includes('/')) return true
        return false
      },
      async [Symbol.asyncDispose]() {
        zip.close()
        await handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw brokenArchive(`The file cannot be read as a zip archive: ${reasonOf(error)}`, error)
  }
}

/** What went wrong, as a clause for a sentence. */
export function reasonOf(error: unknown): string {
  const text = messageOf(error)
  return quoteName(text).slice(1, -1).replace(/\.$/, '')
}

/**
 * The name of an entry. Names that are valid UTF-8 are taken as that even without the flag that says so, because
 * macOS forgets it; others are code page 437 (APPNOTE.TXT appendix D). Backslashes are left for the caller to refuse.
 */
export function decodeEntryName(entry: Entry): string {
  const raw = entry.fileNameRaw
  const flagged = (entry.generalPurposeBitFlag & UTF8_FLAG) !== 0
  const utf8 = isUtf8(raw)
  if (flagged && !utf8) throw unsafeEntry(raw.toString('latin1'), 'has a name that is not valid Unicode')
  const flags = utf8 ? entry.generalPurposeBitFlag | UTF8_FLAG : entry.generalPurposeBitFlag
  return getFileNameLowLevel(flags, raw, entry.extraFields, true)
}

/** Systems whose tools write `\\` between folders, by their numbers in the format: MS-DOS, Windows by two numbers, VFAT. */
const WITH_BACKSLASHES: ReadonlySet<number> = new Set([0, 10, 11, 14])

/** Whether an entry was made on a system that separates folders by backslashes (APPNOTE.TXT §4.4.2). */
export function isFromWindows({ versionMadeBy }: Entry): boolean {
  return WITH_BACKSLASHES.has(versionMadeBy >>> 8)
}

const UTF8_FLAG = 0x800
