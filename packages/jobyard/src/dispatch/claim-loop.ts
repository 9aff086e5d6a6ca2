import type { Clock, Timer } from '../domain/clock.ts'
import { type GrowingWait, spread, waitAfter } from '../domain/waits.ts'
import type { Claimer } from './contract.ts'

/** What a claim loop is made of. */
export interface ClaimLoopOptions {
  readonly clock: Clock
  /** A number from 0 to below 1, for the jitter of waits. */
  readonly random: () => number
  /** Told of every claim that failed; it is tried again by itself. */
  readonly onError: (error: unknown) => void
  /** Milliseconds after which it looks even though nobody said anything; halved at most by lot. Default 60,000. */
  readonly fallbackMs?: number
}

/** After a failed claim. */
const WAIT: GrowingWait = { first: 100, longest: 15_000 }

/**
 * The same for a run that is due although a claim has just found nothing to take: another instance is taking it, and
 * will be done in a moment.
 */
const REST: GrowingWait = { first: 5, longest: 1000 }

/** The most runs that one claim asks for by name. */
const MOST_NAMES = 500

/**
 * Asks the claimer for runs: when woken, when the next run falls due, and now and then anyway. One claim at a time;
 * wakes that come meanwhile are one more claim after it. What finds no room is remembered until some has come free.
 */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions
  readonly #names = new Set<string>()
  #claimer: Claimer | undefined
  #wanted = false
  #turning: Promise<void> | undefined
  #timer: Timer | undefined
  /** True between a failed claim and the next attempt: wakes wait for that. */
  #recovering = false
  #failures = 0
  #rests = 0

  constructor(options: ClaimLoopOptions) {
    this.#options = options
  }

  /** Begins with a claim at once. */
  start(claimer: Claimer): void {
    this.#claimer = claimer
    this.wake()
  }

  /** Asks for a claim of whatever is due. */
  wake(): void {
    this.#wanted = true
    this.#begin()
  }

  /** Room has come free: asks for what was wanted and may have found none. */
  useRoom(): void {
    if (this.#wanted || this.#names.size > 0) this.#begin()
  }

  /** Asks for a claim of this run in particular; false when there is no room for more than was asked for already. */
  wakeFor(runId: string): boolean {
    if (this.#names.size >= this.#room()) return false
    this.#names.add(runId)
    this.#begin()
    return true
  }

  /** Ends; resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#claimer = undefined
    this.#timer?.cancel()
    await this.#turning
  }

  #room(): number {
    return this.#claimer?.room() ?? 0
  }

  #begin(): void {
    if (this.#claimer === undefined || this.#turning !== undefined || this.#recovering) return
    // After the present turn of the event loop, so that everything said in it is one claim.
    this.#turning = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#turn())
  }

  async #turn(): Promise<void> {
    this.#timer?.cancel()
    let wait: number
    try {
      wait = await this.#claimOnce()
      this.#failures = 0
    } catch (error) {
      this.#options.onError(error)
      this.#recovering = true
      wait = waitAfter(WAIT, this.#failures++, this.#options.random())
    }
    this.#turning = undefined
    if (this.#claimer === undefined) return
    const more = (this.#wanted || this.#names.size > 0) && this.#room() > 0
    if (more && !this.#recovering) {
      this.#begin()
      return
    }
    this.#timer = this.#options.clock.after(wait, () => {
      this.#recovering = false
      this.wake()
    })
  }

  /** One claim, if there is room. Answers after how many milliseconds to look again when nobody says anything. */
  async #claimOnce(): Promise<number> {
    const limit = this.#room()
    // Room that comes free is told; what is wanted stays so.
    if (this.#claimer === undefined || limit <= 0) return this.#fallback()
    const runIds = [...this.#names].slice(0, MOST_NAMES)
    for (const name of runIds) this.#names.delete(name)
    // Whatever is due includes whoever was named, but for a long queue before them: then they wait their turn.
    const all = this.#wanted || runIds.length === 0
    this.#wanted = false
    const { claimed, nextDue } = await this.#claimer.claim(all ? { limit } : { limit, runIds })
    if (claimed > 0) this.#rests = 0
    if (nextDue === null) return this.#fallback()
    const wait = nextDue - this.#options.clock.now()
    if (wait > 0) return Math.min(wait, this.#fallback())
    if (claimed > 0) this.#wanted = true
    return waitAfter(REST, this.#rests++, this.#options.random())
  }

  #fallback(): number {
    return spread(this.#options.fallbackMs ?? 60_000, this.#options.random())
  }
}
