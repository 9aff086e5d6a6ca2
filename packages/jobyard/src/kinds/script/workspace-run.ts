import { chmod, chown, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { JobsUser } from './run-as.ts'
import { isSystemError } from './system-error.ts'
import type { Trash } from './trash.ts'
import { makeJobsFolder } from './workspace-folders.ts'

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

interface Paths {
  readonly folder: string
  readonly data: string
  readonly home: string
}

interface Means {
  readonly user: JobsUser
  readonly clock: Clock
  readonly payload: Uint8Array | undefined
  readonly trash: Trash
}

/**
 * Makes the folder of one start of a script, which must not be there yet. It is the server's; only the folder for
 * temporary files in it is not. When something fails, nothing is left.
 */
export async function prepareRunPlace(paths: Paths, means: Means): Promise<RunPlace> {
  const { folder } = paths
  await mkdir(folder)
  try {
    await chmod(folder, 0o755)
    const temporary = join(folder, 'tmp')
    await makeJobsFolder(temporary, means.user)
    return describePlace(paths, means, temporary, await writePayload(join(folder, 'payload'), means))
  } catch (error) {
    await means.trash.discard(folder)
    throw error
  }
}

function describePlace(paths: Paths, means: Means, temporary: string, payloadFile: string | undefined): RunPlace {
  const shutdownFile = join(paths.folder, 'stop')
  let stopping = false
  return {
    data: paths.data,
    home: paths.home,
    temporary,
    shutdownFile,
    payloadFile,
    async requestStop() {
      stopping = true
      await writeShutdownFile(shutdownFile, means.clock.now())
    },
    async remove() {
      const bare = !stopping && payloadFile === undefined
      if (!bare || !(await removeEmpty(temporary, paths.folder))) await means.trash.discard(paths.folder)
    },
  }
}

async function writePayload(path: string, { payload, user }: Means): Promise<string | undefined> {
  if (payload === undefined) return undefined
  await writeFile(path, payload, { flag: 'wx', mode: 0o600 })
  if (!user.own) await chown(path, user.uid, user.gid)
  return path
}

/** Kudu writes the time into it, and .NET's watcher looks for nothing but its existence. */
async function writeShutdownFile(path: string, now: number): Promise<void> {
  try {
    await writeFile(path, new Date(now).toUTCString(), { flag: 'wx', mode: 0o644 })
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
