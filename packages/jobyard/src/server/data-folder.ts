import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
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
 * read nothing: every file in it is the server's alone unless made otherwise.
 */
export function openDataFolder({ dataFolder, keyFile }: Config, shutdown: Shutdown): DataFolder {
  process.umask(0o077)
  mkdirSync(dataFolder, { recursive: true })
  chmodSync(dataFolder, 0o711)
  const lock = lockFolder(join(dataFolder, 'lock'))
  shutdown.add('data folder', () => lock.release())
  const id = readFolderId(join(dataFolder, 'id'))
  return { id, key: readKeyFile(keyFile), uploads: join(dataFolder, 'uploads') }
}
