import { JobyardError } from '../domain/errors.ts'
import type { Changes } from '../store/procedures/advance.ts'
import type { EngineParts } from './parts.ts'

/** Tells all who must know what a transaction did. */
export type Absorb = (changes: Changes) => void

/** First and longest wait before a write is tried again, in milliseconds. */
const FIRST_WAIT = 100
const LONGEST_WAIT = 5000

/** Whether an error passes by itself: the disk gets room, the database comes back. */
export function isPassing(error: unknown): boolean {
  return error instanceof JobyardError && (error.code === 'store-full' || error.code === 'store-unavailable')
}

/**
 * Writes until it succeeds, as long as it is still wanted: a full disk or a lost database passes, and what has happened
 * must not be forgotten over it. Answers undefined when it was given up. Any other error is a defect: it is
 * announced, and tried again all the same, more slowly, because the run's owner has nothing better to do.
 */
export async function persist<T>(
  { clock, events }: Pick<EngineParts, 'clock' | 'events'>,
  what: string,
  write: () => Promise<T>,
  wanted: () => boolean = () => true,
): Promise<T | undefined> {
  for (let wait = FIRST_WAIT; wanted(); wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      return await write()
    } catch (error) {
      const passes = isPassing(error)
      if (!passes || wait === FIRST_WAIT) events.emit({ type: 'error', where: what, error })
      await new Promise<void>((resolve) => clock.after(passes ? wait : LONGEST_WAIT, resolve))
    }
  }
  return undefined
}
