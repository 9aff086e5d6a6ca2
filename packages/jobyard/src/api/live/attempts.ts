import type { TaskRow } from '../../domain/model.ts'
import type { Repository } from '../../store/procedures/index.ts'

/** Tasks that are read at once. */
const PAGE = 500

/** The attempts at the first target of a run, which is the only one for most. Each look reads only what is new. */
export class Attempts {
  readonly #store: Repository
  readonly #runId: string
  readonly #ids = new Map<number, string>()
  #target: string | undefined
  #seen = ''

  constructor(store: Repository, runId: string) {
    this.#store = store
    this.#runId = runId
  }

  /** The number of the latest attempt; 0 when there is no task yet. */
  async latest(): Promise<number> {
    for (;;) {
      const tasks = await this.#store.read('listTasks', { runId: this.#runId, after: this.#seen, limit: PAGE })
      for (const task of tasks) this.#note(task)
      if (tasks.length < PAGE) return Math.max(0, ...this.#ids.keys())
    }
  }

  /** The task of an attempt that {@link latest} has seen. */
  taskId(attempt: number): string | undefined {
    return this.#ids.get(attempt)
  }

  #note({ id, target, attempt }: TaskRow): void {
    this.#seen = id
    this.#target ??= target
    if (target === this.#target) this.#ids.set(attempt, id)
  }
}
