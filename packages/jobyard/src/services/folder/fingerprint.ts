import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { type HeldFolder, MOST_LEVELS } from '../../kinds/script/held-folder.ts'
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

/**
 * Looks at a folder, which is at `path`, without reading its files. The times of inodes count, which nobody can set:
 * unpacking and copying give files the times of their originals. Names are bytes here, as they are to the system: one that is
 * no Unicode text is for others to refuse. Throws an error of the system when a folder is something else by the time it is
 * looked into.
 */
export async function takeFingerprint(top: HeldFolder, path: string): Promise<Fingerprint> {
  const hash = createHash('sha256')
  const folders: ListenedFolder[] = []
  let changedAt = 0
  let entries = 1
  const note = (name: string, { mode, size, mtimeNs, ctimeMs, ctimeNs, ino }: BigIntStats) => {
    changedAt = Math.max(changedAt, Number(ctimeMs))
    hash.update(JSON.stringify([name, mode, size, mtimeNs, ctimeNs, ino].map(String)))
  }
  const visit = async (folder: HeldFolder, names: readonly Buffer[]): Promise<void> => {
    folders.push({ path: join(path, ...names.map(String)), identity: identityOf(await folder.stat()) })
    if (names.length >= MOST_LEVELS) return
    for (const name of (await folder.rawNames()).toSorted(Buffer.compare)) {
      if (++entries > MOST_ENTRIES) return
      const stats = await folder.look(name)
      const below = [...names, name]
      note(below.map((each) => each.toString('latin1')).join('/'), stats)
      if (!stats.isDirectory()) continue
      await using next = await folder.openFolder(name)
      await visit(next, below)
    }
  }
  note('', await top.stat())
  await visit(top, [])
  return { text: hash.digest('hex'), changedAt, folders }
}

/** Differs for folders that are put at the same path one after the other, also where the later one has the number of the first. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`
}
