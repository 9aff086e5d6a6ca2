import { createReadStream } from 'node:fs'
import { type Readable, Transform } from 'node:stream'
import { ZipFile } from 'yazl'
import type { FolderEntry } from './walk-folder.ts'

/** Types of entries in the upper half of a zip's external attributes, as Unix writes them (sys/stat.h). */
const REGULAR = 0o100000

/** Packs files while they are read, one after the other: nothing is held in memory or written to disk. */
export function zipEntries(
  entries: readonly FolderEntry[],
  onRead: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  const zip = new ZipFile()
  let read = 0
  for (const { file, name, folder, executable, modified } of entries) {
    // Times before 1980 cannot be written in a zip.
    const mtime = modified.getTime() < EARLIEST ? new Date(EARLIEST) : modified
    if (folder) {
      zip.addEmptyDirectory(name, { mtime })
      continue
    }
    const mode = REGULAR | (executable ? 0o755 : 0o644)
    zip.addReadStreamLazy(name, { mtime, mode }, (give) => {
      const stream = createReadStream(file)
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          read += chunk.length
          onRead(read)
          done(null, chunk)
        },
      })
      stream.on('error', (error) => counter.destroy(error))
      give(null, stream.pipe(counter))
    })
  }
  zip.end()
  return joined(zip)
}

const EARLIEST = Date.UTC(1980, 0, 2)

/** The zip's bytes; fails when one of its files cannot be read. yazl tells errors on the zip, not on its stream. */
function joined(zip: ZipFile): AsyncIterable<Uint8Array> {
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  return output
}
