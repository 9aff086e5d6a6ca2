import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { JobyardError } from '../../domain/errors.ts'

/** A data folder that this process has to itself. */
export interface FolderLock {
  release(): void
}

/**
 * Takes a data folder for this process alone. The lock is SQLite's own on a file of its own, so the system frees it with
 * the process, however that ends. Throws `data-in-use` when another process has it.
 */
export function lockFolder(path: string): FolderLock {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('begin exclusive')
  } catch (cause) {
    database.close()
    throw new JobyardError('data-in-use', `Another server uses the data folder ${dirname(path)}.`, { cause })
  }
  return { release: () => database.close() }
}
