import type { Clock } from '../../domain/clock.ts'
import { killStrays } from '../strays.ts'

/** One look serves all runs that ended within this time, milliseconds. */
const GATHER_MS = 100
/** A look is followed by at least this many times its own duration without one. */
const REST_FACTOR = 10

/**
 * Finds what runs left behind outside their group where no control group holds it together. Looking at every process
 * of the machine for every run that ends would cost more than the runs, so one look serves many of them.
 */
export class StrayWatch {
  readonly #clock: Clock
  readonly #prefix: string
  readonly #isRunning: (taskId: string) => boolean
  #ended = new Set<number>()
  #planned = false
  #restUntil = 0

  /** `prefix`: what every marker of this instance begins with. `isRunning`: the task has a process that may have others. */
  constructor(prefix: string, isRunning: (taskId: string) => boolean, clock: Clock) {
    this.#prefix = prefix
    this.#isRunning = isRunning
    this.#clock = clock
  }

  /** The leader of this session has ended; its strays will be looked for a little later. */
  ended(session: number): void {
    this.#ended.add(session)
    if (this.#planned) return
    this.#planned = true
    const delay = Math.max(GATHER_MS, this.#restUntil - this.#clock.elapsed())
    this.#clock.after(delay, () => this.#lookOnce())
  }

  /** Looks at once. Returns how many strays there were. */
  look(): number {
    const began = this.#clock.elapsed()
    const found = killStrays((mark) => this.#isStray(mark), this.#ended).length
    const now = this.#clock.elapsed()
    this.#restUntil = now + (now - began) * REST_FACTOR
    return found
  }

  #lookOnce(): void {
    this.#planned = false
    const found = this.look()
    const sessions = this.#ended
    this.#ended = new Set()
    // What was killed may have forked before it died: look again until nothing is found.
    if (found > 0) for (const session of sessions) this.ended(session)
  }

  #isStray(mark: string): boolean {
    return mark.startsWith(this.#prefix) && !this.#isRunning(mark.slice(this.#prefix.length))
  }
}
