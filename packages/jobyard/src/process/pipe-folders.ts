import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from './proc.ts'

/**
 * Makes an empty folder where the warden of this data folder may make named pipes. Its name says whose it is, because a
 * warden that is killed leaves it behind. Throws what the system says when the folder for temporary files takes none.
 */
export function makePipeFolder(dataFolderId: string): string {
  return mkdtempSync(join(tmpdir(), prefixOf(dataFolderId)))
}

/**
 * Removes what killed wardens of this data folder left of {@link makePipeFolder}. Only for the one who has the data
 * folder to himself, while it has no warden.
 */
export function removePipeFolders(dataFolderId: string): void {
  const prefix = prefixOf(dataFolderId)
  for (const name of listNames(tmpdir())) {
    if (name.startsWith(prefix)) removeOwn(join(tmpdir(), name))
  }
}

function prefixOf(dataFolderId: string): string {
  return `jobyard-pipes-${dataFolderId}.`
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    // Where nothing can be listed there may still be room for a new folder, and where it has gone nothing is left.
    if (['EACCES', 'ENOENT'].includes(errorCode(error))) return []
    throw error
  }
}

/** Anybody may put anything into a folder for temporary files: links and what others own are not ours to remove. */
function removeOwn(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() && stats.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true })
}
