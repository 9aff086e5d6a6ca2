import type { Clock, Timer } from '../domain/clock.ts'
import { type GrowingWait, waitAfter } from '../domain/waits.ts'
import type { Events } from './events.ts'

/** What a loop is made of. */
export interface LoopOptions {
  /** Names the loop in what is told. */
  readonly name: string
  readonly clock: Clock
  /** Does one turn. Answers after how many milliseconds to look again by itself; null: only when woken. */
  readonly turnOnce: () => Promise<number | null>
  /** Told of turns that fail. */
  readonly events: Pick<Events, 'emit'>
  /** A number from 0 to below 1, for the jitter of waits after an error. */
  readonly random: () => number
}

/** After a failed turn. */
const WAIT: GrowingWait = { first: 250, longest: 15_000 }

/** The longest that a loop sleeps before it looks at the clock again, which may have been set, in milliseconds. */
export const LONGEST_SLEEP = 30_000

/** How long to sleep until an instant, epoch milliseconds; null: nothing is to come. */
export function sleepUntil(clock: Pick<Clock, 'now'>, due: number | null): number {
  if (due === null) return LONGEST_SLEEP
  return Math.min(Math.max(0, due - clock.now()), LONGEST_SLEEP)
}

/** Something done again and again: when it is woken, and by itself when its last turn said so. Turns never overlap. */
export class Loop {
  readonly #options: LoopOptions
  #timer: Timer | undefined
  #turning: Promise<void> | undefined
  #again = false
  #stopped = true
  #failures = 0

  constructor(options: LoopOptions) {
    this.#options = options
  }

  /** Begins with a turn at once. */
  start(): void {
    this.#stopped = false
    this.wake()
  }

  /** Asks for a turn as soon as possible; wakes during a turn are one more turn after it. */
  wake(): void {
    if (this.#stopped) return
    if (this.#turning !== undefined) {
      this.#again = true
      return
    }
    this.#timer?.cancel()
    this.#turning = this.#turn()
  }

  /** Ends the loop; resolves when no turn is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#turning
  }

  async #turn(): Promise<void> {
    let delay: number | null
    try {
      delay = await this.#options.turnOnce()
      this.#failures = 0
    } catch (error) {
      const { name, events, random } = this.#options
      events.emit({ type: 'error', where: name, error })
      delay = waitAfter(WAIT, this.#failures++, random())
    }
    this.#turning = undefined
    if (this.#stopped) return
    if (this.#again) {
      this.#again = false
      this.wake()
    } else if (delay !== null) {
      this.#timer = this.#options.clock.after(delay, () => this.wake())
    }
  }
}
