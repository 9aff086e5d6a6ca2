import type { ActiveRun, ActiveTask } from './active-run.ts'
import type { EngineParts } from './parts.ts'
import type { Records } from './recording.ts'
import { keepToLimit, pauseLimit, reasonOf } from './work-task.ts'

/** Freezes tasks of runs that are to rest, and thaws them when they are to go on. */
export class Freezer {
  readonly #parts: EngineParts
  readonly #records: Records

  constructor(parts: EngineParts, records: Records) {
    this.#parts = parts
    this.#records = records
  }

  /** Freezes or thaws a task until it is as it is wanted, one step at a time, each put on record. Never rejects. */
  async adjust(active: ActiveRun, current: ActiveTask): Promise<void> {
    if (current.adjusting) return
    current.adjusting = true
    try {
      while (isAdjustable(active, current)) {
        const done = current.frozen ? await this.#thaw(active, current) : await this.#freeze(active, current)
        if (!done) return
      }
    } catch (error) {
      this.#report(error)
    } finally {
      current.adjusting = false
    }
  }

  /** A task that cannot be frozen goes on to its end, as one does that never could be. */
  async #freeze(active: ActiveRun, current: ActiveTask): Promise<boolean> {
    current.frozen = true
    try {
      await current.freeze?.()
    } catch (error) {
      if (!active.running.has(current.task.id)) return false
      this.#report(error)
      // A part of it may be frozen.
      await this.#thaw(active, current, false)
      return false
    }
    pauseLimit(this.#parts, current)
    await this.#records.freeze(active, current.task, 'suspended')
    return true
  }

  /** A task that cannot be thawed would rest for ever: it is ended. */
  async #thaw(active: ActiveRun, current: ActiveTask, recorded = true): Promise<boolean> {
    current.frozen = false
    try {
      await current.thaw?.()
    } catch (error) {
      if (!active.running.has(current.task.id)) return false
      this.#report(error)
      const reason = { code: 'stuck', text: `It could not be made to go on after its rest: ${reasonOf(error).text}` }
      current.abort({ reason, graceMs: 0 })
      return false
    }
    if (!recorded || !active.running.has(current.task.id)) return false
    keepToLimit(this.#parts, active, current)
    await this.#records.freeze(active, current.task, 'running')
    return true
  }

  #report(error: unknown): void {
    this.#parts.events.emit({ type: 'error', where: 'freeze task', error })
  }
}

function isAdjustable(active: ActiveRun, current: ActiveTask): boolean {
  const known = current.freeze !== undefined && current.thaw !== undefined
  const wanted = active.wanted !== 'stop' && current.frozen !== (active.wanted === 'suspend')
  return known && wanted && active.running.has(current.task.id)
}
