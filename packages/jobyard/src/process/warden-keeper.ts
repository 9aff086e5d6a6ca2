import type { Clock, Timer } from '../domain/clock.ts'
import { type LaunchedWarden, launchWarden } from './launch.ts'
import type { BeginOrder, Report } from './link.ts'
import { pause } from './pause.ts'

/** How long a warden may take to end everything when it is asked to stop, milliseconds. */
const STOP_MS = 6000
/** How long a warden may take to get ready, milliseconds: no longer than one that works may be silent. */
const READY_MS = 10_000
/** A warden that has worked this long was a good one: the next is started at once. */
const GOOD_LIFE_MS = 1000
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5000
const MOST_FAILURES = 5

const STOPPING = new Error('the server is stopping')

/** What the keeper tells its owner. */
export interface KeeperListener {
  /** A report of the warden of the moment. */
  report(report: Report): void
  /** The warden has gone, saying this; the next one is started when the returned promise has resolved. */
  lost(words: string): Promise<void>
  /** For the fifth time in a row no warden could be had. It is still being tried. */
  fatal(error: Error): void
}

/** Sees to it that there is always a warden, that it hears from the server, and that it answers. */
export class WardenKeeper {
  readonly #begin: BeginOrder
  readonly #beatMs: number
  readonly #clock: Clock
  readonly #listener: KeeperListener
  #current: LaunchedWarden | undefined
  #next: PromiseWithResolvers<LaunchedWarden> = patientPromise()
  #watching: Promise<void> | undefined
  #unanswered = 0
  #failures = 0
  #beat: Timer | undefined
  #stopping = false

  /** `beatMs`: milliseconds between two words to the warden. */
  constructor(begin: BeginOrder, beatMs: number, clock: Clock, listener: KeeperListener) {
    this.#begin = begin
    this.#beatMs = beatMs
    this.#clock = clock
    this.#listener = listener
  }

  /** Starts the first warden. Rejects when that is not possible. */
  async open(): Promise<void> {
    await this.#launch()
    this.#beatLoop()
  }

  /** The warden of the moment; undefined while there is none. */
  get current(): LaunchedWarden | undefined {
    return this.#current
  }

  /** The warden that is being waited for. Rejects when it cannot be had, or will not be because of the end. */
  get next(): Promise<LaunchedWarden> {
    return this.#next.promise
  }

  /** Has the warden end everything and leave, and starts no other. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#beat?.cancel()
    const warden = this.#current
    this.#current = undefined
    this.#next.reject(STOPPING)
    this.#next = patientPromise()
    this.#next.reject(STOPPING)
    if (warden) {
      const timer = this.#clock.after(STOP_MS, () => warden.kill())
      warden.link.send({ do: 'stop' })
      await warden.ended
      timer.cancel()
    }
    await this.#watching
  }

  async #launch(): Promise<void> {
    const ready = Promise.withResolvers<void>()
    const warden = await launchWarden(this.#begin, (report) => {
      this.#listener.report(report)
      if (report.is === 'ready') ready.resolve()
      if (report.is === 'beat') this.#unanswered = 0
    })
    const timer = this.#clock.after(READY_MS, () => warden.kill())
    const words = await Promise.race([ready.promise, warden.ended])
    timer.cancel()
    if (words !== undefined) throw new Error(`The warden, which starts all processes, cannot be started: ${words}`)
    if (this.#stopping) {
      warden.kill()
      await warden.ended
      return
    }
    this.#current = warden
    this.#unanswered = 0
    this.#next.resolve(warden)
    this.#watching = this.#watch(warden)
  }

  /** Waits for the end of a warden, and gets another one. */
  async #watch(warden: LaunchedWarden): Promise<void> {
    const began = this.#clock.elapsed()
    const words = await warden.ended
    if (this.#stopping) return
    this.#current = undefined
    this.#next = patientPromise()
    if (this.#clock.elapsed() - began >= GOOD_LIFE_MS) this.#failures = 0
    await this.#listener.lost(words)
    await this.#replaceLoop()
  }

  async #replaceLoop(): Promise<void> {
    while (!this.#stopping) {
      const delay = this.#failures === 0 ? 0 : FIRST_DELAY_MS * 2 ** (this.#failures - 1)
      this.#failures++
      await pause(this.#clock, Math.min(delay, LONGEST_DELAY_MS))
      if (this.#stopping) return
      try {
        return await this.#launch()
      } catch (error) {
        this.#giveUpFor(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }

  /** Another failure to get a warden. From the fifth on, whoever waits is told instead of waiting longer. */
  #giveUpFor(error: Error): void {
    if (this.#failures < MOST_FAILURES || this.#stopping) return
    this.#next.reject(error)
    this.#next = patientPromise()
    if (this.#failures === MOST_FAILURES) this.#listener.fatal(error)
  }

  /** Tells the warden that the server lives, and ends a warden that does not answer: it must be frozen. */
  #beatLoop(): void {
    this.#beat = this.#clock.after(this.#beatMs, () => {
      const warden = this.#current
      if (warden) {
        if (++this.#unanswered > this.#begin.silentAfterMs / this.#beatMs) warden.kill()
        else warden.link.send({ do: 'beat' })
      }
      this.#beatLoop()
    })
  }
}

/** A promise that may be rejected while nobody waits for it. */
function patientPromise(): PromiseWithResolvers<LaunchedWarden> {
  const waiting = Promise.withResolvers<LaunchedWarden>()
  waiting.promise.catch(() => undefined)
  return waiting
}
