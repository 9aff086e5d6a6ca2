import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Ids } from '../../domain/ids.ts'
import { isSystemError } from './system-error.ts'
import { ensureOwnFolder } from './workspace-folders.ts'

const run = promisify(execFile)

/** Where rm(1) is, whatever the server's PATH says. */
const SYSTEM_PATH = '/usr/bin:/bin:/usr/sbin:/sbin'

/**
 * Takes folders away: out of sight at once, by a rename into a folder where nobody but the server comes, and off the disk
 * afterwards. So nobody meets half a folder, and no job can exchange what is being removed for a link to elsewhere.
 */
export class Trash {
  readonly #folder: string
  readonly #ids: Ids
  readonly #onTrouble: (error: unknown) => void
  readonly #removals = new Set<Promise<void>>()

  /** `root` must be on the same file system as what is thrown away. `onTrouble` is told of removals that failed. */
  constructor(root: string, ids: Ids, onTrouble: (error: unknown) => void) {
    this.#folder = join(root, '.trash')
    this.#ids = ids
    this.#onTrouble = onTrouble
  }

  /** Removes what an earlier server did not get to. To be called once, before anything else. */
  async open(): Promise<void> {
    await removeTree(this.#folder)
    await ensureOwnFolder(this.#folder, 0o700)
  }

  /** Resolves when the folder is out of sight. Harmless when it is not there. */
  async discard(folder: string): Promise<void> {
    const place = join(this.#folder, this.#ids.next())
    try {
      await moveAway(folder, place)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
      if (!existsSync(folder)) return
      // The folder for what is thrown away is missing: somebody tidies empty folders away.
      await ensureOwnFolder(this.#folder, 0o700)
      await moveAway(folder, place)
    }
    this.#watch(removeTree(place))
  }

  /** Like {@link discard} for callers that do not wait: failures go to `onTrouble`. */
  discardLater(folder: string): void {
    this.#watch(this.discard(folder))
  }

  /** Waits until everything thrown away so far is off the disk. */
  async settle(): Promise<void> {
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  #watch(removal: Promise<void>): void {
    const watched = removal
      .catch((error: unknown) => this.#onTrouble(error))
      .finally(() => this.#removals.delete(watched))
    this.#removals.add(watched)
  }
}

/** Renames a folder. Its owner needs the right to write to it for that, and may have taken it from himself. */
async function moveAway(folder: string, place: string): Promise<void> {
  try {
    await rename(folder, place)
  } catch (error) {
    if (!isSystemError(error, 'EACCES')) throw error
    await chmod(folder, 0o700)
    await rename(folder, place)
  }
}

/** Removes a folder with all in it, also when its owner took the right to write from folders in it, as Go's cache does. */
async function removeTree(folder: string): Promise<void> {
  if (process.getuid?.() === 0) return await removeAsRoot(folder)
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM')) throw error
    await unlock(folder)
    await rm(folder, { recursive: true, force: true })
  }
}

async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(folder, entry.name))
  }
}

/**
 * Node removes by paths. A process of the jobs' user that stands in a folder could put a link to elsewhere into such a path
 * between two steps, and have root delete what lies there. rm(1) goes by open folders (openat(2), unlinkat(2)) and
 * follows no links.
 */
async function removeAsRoot(folder: string): Promise<void> {
  await run('rm', ['-rf', '--', folder], { env: { PATH: SYSTEM_PATH } })
}
