import type { RewindPlace } from '../store/procedures/rewind.ts'
import { LONGEST_SLEEP } from './loop.ts'
import type { EngineParts } from './parts.ts'
import type { Absorb } from './persist.ts'

/** Schedules, and other waits, dealt with in one transaction at the most. */
const AT_ONCE = 500

/** Begins the runs that schedules ask for, and sees to it that a clock that was put back leaves nothing resting. */
export class Ticks {
  readonly #parts: EngineParts
  readonly #absorb: Absorb
  readonly #onRewound: () => void
  /** What the clock showed at the last look. */
  #lookedAt = Number.POSITIVE_INFINITY

  /** `onRewound`: times have changed that others wait for. */
  constructor(parts: EngineParts, absorb: Absorb, onRewound: () => void) {
    this.#parts = parts
    this.#absorb = absorb
    this.#onRewound = onRewound
  }

  /** Deals with what has fallen due. Answers when more will, epoch milliseconds; null when nothing will. */
  async tickOnce(): Promise<number | null> {
    const { store, clock, events } = this.#parts
    const at = clock.now()
    if (at < this.#lookedAt) await this.#rewind(at)
    this.#lookedAt = at
    const tick = await store.write('tickSchedules', { at, limit: AT_ONCE })
    this.#absorb(tick)
    for (const passed of tick.passed) events.emit({ type: 'schedule.passed', ...passed })
    for (const fault of tick.unreadable) events.emit({ type: 'schedule.unreadable', ...fault })
    return tick.nextDue
  }

  /** The clock was put back, perhaps while no server ran: nothing is to rest until it has caught up. */
  async #rewind(at: number): Promise<void> {
    const { store } = this.#parts
    const limit = AT_ONCE
    while ((await store.write('rewindSchedules', { at, limit })).more);
    while ((await store.write('rewindTasks', { at, limit })).more);
    // It has gone on for a while since the last look.
    const was = Number.isFinite(this.#lookedAt) ? this.#lookedAt + LONGEST_SLEEP : null
    let after: RewindPlace | null = null
    do after = await store.write('rewindRuns', { at, was, after, limit })
    while (after !== null)
    await store.write('rewindPlaces', { at })
    this.#onRewound()
  }
}
