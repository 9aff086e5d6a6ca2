import { constants, type ReadStream } from 'node:fs'
import { access, chmod, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import { unpackArchive } from './archive.ts'
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from './archive-limits.ts'
import { splitEntryName, unsafeEntry } from './archive-names.ts'
import { brokenArchive } from './archive-reader.ts'
import { composeFolder, type PackageParts } from './compose.ts'
import { copyFolder } from './folder-tree.ts'
import type { InterpreterPlaces } from './interpreters.ts'
import { quoteName } from './names.ts'
import { TreeCache } from './package-cache.ts'
import { discard, filesFolder, flushPackage, moveInto, readManifest, writeManifest } from './package-disk.ts'
import { type PackageScript, readPackageScript, type UnreadableSettings } from './package-script.ts'
import { beginsLikeZip, copyScript } from './package-source.ts'
import { bytesOf, hashTree, type PackageFile, type PackageTree, sortTree } from './package-tree.ts'
import { PackageWorkshop } from './package-workshop.ts'
import { explainFullDisk, isSystemError } from './system-error.ts'

/** What a package is and what it runs. */
export interface PackageInfo extends PackageScript {
  /** Names the package: the same contents have the same hash, see `hashTree`. 64 hexadecimal digits. */
  readonly hash: string
  /** How many files it holds. */
  readonly files: number
  /** Bytes of all its files together. */
  readonly bytes: number
}

/** What the package store works with. */
export interface PackageStoreOptions {
  /** Where packages are kept; the server's own, and on one file system. */
  readonly folder: string
  readonly clock: Clock
  readonly ids: Ids
  /** Limits of archives other than the default ones. */
  readonly limits?: Partial<ArchiveLimits>
  /** Where interpreters are looked for, to warn of a missing one. */
  readonly interpreters: InterpreterPlaces
  /** Name of this instance, which other ones may share the folder with. Default: the only one. */
  readonly instance?: string
}

/** How a package is added. */
export interface Adding {
  /** Enters it where it can be found, as the last step; see {@link PackageStore}. Default: nowhere. */
  readonly enter?: (info: PackageInfo) => Promise<void>
  /** Default: warn. */
  readonly unreadableSettings?: UnreadableSettings
}

/** As many files' names may be kept in memory, over all packages that were used lately. */
const REMEMBERED_FILES = 50_000

/**
 * The packages on disk: `<folder>/<first two digits of the hash>/<hash>/`, with the tree in `files/` and its listing in
 * `manifest.json`. A package never changes once it is there. It belongs to the server's user; others may only read.
 *
 * Packages are made beside one another, and only their last step is in one turn with {@link clean}: they get their
 * names and are entered there, so that nothing is removed between the two.
 */
export class PackageStore {
  readonly #options: PackageStoreOptions
  readonly #limits: ArchiveLimits
  readonly #trees = new TreeCache(REMEMBERED_FILES)
  readonly #workshop: PackageWorkshop
  /** Ends when whoever gives names to packages, or takes them away, is done. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: PackageStoreOptions) {
    this.#options = options
    this.#workshop = new PackageWorkshop(options)
    this.#limits = { ...DEFAULT_ARCHIVE_LIMITS, ...options.limits }
  }

  /** Makes the folders and removes what a crash of this instance left half done. To be called once, before anything else. */
  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true })
    await chmod(this.#options.folder, 0o755)
    await this.#workshop.open()
  }

  /**
   * Adds an upload: a zip archive when it begins like one, whatever its name, else a single script file called `name`.
   * (A `.jar` is a zip, too, and is taken as the file that it is.)
   */
  async add(path: string, name: string, adding?: Adding): Promise<PackageInfo> {
    if ((await beginsLikeZip(path)) && !/\.jar$/i.test(name)) return this.addZip(path, adding)
    if (!/\.zip$/i.test(name)) return this.addFile(path, name, adding)
    throw brokenArchive(`The file ${quoteName(name)} is no zip archive: it does not begin with "PK"`)
  }

  /** Adds the contents of a zip archive. Throws what `unpackArchive` and `readPackageScript` throw. */
  async addZip(path: string, adding?: Adding): Promise<PackageInfo> {
    const { limits = {} } = this.#options
    return this.#build((folder) => unpackArchive(path, folder, { limits, now: this.#options.clock.now() }), adding)
  }

  /** Adds a package that consists of one script file called `name`. Throws what `readPackageScript` throws. */
  async addFile(path: string, name: string, adding?: Adding): Promise<PackageInfo> {
    if (splitEntryName(name, this.#limits).join('/') !== name || name.includes('/')) {
      throw unsafeEntry(name, 'is no plain file name')
    }
    const { clock, interpreters } = this.#options
    const means = { modified: clock.now(), mostBytes: this.#limits.fileBytes, interpreters }
    return this.#build((folder) => copyScript(path, folder, name, means), adding)
  }

  /** Adds a package that is a copy of a folder. Throws what `copyFolder` and `readPackageScript` throw. */
  async addFolder(path: string, adding?: Adding): Promise<PackageInfo> {
    return this.#build((folder) => copyFolder(path, folder, this.#limits), adding)
  }

  /** Adds a package of these files. Throws what `composeFolder` and `readPackageScript` throw. */
  async addParts(parts: PackageParts, adding?: Adding): Promise<PackageInfo> {
    return this.#build((folder) => composeFolder(parts, folder, this.#limits), adding)
  }

  /** What packages may hold at the most. */
  get limits(): ArchiveLimits {
    return this.#limits
  }

  /** What a package is and runs, read anew. Throws 'package-not-found'. */
  async describe(hash: string): Promise<PackageInfo> {
    const tree = await this.tree(hash)
    return this.#inform(hash, tree, this.filesFolder(hash))
  }

  async has(hash: string): Promise<boolean> {
    try {
      await access(join(this.#place(hash), 'manifest.json'))
      return true
    } catch (error) {
      if (isSystemError(error, 'ENOENT') || error instanceof JobyardError) return false
      throw error
    }
  }

  /** The hashes of all packages, in their order. */
  async hashes(): Promise<string[]> {
    const found: string[] = []
    for (const prefix of (await readdir(this.#options.folder)).toSorted()) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue
      const names = await readdir(join(this.#options.folder, prefix))
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
    const tree = await readManifest(this.#place(hash))
    if (tree === undefined) throw notFound(hash)
    this.#trees.add(hash, tree)
    return tree
  }

  /** The folder that holds the tree of a package. */
  filesFolder(hash: string): string {
    return filesFolder(this.#place(hash))
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

  /**
   * Removes the packages that `choose` says nobody needs any more, while none is entered; harmless where there is none.
   * Goes on until it chooses none.
   */
  async clean(choose: () => Promise<readonly string[]>): Promise<void> {
    await this.#inTurn(async () => {
      for (;;) {
        const hashes = await choose()
        for (const hash of hashes) await this.remove(hash)
        if (hashes.length === 0) return
      }
    })
  }

  /** Removes a package; harmless when there is none. The caller sees to it that nobody needs it any more. */
  async remove(hash: string): Promise<void> {
    this.#trees.remove(hash)
    await discard(this.#place(hash), this.#workshop.place())
  }

  async #build(fill: (folder: string) => Promise<Filled>, adding: Adding = {}): Promise<PackageInfo> {
    const temporary = this.#workshop.place()
    try {
      await mkdir(temporary, { mode: 0o700 })
      const files = filesFolder(temporary)
      const { warnings = [], ...filled } = await fill(files)
      const tree = sortTree(filled)
      const hash = hashTree(tree)
      const known = await this.#inform(hash, tree, files, adding.unreadableSettings)
      const info = { ...known, warnings: [...warnings, ...known.warnings] }
      let isReady = false
      const makeReady = async () => {
        if (!isReady) await prepareToMove(temporary, tree)
        isReady = true
      }
      if (!(await this.has(hash))) await makeReady()
      await this.#inTurn(async () => {
        // It may have been removed while this one waited for its turn.
        if (!(await this.has(hash))) {
          await makeReady()
          await moveInto(temporary, this.#place(hash))
        }
        await adding.enter?.(info)
      })
      return info
    } catch (error) {
      throw explainFullDisk(error, 'the package was stored')
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #inform(
    hash: string,
    tree: PackageTree,
    folder: string,
    unreadable?: UnreadableSettings,
  ): Promise<PackageInfo> {
    const script = await readPackageScript(tree, folder, this.#options.interpreters, unreadable)
    return { hash, files: tree.files.length, bytes: bytesOf(tree), ...script }
  }

  /** A hash comes from outside, too, so it must be one before it becomes part of a path. */
  #place(hash: string): string {
    if (!HASH.test(hash)) throw notFound(hash)
    return join(this.#options.folder, hash.slice(0, 2), hash)
  }
}

/** What a package is made of, and what is to be told of that. */
type Filled = PackageTree & { readonly warnings?: PackageInfo['warnings'] }

/** Writes down what a package consists of and brings it to the disk, so that only its name is missing. */
async function prepareToMove(temporary: string, tree: PackageTree): Promise<void> {
  await writeManifest(temporary, tree)
  await flushPackage(temporary, tree)
  await chmod(temporary, 0o755)
}

const HASH = /^[0-9a-f]{64}$/

function notFound(hash: string): JobyardError {
  return new JobyardError('package-not-found', `There is no package ${quoteName(hash)}.`, { field: 'package' })
}
