import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** A file beside built pages that holds the hash of what they were built of. */
export const PORTAL_STAMP = 'built-from'

/** What the pages are made of, relative to the top of a checkout: a change in any of it makes them old. */
const SOURCES = [
  'packages/portal/index.html',
  'packages/portal/package.json',
  'packages/portal/vite.config.ts',
  'packages/portal/public',
  'packages/portal/src',
  'packages/client/src',
  'packages/jobs/src',
  'package-lock.json',
]

/** The hash of what the pages of a checkout are made of. */
export async function hashPortalSources(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const file of await filesOf(join(root, source)))
      hash.update(`${relative(root, file)}\0`).update(await readFile(file))
  }
  return hash.digest('hex')
}

/** The hash of what built pages were made of; undefined when there are none. */
export async function readPortalStamp(folder: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, PORTAL_STAMP), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A file itself, or all files in a folder and below, by name. */
export async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
