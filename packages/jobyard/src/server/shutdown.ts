import { type Clock, systemClock } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import { within } from '../domain/waits.ts'

/** How long one part may take to stop, and all that name no bound of their own together, in milliseconds. */
const PART_MS = 7000
const ALL_MS = 15_000

interface Part {
  readonly name: string
  readonly stop: () => unknown
  readonly boundMs: number | undefined
}

/** What was started, to be stopped in the opposite order. */
export class Shutdown {
  readonly #clock: Pick<Clock, 'after' | 'elapsed'>
  readonly #parts: Part[] = []
  #running: Promise<void> | undefined

  constructor(clock: Pick<Clock, 'after' | 'elapsed'> = systemClock) {
    this.#clock = clock
  }

  /** Remembers how to stop a part that was just started, and how long that may take if that is longer than usual. */
  add(name: string, stop: () => unknown, boundMs?: number): void {
    this.#parts.push({ name, stop, boundMs })
  }

  /**
   * Stops everything, the newest first. A part that fails to, or does not come to an end, keeps the others from nothing;
   * rejects then with `stop-incomplete`, which says what it was.
   */
  run(): Promise<void> {
    this.#running ??= this.#stopAll()
    return this.#running
  }

  async #stopAll(): Promise<void> {
    const failures: Error[] = []
    let left = ALL_MS
    for (const part of this.#parts.toReversed()) {
      const boundMs = part.boundMs ?? Math.min(PART_MS, left)
      const began = this.#clock.elapsed()
      try {
        const stopped = (async () => part.stop())()
        if (!(await within(this.#clock, boundMs, stopped))) throw new Error('It does not end.')
      } catch (cause) {
        failures.push(new Error(part.name, { cause }))
      }
      if (part.boundMs === undefined) left = Math.max(0, left - (this.#clock.elapsed() - began))
    }
    if (failures.length === 0) return
    const what = failures.map(({ message, cause }) => `${message}: ${cause instanceof Error ? cause.message : cause}`)
    throw new JobyardError('stop-incomplete', `Not everything could be stopped. ${what.join(' ')}`, {
      cause: new AggregateError(failures),
    })
  }
}
