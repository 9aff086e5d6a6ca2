import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'

/** Something on disk that belongs into a backup. */
export interface Found {
  readonly file: string
  /** Its name in the backup. */
  readonly path: string
  readonly type: 'file' | 'folder' | 'link'
  readonly stats: Stats
}

/** What is below a folder, and what of it cannot be kept in a zip. */
export interface Collected {
  readonly found: readonly Found[]
  readonly left: readonly string[]
}

/**
 * Lists all below a folder under names that begin with `prefix`. What begins with a dot directly below it is Jobyard's
 * own and temporary. Jobs may be at work there, so whatever vanishes meanwhile is not missed. Symbolic links are
 * listed, never followed.
 */
export async function collect(folder: string, prefix: string): Promise<Collected> {
  const found: Found[] = []
  const left: string[] = []
  await walk(folder, prefix, true, { found, left })
  return { found, left }
}

async function walk(
  folder: string,
  prefix: string,
  top: boolean,
  to: { found: Found[]; left: string[] },
): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (top && name.startsWith('.')) continue
    const file = join(folder, name)
    const path = `${prefix}/${name}`
    // Zips write \ as /, and a name that is not valid Unicode cannot even be opened under what was read of it.
    if (name.includes('\\') || name.includes('\u{fffd}')) {
      to.left.push(file)
      continue
    }
    const stats = await look(file)
    const type = stats === undefined ? undefined : typeOf(stats)
    if (stats === undefined) continue
    if (type === undefined) to.left.push(file)
    else to.found.push({ file, path, type, stats })
    if (type === 'folder') await walk(file, path, false, to)
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

async function look(file: string): Promise<Stats | undefined> {
  try {
    return await lstat(file)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

function typeOf(stats: Stats): Found['type'] | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  return stats.isSymbolicLink() ? 'link' : undefined
}

/** Where a link points to; undefined when it has vanished. */
export async function readLink(file: string): Promise<string | undefined> {
  try {
    return await readlink(file)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EINVAL', 'ENOTDIR')) return undefined
    throw error
  }
}

/**
 * Opens a file that was found below `folder`; undefined when it has vanished or become something else. A job may put a
 * link in the place of a file or of a folder above it at any moment, and this program is perhaps root: what is really
 * open must still lie below `folder`. (Seen by /proc, so on Linux only.)
 */
export async function openWithin(folder: string, file: string): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO')) return undefined
    throw error
  }
  if ((await handle.stat()).isFile() && (await isWithin(folder, handle))) return handle
  await handle.close()
  return undefined
}

async function isWithin(folder: string, handle: FileHandle): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const place = await readlink(`/proc/self/fd/${handle.fd}`)
  return place.startsWith(`${await realpath(folder)}/`)
}
