import type { Clock } from '../domain/clock.ts'

/** Longer than any wait; the interval itself does nothing. */
const ANY_TIME = 2 ** 30

/**
 * Waits `delay` milliseconds of the clock, and keeps the process alive meanwhile. The clock's own timers do not: a
 * server that waited on one before it listens anywhere would end instead.
 */
export function pause(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, ANY_TIME)
    clock.after(delay, () => {
      clearInterval(alive)
      resolve()
    })
  })
}
