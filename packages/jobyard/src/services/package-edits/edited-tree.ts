import { JobyardError } from '../../domain/errors.ts'
import type { ArchiveLimits } from '../../kinds/script/archive-limits.ts'
import { foldName, splitEntryName, tooLarge } from '../../kinds/script/archive-names.ts'
import type { PackagePart, PackageParts } from '../../kinds/script/compose.ts'
import { compareNames, parentOf } from '../../kinds/script/package-tree.ts'

/** Something in the folder of a job. */
export type EditedEntry =
  | { readonly type: 'file'; readonly file: PackagePart }
  | { readonly type: 'folder'; readonly path: string }

/** One change of a job's folder. */
export type Change =
  | { readonly op: 'put'; readonly file: PackagePart }
  | { readonly op: 'folder'; readonly path: string }
  /** A file, or a folder with all in it; all there is at an empty path. */
  | { readonly op: 'remove'; readonly path: string }

/**
 * The files and folders of a job as they are to be. Names that differ in their case alone are the same, as on the system
 * that WebJobs come from; what is there keeps its spelling.
 */
export class EditedTree {
  readonly #files: Map<string, PackagePart>
  readonly #folders: Map<string, string>
  #bytes: number
  #gone = false

  constructor(files: Iterable<PackagePart>, folders: Iterable<string>) {
    this.#files = new Map([...files].map((file) => [foldName(file.path), file]))
    this.#folders = new Map([...folders].map((folder) => [foldName(folder), folder]))
    this.#bytes = [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  copy(): EditedTree {
    return new EditedTree(this.#files.values(), this.#folders.values())
  }

  /** Whether the whole folder was taken away, and nothing was put into it since. */
  get isGone(): boolean {
    return this.#gone
  }

  /** What lies at a path, in any case; the tree itself at an empty one. */
  find(path: string): EditedEntry | null {
    if (path === '') return { type: 'folder', path }
    const key = foldName(path)
    const file = this.#files.get(key)
    if (file !== undefined) return { type: 'file', file }
    const folder = this.#folders.get(key)
    return folder === undefined ? null : { type: 'folder', path: folder }
  }

  /** What lies directly in a folder, by name. */
  list(folder: string): EditedEntry[] {
    const key = foldName(folder)
    const within = (path: string) => foldName(parentOf(path)) === key
    const folders = [...this.#folders.values()].filter(within).map((path) => ({ type: 'folder', path }) as const)
    const files = [...this.#files.values()].filter(({ path }) => within(path))
    const entries: EditedEntry[] = [...folders, ...files.map((file) => ({ type: 'file', file }) as const)]
    return entries.toSorted((one, other) => compareNames(pathOf(one), pathOf(other)))
  }

  /**
   * The name under which a file or folder is to be kept: spelled as what is there already, itself and the folders above
   * it. Throws 'data-refused' when one of those is a file, and what `splitEntryName` throws.
   */
  spell(path: string, limits: ArchiveLimits): string {
    let spelled = ''
    const parts = splitEntryName(path, limits)
    for (const [index, part] of parts.entries()) {
      const wanted = spelled === '' ? part : `${spelled}/${part}`
      const there = this.find(wanted)
      if (there?.type === 'file' && index < parts.length - 1) {
        throw new JobyardError('data-refused', `${JSON.stringify(there.file.path)} is a file and holds no others.`)
      }
      spelled = there === null ? wanted : pathOf(there)
    }
    return spelled
  }

  /** Makes a change. Its paths are spelled as {@link spell} says. */
  apply(change: Change): void {
    if (change.op === 'remove') this.#remove(change.path)
    else this.#add(change)
  }

  #add(change: Exclude<Change, { op: 'remove' }>): void {
    this.#gone = false
    const path = change.op === 'put' ? change.file.path : change.path
    for (let above = change.op === 'put' ? parentOf(path) : path; above !== ''; above = parentOf(above)) {
      const key = foldName(above)
      if (!this.#folders.has(key)) this.#folders.set(key, above)
    }
    if (change.op === 'folder') return
    this.#forget(foldName(path))
    this.#files.set(foldName(path), change.file)
    this.#bytes += change.file.bytes
  }

  /** Throws 'archive-too-large' when there is more than a package may hold. */
  checkSize({ entries, totalBytes }: ArchiveLimits): void {
    if (this.#files.size + this.#folders.size > entries) {
      throw tooLarge(`The job has more than ${entries} files and folders`)
    }
    if (this.#bytes > totalBytes) throw tooLarge(`The files of the job have more than ${totalBytes} bytes together`)
  }

  parts(): PackageParts {
    return { files: [...this.#files.values()], folders: [...this.#folders.values()] }
  }

  #remove(path: string): void {
    if (path === '') {
      this.#files.clear()
      this.#folders.clear()
      this.#bytes = 0
      this.#gone = true
      return
    }
    const key = foldName(path)
    const below = `${key}/`
    for (const each of [...this.#files.keys()]) if (each === key || each.startsWith(below)) this.#forget(each)
    for (const each of [...this.#folders.keys()]) {
      if (each === key || each.startsWith(below)) this.#folders.delete(each)
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#files.get(key)?.bytes ?? 0
    this.#files.delete(key)
  }
}

/** The whole path of an entry. */
export function pathOf(entry: EditedEntry): string {
  return entry.type === 'file' ? entry.file.path : entry.path
}
