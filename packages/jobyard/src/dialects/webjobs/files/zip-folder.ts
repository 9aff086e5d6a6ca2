import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { JobyardError } from '../../../domain/errors.ts'
import type { SiteFile, SiteFolder } from './tree.ts'

/** Types of entries in the upper half of a zip's external attributes, as Unix writes them (sys/stat.h). */
const REGULAR = 0o100000
/** Times before 1980 cannot be written in a zip. */
const EARLIEST = Date.UTC(1980, 0, 2)

/** Files and folders in one zip; its list is in memory until its end. */
const MOST_ENTRIES = 100_000

/** Names that mean something else in a zip, or that no program unpacks. */
const STRANGE = /\\|^[A-Za-z]:|^\.\.?$/

/**
 * A zip of all that is in a folder, made while it is read: one file after the other, none of them in memory. A file that a
 * job took away meanwhile is empty in it, and what has a name that no zip can have is left out. Throws 'data-refused' when there are too many of them.
 */
export async function zipFolder(folder: SiteFolder): Promise<Readable> {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  let reading: Readable | undefined
  // yazl tells errors on the zip, not on its stream, and does not hear that nobody reads that any more.
  zip.on('error', (error: Error) => output.destroy(error))
  output.once('close', () => reading?.destroy())
  let entries = 0
  const add = (file: SiteFile, name: string) => {
    if (++entries > MOST_ENTRIES) {
      throw new JobyardError(
        'data-refused',
        `The folder holds more than ${MOST_ENTRIES} files; take its folders one by one.`,
      )
    }
    const attributes = { mtime: timeOf(file), mode: REGULAR | 0o644, compressionLevel: 1 }
    zip.addReadStreamLazy(name, attributes, (give) => {
      const fail = (error: unknown): void => give(error, Readable.from([]))
      openOf(file).then((stream) => {
        reading = stream
        if (output.destroyed) stream.destroy()
        give(null, stream)
      }, fail)
    })
  }
  await walk(folder, '', zip, add)
  zip.end()
  return output
}

async function walk(folder: SiteFolder, above: string, zip: ZipFile, add: (file: SiteFile, name: string) => void) {
  let isEmpty = true
  for await (const entry of folder.list()) {
    if (STRANGE.test(entry.name)) continue
    isEmpty = false
    if (entry.type === 'file') add(entry, `${above}${entry.name}`)
    else await walk(entry, `${above}${entry.name}/`, zip, add)
  }
  if (isEmpty && above !== '') zip.addEmptyDirectory(above, { mtime: timeOf(folder) })
}

async function openOf(file: SiteFile): Promise<Readable> {
  try {
    return Readable.fromWeb(await file.open({ from: 0, to: file.bytes }))
  } catch (error) {
    if (!(error instanceof JobyardError) || error.code !== 'data-unknown') throw error
    return Readable.from([])
  }
}

function timeOf({ modifiedAt }: SiteFile | SiteFolder): Date {
  return new Date(Math.max(modifiedAt, EARLIEST))
}
