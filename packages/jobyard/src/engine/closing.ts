import { type FinishedState, isFinished } from '@jobyard/jobs'
import type { RunRow } from '../domain/model.ts'
import { defaultVerdict, unfinished } from '../domain/run-state.ts'
import type { ActiveRun } from './active-run.ts'
import type { Reason } from './kind.ts'
import type { EngineParts } from './parts.ts'
import type { Records } from './recording.ts'
import { reasonOf } from './work-task.ts'

/** What closing asks of the rest. */
export interface ClosingHooks {
  /** Looks after a while what can be done for a run. */
  readonly goAgain: (active: ActiveRun) => void
  /** Another instance has the run, or it has ended. */
  readonly lose: (active: ActiveRun) => void
}

/** Ends the work on runs of which nothing is left to be done here, by what is on record of them. */
export class Closer {
  readonly #parts: EngineParts
  readonly #records: Records
  readonly #hooks: ClosingHooks

  constructor(parts: EngineParts, records: Records, hooks: ClosingHooks) {
    this.#parts = parts
    this.#records = records
    this.#hooks = hooks
  }

  /**
   * Lets the kind pass the verdict on a run whose work is done. Most runs need no such look: the record ends them with
   * their last task. One that is still here has a kind with a verdict of its own, or the answer to a write got lost.
   */
  async settleUp(active: ActiveRun): Promise<void> {
    const run = await this.#records.read(active)
    if (run === undefined || active.released || !active.done) return
    if (run === null || run.owner !== active.ownership.owner || run.fence !== active.ownership.fence) {
      this.#hooks.lose(active)
    } else if (run.planClosed && unfinished(run.counts) === 0) {
      await this.#close(active, run)
    } else if (run.wanted === 'run' && active.wanted === 'run') {
      // Something is to be done that this instance knows nothing of, such as another attempt at a parked target. Who
      // takes the run next is told of all.
      await this.giveBack(active)
    }
  }

  /** Gives a run back that this instance does not go on with. */
  async giveBack(active: ActiveRun): Promise<void> {
    await this.#records.giveBack(active)
    if (!active.released) this.#hooks.goAgain(active)
  }

  /** Asks the kind how the run ended, now that all its work is done. */
  async #close(active: ActiveRun, run: RunRow): Promise<void> {
    const { verdict, reason } = this.#judge(active, run)
    await this.#records.close(active, verdict, reason)
    // The answer that it has ended got lost.
    if (!active.released) this.#hooks.goAgain(active)
  }

  #judge({ kind }: ActiveRun, { counts }: RunRow): { verdict: FinishedState; reason?: Reason } {
    try {
      const verdict = kind.verdict === undefined ? defaultVerdict(counts) : kind.verdict(counts)
      if (isFinished(verdict)) return { verdict }
      throw new TypeError(`it said ${String(verdict)}`)
    } catch (error) {
      this.#parts.events.emit({ type: 'error', where: 'close run', error })
      const text = `The kind ${kind.name} failed to say how the run ended: ${reasonOf(error).text}`
      return { verdict: 'failed', reason: { code: 'verdict', text } }
    }
  }
}
