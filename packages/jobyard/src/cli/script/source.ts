import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { UploadSource } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { type FolderEntry, walkFolder } from './walk-folder.ts'
import { zipEntries } from './zip-stream.ts'

/** Something to be uploaded. */
export interface Source {
  readonly fileName: string
  /** Bytes to be read: of the file, or of all files of a folder before they are packed. */
  readonly bytes: number
  /** Opens it. `onRead` is told how many bytes have been read so far. */
  open(onRead: (bytes: number) => void): Promise<UploadSource>
}

/** A folder, which is packed on its way, a zip, or a single script. */
export async function readSource(folder: string, given: string): Promise<Source> {
  const path = resolve(folder, given)
  const stats = await stat(path).catch((error: unknown) => {
    throw missing(given, error)
  })
  if (stats.isDirectory()) return folderSource(path, await walkFolder(path))
  if (!stats.isFile()) {
    throw new JobyardError('folder-unreadable', `${given} is neither a file nor a folder.`, { field: 'source' })
  }
  return {
    fileName: basename(path),
    bytes: stats.size,
    // The bytes are counted where they are sent.
    open: async () => await openAsBlob(path),
  }
}

function folderSource(path: string, entries: readonly FolderEntry[]): Source {
  if (entries.length === 0) {
    throw new JobyardError('script-missing', `The folder ${path} is empty.`, { field: 'source' })
  }
  return {
    fileName: `${basename(path)}.zip`,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    open: async (onRead) => zipEntries(entries, onRead),
  }
}

function missing(given: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error)) return error
  const why = error.code === 'ENOENT' ? 'is not there' : `cannot be read (${String(error.code)})`
  return new JobyardError('folder-unreadable', `${given} ${why}.`, {
    field: 'source',
    hint: 'Name a folder, a zip archive or a script.',
    cause: error,
  })
}
