import type { Dirent } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'
import { identityOf } from './fingerprint.ts'
import type { ListenedFolder } from './folder-watch.ts'
import { holdOnWay } from './hold.ts'
import type { KnownFolders } from './known-folders.ts'
import { followLink, type LinkRules } from './links.ts'

/** What says that a folder cannot be looked into, instead of where it is. */
export const CLOSED = Symbol('closed')

/** Follows what says why a folder is not looked into. */
export const STAYS = 'Jobs that came from it stay as they are.'

/** A folder on the way to jobs. */
export interface Step {
  /** Where it is, behind the links that were followed. */
  readonly path: string
  /** As it is reached from the watched folder. */
  readonly named: string
  /** The same for each spelling; what is known of it goes by that. */
  readonly known: string
}

/** The watched folder itself. */
export function top(folder: string): Step {
  return { path: folder, named: folder, known: folder }
}

/** What is in a folder. */
export interface Listing {
  readonly entries: readonly Dirent[]
  /** Undefined when it is gone meanwhile. */
  readonly identity: string | undefined
}

/** The way from a watched folder down to its jobs, at one look; with all that is to be told and listened to on it. */
export class WayDown {
  readonly #rules: LinkRules
  readonly #known: KnownFolders
  readonly #problems: FolderProblem[] = []
  readonly #above = new Map<string, { readonly identity: string; readonly names: Set<string> | undefined }>()

  constructor(rules: LinkRules, known: KnownFolders) {
    this.#rules = rules
    this.#known = known
  }

  /** What stands in the way, each path once. */
  get problems(): readonly FolderProblem[] {
    return this.#problems
  }

  /** What is to be listened to. */
  above(): ListenedFolder[] {
    return [...this.#above].map(([path, { identity, names }]) => ({
      path,
      identity,
      ...(names === undefined ? {} : { names }),
    }))
  }

  /** Goes down by names in any case; undefined when there is no such folder. */
  async descend(from: Step, names: readonly string[]): Promise<Step | typeof CLOSED | undefined> {
    let at = from
    for (const name of names) {
      await this.listen(at.path, name)
      const listing = await this.list(at.path)
      if (listing === CLOSED) return CLOSED
      const [found, ...others] = listing.entries.filter((entry) => entry.name.toLowerCase() === name.toLowerCase())
      if (found === undefined) return undefined
      const named = join(at.named, found.name)
      for (const other of others) this.refuse(join(at.named, other.name), `${named} counts instead.`)
      if (!found.isDirectory() && !found.isSymbolicLink()) return undefined
      const path = found.isDirectory() ? join(at.path, found.name) : await this.#follow(at, found.name)
      if (path === CLOSED) return CLOSED
      if (listing.identity !== undefined) this.#known.note(at.known, listing.identity)
      at = { path, named, known: knownAs(at.known, [name]) }
    }
    return at
  }

  async #follow({ path, named }: Step, name: string): Promise<string | typeof CLOSED> {
    const followed = await followLink({ holder: path, name }, this.#rules, (holder, link) => this.listen(holder, link))
    if ('path' in followed) return followed.path
    this.refuse(join(named, name), `${followed.refusal}; it is not followed. ${STAYS}`)
    return CLOSED
  }

  /** What is in a folder, by name; nothing when it is gone meanwhile. One that is closed says nothing of what is in it. */
  async list(folder: string): Promise<Listing | typeof CLOSED> {
    try {
      await using held = await holdOnWay(this.#rules.folder, folder)
      const identity = identityOf(await held.stat())
      const entries = await held.entries()
      return { entries: entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)), identity }
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return { entries: [], identity: undefined }
      if (!(error instanceof Error && isSystemError(error))) throw error
      this.refuse(folder, `It cannot be read: ${error.message}. ${STAYS}`)
      return CLOSED
    }
  }

  /** Tells of something that is not deployed; of what was told already no more. */
  refuse(path: string, message: string): void {
    if (!this.#problems.some((known) => known.path === path)) this.#problems.push({ path, message })
  }

  /** Notes a folder to be listened to; `name` is the only entry in it that is of interest, besides those noted before. */
  async listen(path: string, name?: string): Promise<void> {
    const known = this.#above.get(path)
    if (known !== undefined && name !== undefined) {
      known.names?.add(name.toLowerCase())
      return
    }
    try {
      const names = name === undefined ? undefined : new Set([name.toLowerCase()])
      this.#above.set(path, { identity: identityOf(await stat(path, { bigint: true })), names })
    } catch (error) {
      // It is gone, or lies where nothing can be seen: then it cannot be listened to either.
      if (!isSystemError(error)) throw error
    }
  }
}

/** How a folder is known to {@link KnownFolders}. */
export function knownAs(above: string, names: readonly string[]): string {
  return join(above, ...names.map((name) => name.toLowerCase()))
}
