import { type FSWatcher, watch } from 'node:fs'
import type { Clock, Timer } from '../../domain/clock.ts'

/** Between an event and the look that it asks for, in milliseconds: events come in swarms. */
const GATHER_MS = 200

/** Listens to the file system for changes below some folders. It may miss some: whoever relies on it looks now and then. */
export class FolderWatch {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #timer: Timer | undefined

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /** Listens below these folders from now on, and below no others. */
  follow(folders: readonly string[]): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.includes(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#listen(folder)
  }

  stop(): void {
    this.#timer?.cancel()
    this.follow([])
  }

  #listen(folder: string): void {
    const forget = (watcher: FSWatcher | undefined) => {
      watcher?.close()
      if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder)
    }
    try {
      const watcher = watch(folder, { recursive: true, persistent: false }, () => this.#note())
      this.#watchers.set(folder, watcher)
      // The folder is gone, or there are too many folders to listen to: the next look tries again.
      watcher.on('error', () => {
        forget(watcher)
        this.#note()
      })
    } catch {
      forget(undefined)
    }
  }

  #note(): void {
    this.#timer ??= this.#clock.after(GATHER_MS, () => {
      this.#timer = undefined
      this.#onChange()
    })
  }
}
