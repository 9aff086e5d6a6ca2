import type { Clock } from '../../domain/clock.ts'

/** At most one message in this time, in milliseconds: 20 a second, however many tasks grow. */
const PAUSE_MS = 50

/** Tells when watched tasks have grown: at once, and then no more often than every {@link PAUSE_MS}. */
export class Announcer {
  readonly #clock: Clock
  readonly #tell: (taskIds: string[]) => void
  readonly #watched = new Set<string>()
  readonly #grown = new Set<string>()
  #pausing = false

  constructor(clock: Clock, tell: (taskIds: string[]) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** The tasks that somebody follows. */
  get watched(): ReadonlySet<string> {
    return this.#watched
  }

  watch(taskId: string, on: boolean): void {
    if (on) this.#watched.add(taskId)
    else this.#watched.delete(taskId)
  }

  grown(taskId: string): void {
    if (!this.#watched.has(taskId)) return
    this.#grown.add(taskId)
    if (!this.#pausing) this.#flush()
  }

  #flush(): void {
    this.#pausing = this.#grown.size > 0
    if (!this.#pausing) return
    this.#tell([...this.#grown])
    this.#grown.clear()
    this.#clock.after(PAUSE_MS, () => this.#flush())
  }
}
