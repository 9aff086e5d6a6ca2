import { createHash } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import type { ListenedFolder } from './folder-watch.ts'

/** How a folder looks from outside. */
export interface Fingerprint {
  /** Differs when anything in the folder was made, changed, renamed or taken away. */
  readonly text: string
  /** When something in it last changed, epoch milliseconds by the file system's clock. */
  readonly changedAt: number
  /** The folder and all below it that were looked into. */
  readonly folders: readonly ListenedFolder[]
}

/** Entries of one folder that are looked at; a folder with more cannot be deployed anyhow, and says so then. */
const MOST_ENTRIES = 50_000

const SLASH = Buffer.from('/')

/**
 * Looks at a folder without reading its files. The times of inodes count, which nobody can set: unpacking and copying
 * give files the times of their originals. Names are bytes here, as they are to the system: one that is no Unicode text is
 * for others to refuse.
 */
export async function takeFingerprint(folder: string): Promise<Fingerprint> {
  const hash = createHash('sha256')
  const folders: ListenedFolder[] = []
  let changedAt = 0
  let entries = 0
  const visit = async (path: Buffer, name: Buffer): Promise<void> => {
    if (++entries > MOST_ENTRIES) return
    const { dev, mode, size, mtimeMs, ctimeMs, ino } = await lstat(path)
    changedAt = Math.max(changedAt, ctimeMs)
    hash.update(JSON.stringify([name.toString('latin1'), mode, size, mtimeMs, ctimeMs, ino]))
    if ((mode & 0o170000) !== 0o040000) return
    folders.push({ path: path.toString(), identity: `${dev} ${ino}` })
    for (const each of (await readdir(path, { encoding: 'buffer' })).toSorted(Buffer.compare)) {
      await visit(Buffer.concat([path, SLASH, each]), Buffer.concat([name, SLASH, each]))
    }
  }
  await visit(Buffer.from(folder), Buffer.alloc(0))
  return { text: hash.digest('hex'), changedAt, folders }
}
