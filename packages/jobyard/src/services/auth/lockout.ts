import { isIPv6 } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'

/** How many failures are too many. */
export interface LockoutOptions {
  /** Failures within the window that are let through. */
  readonly failures: number
  /** Milliseconds from the first failure on in which they count, and for which the lock then holds. */
  readonly windowMs: number
}

/** Senders that are remembered; beyond them those whose window began first are forgotten. */
const MOST_SENDERS = 10_000

interface Tally {
  count: number
  readonly until: number
}

/** Counts wrong tokens and passwords by sender, in memory, and tells when there are too many. */
export class Lockout {
  readonly #clock: Clock
  readonly #options: LockoutOptions
  readonly #tallies = new Map<string, Tally>()

  constructor(clock: Clock, options: LockoutOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Throws 'too-many-failures' while a sender is locked out. */
  check(sender: string): void {
    const tally = this.#find(sender)
    if (tally !== undefined && tally.count >= this.#options.failures) throw this.#refusal(tally)
  }

  /** Counts a failure. */
  fail(sender: string): void {
    const tally = this.#find(sender)
    if (tally !== undefined) {
      tally.count++
      return
    }
    const [oldest] = this.#tallies.keys()
    if (this.#tallies.size >= MOST_SENDERS && oldest !== undefined) this.#tallies.delete(oldest)
    this.#tallies.set(sender, { count: 1, until: this.#clock.elapsed() + this.#options.windowMs })
  }

  #find(sender: string): Tally | undefined {
    const tally = this.#tallies.get(sender)
    if (tally === undefined || tally.until > this.#clock.elapsed()) return tally
    this.#tallies.delete(sender)
    return undefined
  }

  #refusal({ count, until }: Tally): JobyardError {
    const seconds = Math.max(1, Math.ceil((until - this.#clock.elapsed()) / 1000))
    const message = `${count} requests from here had a wrong token or password; the next may come in ${seconds} s.`
    return new JobyardError('too-many-failures', message, { data: { retryAfter: seconds } })
  }
}

/** Whom an address stands for: itself, or for IPv6 the /64 that whoever has one address of it usually has whole. */
export function senderOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0')
  return `${[...groups, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}
