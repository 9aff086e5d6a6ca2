import type { Clock } from '../../domain/clock.ts'

/** A task is told of at most once in this time, in milliseconds: 20 times a second. */
const PAUSE_MS = 50

/** Messages that go out at once in that time, each for a task that was quiet; what comes on top goes together. */
const AT_ONCE = 8

/**
 * Tells when watched tasks have grown: one that was quiet at once, whatever others do, the rest together every
 * {@link PAUSE_MS}. So there are at most {@link AT_ONCE} + 1 messages in that time, however many tasks grow.
 */
export class Announcer {
  readonly #clock: Clock
  readonly #tell: (taskIds: string[]) => void
  readonly #watched = new Set<string>()
  readonly #grown = new Set<string>()
  /** Those told of since the last pause. */
  readonly #told = new Set<string>()
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
    if (this.#told.has(taskId) || this.#told.size >= AT_ONCE) this.#grown.add(taskId)
    else this.#announce([taskId])
  }

  #announce(taskIds: string[]): void {
    for (const taskId of taskIds) this.#told.add(taskId)
    this.#tell(taskIds)
    if (this.#pausing) return
    this.#pausing = true
    this.#clock.after(PAUSE_MS, () => this.#flush())
  }

  #flush(): void {
    this.#pausing = false
    this.#told.clear()
    const grown = [...this.#grown]
    this.#grown.clear()
    if (grown.length > 0) this.#announce(grown)
  }
}
