import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { JobyardError } from '../domain/errors.ts'
import { readFolderId, readKeyFile } from '../store/folder-files.ts'
import { lockFolder } from '../store/sqlite/lock.ts'
import type { Shutdown } from './shutdown.ts'

/** The server's data folder, which this process has to itself. */
export interface DataFolder {
  /** Names it in the markers of processes. */
  readonly id: string
  readonly key: Buffer
  /** For uploads under way. */
  readonly uploads: string
}

/**
 * Makes the data folder and takes it. Others may go through it, because jobs of another user work below it, but list or
 * read nothing: every file in it is the server's alone unless made otherwise. Throws 'data-unusable'.
 */
export function openDataFolder({ dataFolder, keyFile }: Config, shutdown: Shutdown): DataFolder {
  process.umask(0o077)
  makeFolder(dataFolder)
  const temporary = resolve(dataFolder, '.sqlite')
  // SQLite reads this once, when the first database of the process is opened, which is the lock
  // (https://sqlite.org/tempfiles.html).
  process.env.SQLITE_TMPDIR = temporary
  const lock = lockFolder(join(dataFolder, 'lock'))
  shutdown.add('data folder', () => lock.release())
  removeLeftovers(temporary)
  const id = readFolderId(join(dataFolder, 'id'))
  return { id, key: readKeyFile(keyFile), uploads: join(dataFolder, 'uploads') }
}

/**
 * SQLite puts what does not fit into memory into files that it unlinks at once; one that is killed between the two leaves
 * them. Here the next server finds them, and nothing of the database lies where others have their files. What is not
 * SQLite's stays: people give folders to a server that hold things already.
 */
function removeLeftovers(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder)) if (name.startsWith('etilqs_')) rmSync(join(folder, name))
}

function makeFolder(folder: string): void {
  try {
    makeWithParents(folder)
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder')
    chmodSync(folder, 0o711)
  } catch (cause) {
    const message = `The data folder ${folder} cannot be used: ${(cause as Error).message}.`
    throw new JobyardError('data-unusable', message, { cause })
  }
}

/** Like mkdir's `recursive`, which tries for ever where a folder takes no entries and says that it is not there: /proc. */
function makeWithParents(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error
    makeWithParents(dirname(folder))
    mkdirSync(folder)
  }
}
