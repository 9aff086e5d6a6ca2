import { constants, type ReadStream } from 'node:fs'
import { access, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import { quoteName } from './names.ts'
import { TreeCache } from './package-cache.ts'
import { filesFolder, readManifest } from './package-disk.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'
import { isSystemError } from './system-error.ts'

/** As many files' names may be kept in memory, over all packages that were used lately. */
const REMEMBERED_FILES = 50_000

/**
 * The packages that are on disk, to be looked at: `<folder>/<first two digits of the hash>/<hash>/`, with the tree in `files/`
 * and its listing in `manifest.json`. A package never changes once it is there. It belongs to the server's user; others
 * may only read.
 */
export class PackageShelf {
  readonly #folder: string
  readonly #trees = new TreeCache(REMEMBERED_FILES)

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Whether a package is there. */
  async has(hash: string): Promise<boolean> {
    try {
      await access(join(this.place(hash), 'manifest.json'))
      return true
    } catch (error) {
      if (isSystemError(error, 'ENOENT') || error instanceof JobyardError) return false
      throw error
    }
  }

  /** The hashes of all packages, in their order. */
  async hashes(): Promise<string[]> {
    const found: string[] = []
    for (const prefix of (await readdir(this.#folder)).toSorted()) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue
      const names = await readdir(join(this.#folder, prefix))
      found.push(...names.filter((name) => HASH.test(name)).toSorted())
    }
    return found
  }

  /** The files of a package, by name. Throws 'package-not-found'. */
  async list(hash: string): Promise<readonly PackageFile[]> {
    return (await this.tree(hash)).files
  }

  /** The files and folders of a package. Throws 'package-not-found'. */
  async tree(hash: string): Promise<PackageTree> {
    const known = this.#trees.get(hash)
    if (known !== undefined) return known
    const tree = await readManifest(this.place(hash))
    if (tree === undefined) throw notFound(hash)
    this.#trees.add(hash, tree)
    return tree
  }

  /** The folder that holds the tree of a package. */
  filesFolder(hash: string): string {
    return filesFolder(this.place(hash))
  }

  /**
   * Opens a file of a package for reading. `path` must be a name of {@link list} to the letter, so that nothing else can
   * be read. The stream closes the file when it ends or is destroyed. Throws 'package-file-not-found'.
   */
  async openFile(hash: string, path: string): Promise<{ readonly stream: ReadStream; readonly bytes: number }> {
    const file = (await this.list(hash)).find((each) => each.path === path)
    if (file === undefined) {
      throw new JobyardError('package-file-not-found', `The package holds no file ${quoteName(path)}.`, {
        field: 'path',
      })
    }
    const handle = await open(join(this.filesFolder(hash), path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    return { stream: handle.createReadStream(), bytes: file.bytes }
  }

  /** The folder of a package. A hash comes from outside, too, so it must be one before it becomes part of a path. */
  place(hash: string): string {
    if (!HASH.test(hash)) throw notFound(hash)
    return join(this.#folder, hash.slice(0, 2), hash)
  }

  /** Remembers no more what a package held that is taken away. */
  protected forget(hash: string): void {
    this.#trees.remove(hash)
  }
}

const HASH = /^[0-9a-f]{64}$/

function notFound(hash: string): JobyardError {
  return new JobyardError('package-not-found', `There is no package ${quoteName(hash)}.`, { field: 'package' })
}
