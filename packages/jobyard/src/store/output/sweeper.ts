import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { ChunkStorage } from './storage.ts'

/** After the database refused a step, in milliseconds. */
const RETRY_MS = 1000

/**
 * Shrinking is done in steps of about this many milliseconds and rests after each for a multiple of it, so that it
 * takes a tenth of the thread at the most. How many pages that is differs widely: SQLite looks for each page in the list
 * of all unused ones. When not even one can be done in a step, the space is left for reuse.
 */
const STEP_MS = 10
const REST = 9
const FIRST_PAGES = 64
const MOST_PAGES = 512

/** Deletes the chunks of removed logs, a step at a time, so that writing and reading get their turns in between. */
export class Sweeper {
  readonly #storage: ChunkStorage
  readonly #clock: Clock
  #stopping = false
  #running: Promise<void> | undefined
  readonly #crash: (error: unknown) => void
  #again = false
  #shrinking = false
  #pages = FIRST_PAGES

  /** `crash` is called with defects that happen while nobody waits. */
  constructor(storage: ChunkStorage, clock: Clock, crash: (error: unknown) => void) {
    this.#storage = storage
    this.#clock = clock
    this.#crash = crash
  }

  /**
   * Resolves when the chunks of all logs removed by now are deleted. When the database refuses, because the disk is
   * full for instance, it goes on later by itself, and this rejects. Defects reject too.
   */
  async sweep(): Promise<void> {
    // A run that is under way may have looked for removed logs before the latest were.
    this.#again = this.#running !== undefined
    this.#running ??= this.#sweepAll().finally(() => {
      this.#running = undefined
    })
    await this.#running
    if (this.#again && !this.#stopping) await this.sweep()
  }

  /** Ends after the step that is running. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.allSettled([this.#running])
  }

  async #sweepAll(): Promise<void> {
    try {
      while (!this.#stopping && (await this.#storage.sweep())) await nextTurn()
    } catch (error) {
      if (!(error instanceof JobyardError) || this.#stopping) throw error
      this.#clock.after(RETRY_MS, () => {
        // This one's refusal schedules the next.
        if (!this.#stopping) this.sweep().catch(() => undefined)
      })
      throw error
    }
    this.#shrinkSoon()
  }

  /** Gives space back in the background. */
  #shrinkSoon(delay = 0): void {
    if (this.#stopping || this.#shrinking) return
    this.#shrinking = true
    this.#clock.after(delay, () => {
      this.#shrinking = false
      if (this.#stopping) return
      this.#shrinkOnce().catch(this.#crash)
    })
  }

  async #shrinkOnce(): Promise<void> {
    const before = this.#clock.elapsed()
    try {
      if (!(await this.#storage.shrink(this.#pages))) return
    } catch (error) {
      if (!(error instanceof JobyardError)) throw error
      this.#shrinkSoon(RETRY_MS)
      return
    }
    const took = this.#clock.elapsed() - before
    if (took > 2 * STEP_MS) this.#pages >>= 1
    else if (took < STEP_MS) this.#pages = Math.min(MOST_PAGES, this.#pages * 2)
    if (this.#pages > 0) this.#shrinkSoon(took * REST)
    else this.#pages = FIRST_PAGES
  }
}
