import type { Clock, Timer } from '../../src/domain/clock.ts'

interface Waiting {
  readonly at: number
  readonly wake: () => void
}

/** A clock that stands still until it is moved, backwards too. */
export class ManualClock implements Clock {
  #now: number
  #elapsed = 0
  readonly #waiting = new Set<Waiting>()

  constructor(now: number | string) {
    this.#now = typeof now === 'string' ? Date.parse(now) : now
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#elapsed
  }

  after(delay: number, wake: () => void): Timer {
    if (delay <= 0) {
      // What is due needs no moving of the clock.
      const immediate = setImmediate(wake)
      return { cancel: () => clearImmediate(immediate) }
    }
    const waiting = { at: this.#elapsed + Math.max(0, delay), wake }
    this.#waiting.add(waiting)
    return { cancel: () => this.#waiting.delete(waiting) }
  }

  /** Lets time pass; what falls due wakes in its order. */
  advance(milliseconds: number): void {
    const end = this.#elapsed + milliseconds
    for (;;) {
      const next = [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#waiting.delete(next)
      this.#now += next.at - this.#elapsed
      this.#elapsed = next.at
      next.wake()
    }
    this.#now += end - this.#elapsed
    this.#elapsed = end
  }

  /** Sets the wall clock without any time passing, as an administrator does. */
  set(now: number | string): void {
    this.#now = typeof now === 'string' ? Date.parse(now) : now
  }
}
