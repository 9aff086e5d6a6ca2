import { type FSWatcher, watch } from 'node:fs'
import { basename } from 'node:path'
import type { Clock, Timer } from '../../domain/clock.ts'

/** Between an event and the look that it asks for, in milliseconds: events come in swarms. */
export const GATHER_MS = 200

/** Folders that are listened to at the most: each costs a watch of the system, of which there may be only some thousands. */
const MOST_FOLDERS = 10_000

/** A folder that is listened to, for what happens to the entries in it and to itself, and not below. */
export interface ListenedFolder {
  readonly path: string
  /** Differs when another folder has taken the place of this one: a watch stays with the folder that it was made for. */
  readonly identity: string
  /** In small letters: the only entries that are of interest. Default: all. */
  readonly names?: ReadonlySet<string>
}

interface Watched {
  readonly identity: string
  names: ReadonlySet<string> | undefined
  readonly watcher: FSWatcher
}

/**
 * Listens to the file system for changes in some folders, which come in groups. It may miss some: whoever relies on it looks
 * now and then. Folders are listened to one by one, because the recursive watch of Node opens every single file on Linux.
 */
export class FolderWatch {
  readonly #clock: Clock
  readonly #onChange: (groups: ReadonlySet<string>) => void
  readonly #groups = new Map<string, Map<string, Watched>>()
  #count = 0
  #noted = new Set<string>()
  #timer: Timer | undefined
  #isStopped = false

  /** `onChange` is told in which groups something has changed. */
  constructor(clock: Clock, onChange: (groups: ReadonlySet<string>) => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /**
   * Listens to these folders for a group from now on, and to no others for it. True when one of them, or some name in it, was
   * not listened to before: what happened there since it was looked at was not heard.
   */
  follow(group: string, folders: readonly ListenedFolder[]): boolean {
    if (this.#isStopped) return false
    const before = this.#groups.get(group) ?? new Map<string, Watched>()
    const wanted = new Map(folders.map((folder) => [folder.path, folder]))
    for (const [path, { identity }] of before) {
      if (wanted.get(path)?.identity !== identity) this.#drop(before, path)
    }
    this.#groups.set(group, before)
    let isNew = false
    for (const folder of folders) {
      const known = before.get(folder.path)
      isNew = (known === undefined ? this.#listen(group, before, folder) : widen(known, folder)) || isNew
    }
    return isNew
  }

  /** Listens no longer for groups that are not among these. */
  keepOnly(groups: ReadonlySet<string>): void {
    for (const [group, watched] of this.#groups) {
      if (groups.has(group)) continue
      for (const path of [...watched.keys()]) this.#drop(watched, path)
      this.#groups.delete(group)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.keepOnly(new Set())
  }

  #listen(group: string, watched: Map<string, Watched>, { path, identity, names }: ListenedFolder): boolean {
    if (this.#count >= MOST_FOLDERS) return false
    const own = basename(path)
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => {
        if (name === null || name === own || concerns(listened, name)) this.#note(group)
      })
      const listened: Watched = { identity, names, watcher }
      watched.set(path, listened)
      this.#count++
      watcher.on('error', () => {
        if (watched.get(path)?.watcher === watcher) this.#drop(watched, path)
        this.#note(group)
      })
      return true
    } catch {
      // The folder is gone, or there are too many folders to listen to: the looks now and then must do.
      return false
    }
  }

  #drop(watched: Map<string, Watched>, path: string): void {
    const found = watched.get(path)
    if (found === undefined) return
    watched.delete(path)
    this.#count--
    found.watcher.close()
  }

  #note(group: string): void {
    if (this.#isStopped) return
    this.#noted.add(group)
    this.#timer ??= this.#clock.after(GATHER_MS, () => {
      const groups = this.#noted
      this.#timer = undefined
      this.#noted = new Set()
      this.#onChange(groups)
    })
  }
}

function concerns({ names }: Watched, name: string): boolean {
  return names === undefined || names.has(name.toLowerCase())
}

/** Listens for other names in a folder from now on. True when not all of them were listened for before. */
function widen(watched: Watched, { names }: ListenedFolder): boolean {
  const before = watched.names
  watched.names = names
  return before !== undefined && (names === undefined || !names.isSubsetOf(before))
}
