import type { Clock } from './clock.ts'

/** How long to wait before something is tried again, in milliseconds; each failure in a row doubles it. */
export interface GrowingWait {
  readonly first: number
  readonly longest: number
}

/** Milliseconds to wait after a failure that so many others came before, {@link spread} by `random`. */
export function waitAfter({ first, longest }: GrowingWait, failuresBefore: number, random: number): number {
  return spread(Math.min(first * 2 ** failuresBefore, longest), random)
}

/** A wait of which up to a half is taken away by lot, lest all who wait go on at once; `random` is from 0 to below 1. */
export function spread(ms: number, random: number): number {
  return ms * (0.5 + random / 2)
}

/** Waits for something for `ms` milliseconds at the most; answers whether it has come. How it fails later, nobody hears. */
export async function within(clock: Pick<Clock, 'after'>, ms: number, coming: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = clock.after(ms, () => late.resolve(false))
  try {
    return await Promise.race([coming.then(() => true), late.promise])
  } finally {
    timer.cancel()
  }
}
