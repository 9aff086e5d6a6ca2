import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

/** Where new identifiers come from. */
export interface Ids {
  /** A new UUIDv7 (RFC 9562 §5.7): lower case, and greater than every one made before it by the same source. */
  next(): string
}

/** How many random bytes are fetched at once: one system call for 512 ids. */
const POOL_BYTES = 4096

/**
 * Makes UUIDv7 identifiers from the clock. Within one millisecond the 12 bits after the version count up, so ids of
 * one source sort in the order of their making even when the clock goes back.
 */
export function createIds(clock: Clock): Ids {
  let lastTime = 0
  let counter = 0
  let pool = randomBytes(POOL_BYTES)
  let offset = 0
  const random = (): string => {
    if (offset + 8 > POOL_BYTES) {
      pool = randomBytes(POOL_BYTES)
      offset = 0
    }
    const hex = pool.toString('hex', offset, offset + 8)
    offset += 8
    return hex
  }
  return {
    next() {
      const now = clock.now()
      if (now > lastTime) {
        lastTime = now
        counter = 0
      } else if (++counter > 0xfff) {
        lastTime++
        counter = 0
      }
      const time = lastTime.toString(16).padStart(12, '0')
      const tail = random()
      const variant = ((Number.parseInt(tail.slice(0, 1), 16) & 0x3) | 0x8).toString(16)
      return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`
    },
  }
}
