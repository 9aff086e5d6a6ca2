import type { Clock } from '../../domain/clock.ts'

/** Something that is to be done once it has stayed as it is. */
interface Waiting {
  readonly text: string
  /** By the clock's `elapsed`. */
  readonly since: number
}

/** What has changed in a folder and is not dealt with before it has stayed the same for a while; by the keys of jobs. */
export class WaitingChanges {
  readonly #clock: Clock
  readonly #quietMs: number
  readonly #waiting = new Map<string, Waiting>()

  /** `quietMs`: how long something must stay the same, in milliseconds. */
  constructor(clock: Clock, quietMs: number) {
    this.#clock = clock
    this.#quietMs = quietMs
  }

  keys(): Iterable<string> {
    return this.#waiting.keys()
  }

  /** Begins to wait for it to stay as `text` says, from now on. */
  begin(key: string, text: string): void {
    this.#waiting.set(key, { text, since: this.#clock.elapsed() })
  }

  /** Whether something has been the same for long enough; begins to wait for what is new. */
  hasStayed(key: string, text: string): boolean {
    if (this.#waiting.get(key)?.text === text) return this.mayBeQuiet(key) === true
    this.begin(key, text)
    return false
  }

  /** Whether it is time to look at something again; undefined: nothing waits there. */
  mayBeQuiet(key: string): boolean | undefined {
    const waiting = this.#waiting.get(key)
    return waiting && this.#clock.elapsed() - waiting.since >= this.#quietMs
  }

  /** It is dealt with, or gone. */
  end(key: string): void {
    this.#waiting.delete(key)
  }

  /** Milliseconds until the first one may be quiet; undefined: none waits. */
  get next(): number | undefined {
    const waits = [...this.#waiting.values()].map(({ since }) => since + this.#quietMs - this.#clock.elapsed())
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
