import { createHash } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** How a folder looks from outside. */
export interface Fingerprint {
  /** Differs when anything in the folder was made, changed, renamed or taken away. */
  readonly text: string
  /** When something in it last changed, epoch milliseconds by the file system's clock. */
  readonly changedAt: number
}

/** Entries of one folder that are looked at; a folder with more cannot be deployed anyhow, and says so then. */
const MOST_ENTRIES = 50_000

/**
 * Looks at a folder without reading its files. The times of inodes count, which nobody can set: unpacking and copying
 * give files the times of their originals.
 */
export async function takeFingerprint(folder: string): Promise<Fingerprint> {
  const hash = createHash('sha256')
  let changedAt = 0
  let entries = 0
  const visit = async (path: string, name: string): Promise<void> => {
    if (++entries > MOST_ENTRIES) return
    const { mode, size, mtimeMs, ctimeMs, ino } = await lstat(path)
    changedAt = Math.max(changedAt, ctimeMs)
    hash.update(JSON.stringify([name, mode, size, mtimeMs, ctimeMs, ino]))
    if ((mode & 0o170000) !== 0o040000) return
    for (const each of (await readdir(path)).toSorted()) await visit(join(path, each), `${name}/${each}`)
  }
  await visit(folder, '')
  return { text: hash.digest('hex'), changedAt }
}
