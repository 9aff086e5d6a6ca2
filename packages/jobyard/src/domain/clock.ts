/** Where the program takes the time from, so that tests can move it, backwards too. */
export interface Clock {
  /** The wall clock in epoch milliseconds, UTC. It may jump when the machine's clock is set. */
  now(): number
  /** Milliseconds that only ever grow; for measuring how long something took and for time limits. */
  elapsed(): number
  /** Calls `wake` once after `delay` milliseconds (0 at the least, however many at the most) unless cancelled. */
  after(delay: number, wake: () => void): Timer
}

/** A pending wake-up of a {@link Clock}. */
export interface Timer {
  /** Forgets the wake-up; harmless when it has happened. */
  cancel(): void
}

/** The longest delay that setTimeout takes without wrapping round to "at once". */
const LONGEST_DELAY = 2 ** 31 - 1

/** The machine's own clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delay, wake) {
    let left = delay
    let timer = arm()
    /** A delay that is too long for one timer is waited for in pieces. */
    function arm(): NodeJS.Timeout {
      const piece = Math.min(Math.max(left, 0), LONGEST_DELAY)
      left -= piece
      return setTimeout(() => {
        if (left > 0) timer = arm()
        else wake()
      }, piece).unref()
    }
    return { cancel: () => clearTimeout(timer) }
  },
}
