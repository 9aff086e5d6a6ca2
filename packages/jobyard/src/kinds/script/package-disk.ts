import { chmod, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runLimited } from './limited.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'
import { isSystemError } from './system-error.ts'

/** Names inside a package's folder. */
const FILES = 'files'
const MANIFEST = 'manifest.json'

/** Where the tree of a package lies. */
export function filesFolder(packageFolder: string): string {
  return join(packageFolder, FILES)
}

interface Manifest {
  readonly version: 1
  readonly files: readonly PackageFile[]
  readonly folders: readonly string[]
}

/** Writes down what a package consists of, beside its tree. */
export async function writeManifest(packageFolder: string, tree: PackageTree): Promise<void> {
  const manifest: Manifest = { version: 1, ...tree }
  await writeFile(join(packageFolder, MANIFEST), JSON.stringify(manifest), { flag: 'wx', mode: 0o644 })
}

/** Reads it again; undefined when there is no such package. */
export async function readManifest(packageFolder: string): Promise<PackageTree | undefined> {
  try {
    const { files, folders }: Manifest = JSON.parse(await readFile(join(packageFolder, MANIFEST), 'utf8'))
    return { files, folders }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/** As many files as are flushed at a time: more than one, because the file system then commits them together. */
const FLUSHED_AT_ONCE = 16

/** Brings a whole package to the disk, so that it is complete should the machine lose power after {@link moveInto}. */
export async function flushPackage(packageFolder: string, tree: PackageTree): Promise<void> {
  const top = filesFolder(packageFolder)
  const files = [...tree.files.map((file) => join(top, file.path)), join(packageFolder, MANIFEST)]
  await runLimited(files, FLUSHED_AT_ONCE, flush)
  await runLimited(
    [...tree.folders.map((folder) => join(top, folder)), top, packageFolder],
    FLUSHED_AT_ONCE,
    flushFolder,
  )
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Windows cannot open folders to flush them. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await flush(path)
}

/**
 * Gives a finished folder its final name, for good. False when there is something of that name already, which is then
 * kept, and the folder stays where it was.
 */
export async function moveInto(folder: string, place: string): Promise<boolean> {
  const parent = dirname(place)
  const made = await mkdir(parent, { recursive: true })
  // The mode given to mkdir is cut by the umask of the server, which may well be 077.
  if (made !== undefined) await chmod(parent, 0o755)
  try {
    await rename(folder, place)
  } catch (error) {
    // On Windows the rename of a folder onto another one is EPERM.
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'EPERM')) return false
    throw error
  }
  await flushFolder(parent)
  await flushFolder(dirname(parent))
  return true
}

/** Takes a folder away: at once by renaming it into `trash`, then for good. Harmless when it is not there. */
export async function discard(folder: string, trash: string): Promise<void> {
  try {
    await rename(folder, trash)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return
    throw error
  }
  await rm(trash, { recursive: true, force: true })
}
