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
