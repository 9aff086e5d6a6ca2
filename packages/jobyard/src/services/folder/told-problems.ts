import type { Repository } from '../../store/procedures/index.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'

/** Problems that are kept to be shown. */
const SHOWN_PROBLEMS = 200

/** Whom problems are told. */
export interface ToldTo {
  readonly store: Repository
  readonly collectionId: string
  /** Name of this instance. */
  readonly instance: string
  /** Told of what is not deployed and why, each thing once until it changes. */
  readonly onProblem: (problem: FolderProblem) => void
}

/** What was told of a watched folder: each problem once, until it is another one. */
export class ToldProblems {
  readonly #to: ToldTo
  readonly #told = new Map<string, string>()
  /** The ids of jobs that stay without a folder, as told last. */
  #kept = ''
  /** False until the first time, which replaces what a server before this one told. */
  #hasTold = false

  constructor(to: ToldTo) {
    this.#to = to
  }

  /** What was told of a path last; undefined when nothing was wrong with it. */
  of(path: string): string | undefined {
    return this.#told.get(path)
  }

  /** Tells of what is not deployed, and of jobs that stay without a folder, when it is not what was told before. */
  async tell(problems: readonly FolderProblem[], kept: readonly { readonly id: string }[]): Promise<void> {
    const { store, collectionId, instance, onProblem } = this.#to
    const current = new Map(problems.map(({ path, message }) => [path, message]))
    const fresh = [...current].filter(([path, message]) => this.#told.get(path) !== message)
    const keeps = kept.map(({ id }) => id)
    const isKnown = fresh.length === 0 && current.size === this.#told.size && keeps.join() === this.#kept
    if (this.#hasTold && isKnown) return
    const shown = problems.slice(0, SHOWN_PROBLEMS)
    await store.write('noteFolderProblems', { collectionId, instance, problems: shown, keeps })
    this.#hasTold = true
    this.#kept = keeps.join()
    for (const [path, message] of fresh) onProblem({ path, message })
    this.#told.clear()
    for (const [path, message] of current) this.#told.set(path, message)
  }
}
