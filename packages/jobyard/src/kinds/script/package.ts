import { chmod, mkdir, rm } from 'node:fs/promises'
import type { Clock } from '../../domain/clock.ts'
import type { Ids } from '../../domain/ids.ts'
import { unpackArchive } from './archive.ts'
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from './archive-limits.ts'
import { splitEntryName, unsafeEntry } from './archive-names.ts'
import { brokenArchive } from './archive-reader.ts'
import { composeFolder, type PackageParts } from './compose.ts'
import { copyFolder } from './folder-tree.ts'
import type { HeldFolder } from './held-folder.ts'
import type { InterpreterPlaces } from './interpreters.ts'
import { quoteName } from './names.ts'
import { discard, filesFolder, flushPackage, moveInto, writeManifest } from './package-disk.ts'
import { type PackageScript, readPackageScript, type UnreadableSettings } from './package-script.ts'
import { PackageShelf } from './package-shelf.ts'
import { beginsLikeZip, copyScript } from './package-source.ts'
import { bytesOf, hashTree, type PackageTree, sortTree } from './package-tree.ts'
import { PackageWorkshop } from './package-workshop.ts'
import { explainFullDisk } from './system-error.ts'

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
  /** Called when all is copied, before it has a name or anybody can see it; what it throws keeps the package from being added. */
  readonly check?: () => Promise<void>
  /** Enters it where it can be found, as the last step; see {@link PackageStore}. Default: nowhere. */
  readonly enter?: (info: PackageInfo) => Promise<void>
  /** Default: warn. */
  readonly unreadableSettings?: UnreadableSettings
}

/**
 * The packages on disk, and how they come there and go. They are made beside one another, and only their last step is in
 * one turn with {@link clean}: they get their names and are entered there, so that nothing is removed between the two.
 */
export class PackageStore extends PackageShelf {
  readonly #options: PackageStoreOptions
  readonly #limits: ArchiveLimits
  readonly #workshop: PackageWorkshop
  /** Ends when whoever gives names to packages, or takes them away, is done. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: PackageStoreOptions) {
    super(options.folder)
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
  async addFolder(source: HeldFolder, adding?: Adding): Promise<PackageInfo> {
    return this.#build((folder) => copyFolder(source, folder, this.#limits), adding)
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
    this.forget(hash)
    await discard(this.place(hash), this.#workshop.place())
  }

  async #build(fill: (folder: string) => Promise<Filled>, adding: Adding = {}): Promise<PackageInfo> {
    const temporary = this.#workshop.place()
    try {
      await mkdir(temporary, { mode: 0o700 })
      const files = filesFolder(temporary)
      const { warnings = [], ...filled } = await fill(files)
      await adding.check?.()
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
          await moveInto(temporary, this.place(hash))
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
}

/** What a package is made of, and what is to be told of that. */
type Filled = PackageTree & { readonly warnings?: PackageInfo['warnings'] }

/** Writes down what a package consists of and brings it to the disk, so that only its name is missing. */
async function prepareToMove(temporary: string, tree: PackageTree): Promise<void> {
  await writeManifest(temporary, tree)
  await flushPackage(temporary, tree)
  await chmod(temporary, 0o755)
}
