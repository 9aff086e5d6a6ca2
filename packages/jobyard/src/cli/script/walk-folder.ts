import type { Dirent, Stats } from 'node:fs'
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import { isBelow } from '../../domain/path-below.ts'

/** A file or empty folder to go into a zip. */
export interface FolderEntry {
  /** Where it lies. */
  readonly file: string
  /** Its name in the zip, with `/` between folders. */
  readonly name: string
  readonly folder: boolean
  readonly bytes: number
  readonly executable: boolean
  readonly modified: Date
}

/** What a deployment never takes along: it holds every former version, and perhaps secrets. */
const LEFT_OUT = new Set(['.git'])

/** Deeper than this, links must be going in circles in a way that was not noticed. */
const DEEPEST = 100

/**
 * All that a folder holds but `.git`, in the order of names. Symbolic links are followed, as `zip -r` does, but only
 * within the folder. Throws 'folder-unreadable' for a link that leads outside or nowhere, and for what is neither file
 * nor folder.
 */
export async function walkFolder(folder: string): Promise<FolderEntry[]> {
  const found: FolderEntry[] = []
  await walk(await realpath(folder), { at: folder, name: '', inside: [] }, found)
  return found
}

interface Place {
  readonly at: string
  readonly name: string
  /** The real paths of all folders above, this one not included. */
  readonly inside: readonly string[]
}

async function walk(top: string, place: Place, found: FolderEntry[]): Promise<void> {
  const real = await realpath(place.at)
  if (place.inside.includes(real) || place.inside.length > DEEPEST) throw unreadable(place.at, 'leads in a circle')
  const entries = await readdir(place.at, { withFileTypes: true })
  if (entries.length === 0 && place.name !== '') {
    const { mtime: modified } = await stat(place.at)
    found.push({ file: place.at, name: place.name, folder: true, bytes: 0, executable: false, modified })
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (LEFT_OUT.has(entry.name)) continue
    const at = join(place.at, entry.name)
    const name = place.name === '' ? entry.name : `${place.name}/${entry.name}`
    const stats = await lookAt(top, at, entry)
    if (stats.isDirectory()) await walk(top, { at, name, inside: [...place.inside, real] }, found)
    else if (stats.isFile()) found.push(fileEntry(at, name, stats))
    else throw unreadable(at, 'is neither a file nor a folder')
  }
}

function fileEntry(file: string, name: string, stats: Stats): FolderEntry {
  const executable = (stats.mode & 0o111) !== 0
  return { file, name, folder: false, bytes: stats.size, executable, modified: stats.mtime }
}

async function lookAt(top: string, at: string, entry: Dirent): Promise<Stats> {
  if (!entry.isSymbolicLink()) return await stat(at)
  const target = await readlink(at)
  let real: string
  try {
    real = await realpath(at)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw unreadable(at, error.code === 'ELOOP' ? 'leads in a circle' : `points to ${target}, which is not there`)
  }
  if (!isBelow(real, top)) throw unreadable(at, `points to ${target}, outside of the folder`)
  return await stat(at)
}

function unreadable(path: string, why: string): JobyardError {
  return new JobyardError('folder-unreadable', `${path} ${why}.`, { field: 'source', data: { path } })
}
