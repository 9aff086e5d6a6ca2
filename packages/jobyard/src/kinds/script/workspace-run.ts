import { type BigIntStats, closeSync, fchmodSync, lstatSync, openSync, readdirSync, writeSync } from 'node:fs'
import { chmod, chown, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { JobsUser } from './run-as.ts'
import { isSystemError } from './system-error.ts'
import type { Trash } from './trash.ts'
import { ensureOwnFolder, makeJobsFolder } from './workspace-folders.ts'

/** What one start of a script has to itself. */
export interface RunPlace {
  /** For temporary files (TMPDIR); the jobs' user's alone, empty, and gone after the run. */
  readonly temporary: string
  /** The file whose appearance tells the script to stop. It is not there yet; its folder is, so that it can be watched. */
  readonly shutdownFile: string
  /** The body of the request that began the run, if there was one; readable by the jobs' user alone. */
  readonly payloadFile: string | undefined
  /** What the job keeps (WEBJOBS_DATA_PATH). */
  readonly data: string
  /** HOME of the job; kept as well. */
  readonly home: string
  /** Makes the shutdown file appear. Harmless when it is there. */
  requestStop(): Promise<void>
  /** Removes what lives as long as the run. To be called once its processes are dead. */
  remove(): Promise<void>
}

/** What the places of runs are made with. */
interface Means {
  /** Where their folders are; empty, the server's own. */
  readonly folder: string
  readonly user: JobsUser
  readonly clock: Clock
  readonly trash: Trash
}

/** Folders kept for later runs: as many as run at the same time on most machines. */
const MOST_IDLE = 64

/**
 * The folders that runs have to themselves. They are the server's; only the folder for temporary files in each is not. One
 * in which a run has left nothing serves a later run: to make and remove it took longer than all else that the server does
 * for a small script, because a file system that is busy with a database's commits lets such calls wait.
 */
export class RunPlaces {
  readonly #means: Means
  readonly #idle: string[] = []
  /** When the folders of a place were changed last, right after they were made; by their top folder. */
  readonly #madeAt = new Map<string, string>()
  #made = 0
  #closed = false

  constructor(means: Means) {
    this.#means = means
  }

  /** A place for one start of a script, with the job's lasting folders. When something fails, nothing is left. */
  async open(
    lasting: { readonly data: string; readonly home: string },
    payload: Uint8Array | undefined,
  ): Promise<RunPlace> {
    const idle = this.#takeIdle()
    const folder = idle ?? join(this.#means.folder, String(++this.#made))
    try {
      if (idle === undefined) await this.#make(folder)
      const payloadFile = await writePayload(join(folder, 'payload'), payload, this.#means.user)
      return { ...lasting, ...this.#describe(folder, payloadFile) }
    } catch (error) {
      await this.#discard(folder)
      throw error
    }
  }

  /** Removes the folders that wait for a run, and keeps no more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const folder of this.#idle.splice(0)) await this.#remove(folder)
  }

  /** Undefined when there is none; one that somebody has tidied away or changed meanwhile is none. */
  #takeIdle(): string | undefined {
    for (let folder = this.#idle.pop(); folder !== undefined; folder = this.#idle.pop()) {
      if (this.#isAsMade(folder)) return folder
      this.#madeAt.delete(folder)
      this.#means.trash.discardLater(folder)
    }
    return undefined
  }

  async #make(folder: string): Promise<void> {
    await this.#makeTop(folder)
    await chmod(folder, 0o755)
    await makeJobsFolder(join(folder, 'tmp'), this.#means.user)
    this.#madeAt.set(folder, changesOf(folder))
  }

  async #makeTop(folder: string): Promise<void> {
    try {
      await mkdir(folder)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
      // Somebody tidies empty folders away, such as a system that cleans /tmp.
      await ensureOwnFolder(this.#means.folder, 0o711)
      await mkdir(folder)
    }
  }

  #describe(folder: string, payloadFile: string | undefined): Omit<RunPlace, 'data' | 'home'> {
    const temporary = join(folder, 'tmp')
    const shutdownFile = join(folder, 'stop')
    let stopping = false
    let removed = false
    return {
      temporary,
      shutdownFile,
      payloadFile,
      requestStop: async () => {
        // Another run may be there by now.
        if (removed) return
        stopping = true
        writeShutdownFile(shutdownFile, this.#means.clock.now())
      },
      remove: async () => {
        if (removed) return
        removed = true
        if (stopping || payloadFile !== undefined) await this.#discard(folder)
        else if (!this.#closed && this.#idle.length < MOST_IDLE && this.#isAsMade(folder)) this.#idle.push(folder)
        else await this.#remove(folder)
      },
    }
  }

  /**
   * Whether the folders are empty, and nobody has changed anything about them since they were made: not even rights
   * beyond the mode or attributes, which would reach the next run, perhaps another job's.
   */
  #isAsMade(folder: string): boolean {
    const { user } = this.#means
    const temporary = join(folder, 'tmp')
    const stats = lstatSync(temporary, { throwIfNoEntry: false })
    if (!stats?.isDirectory() || (stats.mode & 0o7777) !== 0o700) return false
    if (!user.own && (stats.uid !== user.uid || stats.gid !== user.gid)) return false
    if (readdirSync(temporary).length > 0 || readdirSync(folder).length > 1) return false
    return changesOf(folder) === this.#madeAt.get(folder)
  }

  async #remove(folder: string): Promise<void> {
    this.#madeAt.delete(folder)
    if (!(await removeEmpty(join(folder, 'tmp'), folder))) await this.#means.trash.discard(folder)
  }

  async #discard(folder: string): Promise<void> {
    this.#madeAt.delete(folder)
    await this.#means.trash.discard(folder)
  }
}

/** When a place and its folder for temporary files were changed last, in nanoseconds: files that come and go count too. */
function changesOf(folder: string): string {
  const times = [folder, join(folder, 'tmp')].map((path): BigIntStats => lstatSync(path, { bigint: true }))
  return times.map(({ ctimeNs }) => ctimeNs).join(' ')
}

async function writePayload(
  path: string,
  payload: Uint8Array | undefined,
  user: JobsUser,
): Promise<string | undefined> {
  if (payload === undefined) return undefined
  await writeFile(path, payload, { flag: 'wx', mode: 0o600 })
  if (!user.own) await chown(path, user.uid, user.gid)
  return path
}

/** Kudu writes the time into it, and .NET's watcher looks for nothing but its existence. */
function writeShutdownFile(path: string, now: number): void {
  try {
    // In one go, so that nobody finds it who may not read it yet: the mode is cut by the umask of the server.
    const file = openSync(path, 'wx', 0o644)
    try {
      fchmodSync(file, 0o644)
      writeSync(file, new Date(now).toUTCString())
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
  }
}

/** The quick way, for the many runs that leave nothing. False when there is something. */
async function removeEmpty(...folders: readonly string[]): Promise<boolean> {
  try {
    for (const folder of folders) await rmdir(folder)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return false
    throw error
  }
}
