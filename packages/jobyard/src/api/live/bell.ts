import type { Clock } from '../../domain/clock.ts'

/** Wakes the one who waits; a ring that comes before the waiting is not lost, and several rings are one. */
export class Bell {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Wakes. */
  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Waits for a ring, for so many milliseconds at the most. Answers whether there was one. */
  async wait(milliseconds: number): Promise<boolean> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(milliseconds, resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
      this.#wake = undefined
    }
    const rung = this.#rung
    this.#rung = false
    return rung
  }
}
