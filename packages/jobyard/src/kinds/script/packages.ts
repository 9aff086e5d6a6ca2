import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { ArchiveLimits } from './archive-limits.ts'
import type { PackageParts } from './compose.ts'
import type { HeldFolder } from './held-folder.ts'
import type { Adding, PackageInfo, PackageStore } from './package.ts'
import type { UnreadableSettings } from './package-script.ts'
import type { PackageTree } from './package-tree.ts'
import type { PackageDetail } from './prepare.ts'

/** Details of packages kept in memory. */
const REMEMBERED = 1000

/** How an upload came. */
export interface Received {
  /** What it is. Default: an archive when it begins like one. */
  readonly form?: 'archive' | 'script'
  /** The only collection of whoever sent it; it belongs to that one's jobs then, before any of them has it. */
  readonly collectionId?: string | null
  /** What becomes of it when its settings.job cannot be read. Default: it is taken with a warning, as Kudu takes it. */
  readonly unreadableSettings?: UnreadableSettings
}

/** Uploaded packages: their files on disk and their entries in the repository, kept in step. */
export class ScriptPackages {
  readonly #files: PackageStore
  readonly #store: Repository
  readonly #clock: Clock
  readonly #details = new Map<string, Promise<PackageDetail>>()

  constructor(files: PackageStore, store: Repository, clock: Clock) {
    this.#files = files
    this.#store = store
    this.#clock = clock
  }

  /** Takes in an upload that lies in a file, and enters it. The file stays the caller's. */
  async receive(path: string, fileName: string, received: Received = {}): Promise<PackageView> {
    const { form, collectionId, unreadableSettings = 'warn' } = received
    const adding: Adding = { enter: (info) => this.#enter(info, collectionId), unreadableSettings }
    if (form === 'archive') return view(await this.#files.addZip(path, adding))
    if (form === 'script') return view(await this.#files.addFile(path, fileName, adding))
    return view(await this.#files.add(path, fileName, adding))
  }

  /**
   * Takes in a copy of a folder, and enters it, unless `check` throws, which is called when all is copied and nobody can see
   * it yet. Throws what the package store throws.
   */
  async receiveFolder(source: HeldFolder, check?: () => Promise<void>): Promise<PackageView> {
    const checked = check === undefined ? {} : { check }
    return view(await this.#files.addFolder(source, { ...checked, enter: (info) => this.#enter(info) }))
  }

  /** Makes a package of these files, and enters it. Throws what the package store throws. */
  async receiveParts(parts: PackageParts): Promise<PackageView> {
    return view(await this.#files.addParts(parts, { enter: (info) => this.#enter(info) }))
  }

  /** What packages may hold at the most. */
  get limits(): ArchiveLimits {
    return this.#files.limits
  }

  /** The files and folders of a package. Throws `package-not-found`. */
  tree(hash: string): Promise<PackageTree> {
    return this.#files.tree(hash)
  }

  /** Where a file of a package lies, whose name must be one of its tree. */
  pathOf(hash: string, path: string): string {
    return join(this.#files.filesFolder(hash), path)
  }

  /** What a package is. Throws `package-unknown`. */
  async describe(hash: string): Promise<PackageView> {
    const { files, bytes, detail } = await this.#store.read('readPackage', { hash })
    return view({ hash, files, bytes, ...(detail as PackageDetail) })
  }

  async #enter(info: PackageInfo, collectionId: string | null = null): Promise<void> {
    const { hash, files, bytes, ...detail } = info
    const entered = { hash, files, bytes, detail }
    await this.#store.write('enterPackage', { entered, collectionId, at: this.#clock.now() })
    // The same files may have come with other warnings.
    this.#details.delete(hash)
  }

  /** The script that a package runs, relative to its top. Throws `package-unknown`. */
  async scriptFile(hash: string): Promise<string> {
    return (await this.detail(hash)).script.file
  }

  list(hash: string): ReturnType<PackageStore['list']> {
    return this.#files.list(hash)
  }

  openFile(hash: string, path: string): ReturnType<PackageStore['openFile']> {
    return this.#files.openFile(hash, path)
  }

  /** What was found in a package when it was uploaded. */
  detail(hash: string): Promise<PackageDetail> {
    const known = this.#details.get(hash)
    if (known !== undefined) return known
    if (this.#details.size >= REMEMBERED) this.#details.clear()
    const detail = this.#store.read('readPackage', { hash }).then((entered) => entered.detail as PackageDetail)
    this.#details.set(hash, detail)
    detail.catch(() => this.#details.delete(hash))
    return detail
  }

  /** Removes packages that nobody has any longer. */
  async removeUnused(): Promise<void> {
    await this.#files.clean(() => this.#store.write('dropUnusedPackages', { at: this.#clock.now() }))
  }
}

/** A package as it is shown. */
export interface PackageView {
  readonly hash: string
  readonly files: number
  readonly bytes: number
  readonly script: {
    readonly file: string
    readonly directory: string
    readonly host: string
    readonly interpreter: string
  }
  /** The keys of settings.job as they were written. */
  readonly settings: Readonly<Record<string, unknown>>
  /** {@link settings} as a JSON text, where numbers or their order would be lost. */
  readonly exactSettings?: string
  readonly disabled: boolean
  readonly warnings: PackageInfo['warnings']
}

function view({ hash, files, bytes, script, settings, disabled, warnings }: PackageInfo): PackageView {
  const { file, directory, host, interpreter } = script
  return {
    hash,
    files,
    bytes,
    script: { file, directory, host, interpreter },
    settings: settings.all,
    ...(settings.exact === undefined ? {} : { exactSettings: settings.exact }),
    disabled,
    warnings,
  }
}
