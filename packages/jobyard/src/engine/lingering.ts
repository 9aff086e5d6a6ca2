import type { ActiveRun, ActiveTask } from './active-run.ts'

/**
 * Tasks that were told to end because this instance does not own their run any longer, and that have not ended yet. No
 * other attempt at the same target is begun here before they have.
 */
export class Lingering {
  readonly #tasks = new Map<ActiveTask, string>()
  readonly #onEnd: () => void

  /** `onEnd` is told each time that a target is free again. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  /** Keeps all that is worked on for a run until it has ended. */
  add(active: ActiveRun): void {
    for (const current of active.running.values()) {
      this.#tasks.set(current, placeOf(active, current.task.target))
      void current.settled.then(() => {
        this.#tasks.delete(current)
        this.#onEnd()
      })
    }
  }

  /** Whether an earlier attempt at a target of this run goes on. */
  holds(active: ActiveRun, target: string): boolean {
    if (this.#tasks.size === 0) return false
    const place = placeOf(active, target)
    return this.#tasks.values().some((held) => held === place)
  }

  /** Resolves when all that lingers now has ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#tasks.keys()].map(({ settled }) => settled))
  }
}

/** Runs of a continuous job follow one another at one place; any other run stands for itself. */
function placeOf({ run }: ActiveRun, target: string): string {
  return JSON.stringify([run.why === 'continuous' ? run.jobId : run.id, target])
}
