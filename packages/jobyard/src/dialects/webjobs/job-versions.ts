import type { Repository } from '../../store/procedures/index.ts'
import type { JobVersion } from '../../store/procedures/outline-jobs.ts'
import type { Settings } from './shapes.ts'

/** What is shown of a job as long as nobody changes it. */
export interface VersionShown {
  readonly settings: Settings
  readonly singleton: boolean
  /** Whether it has a schedule, had one, or wants one that cannot be read. */
  readonly scheduled: boolean
}

/** By what the version of a job is known. */
export interface VersionOf {
  readonly id: string
  readonly version: number
}

/** Jobs that are remembered; beyond that all are forgotten. */
const REMEMBERED = 10_000

/** What jobs are at their versions, read once for each version: lists are asked for far more often than jobs change. */
export class JobVersions {
  readonly #store: Repository
  readonly #show: (version: JobVersion) => VersionShown
  readonly #known = new Map<string, { readonly version: number; readonly shown: VersionShown }>()

  constructor(store: Repository, show: (version: JobVersion) => VersionShown) {
    this.#store = store
    this.#show = show
  }

  /** What these jobs are at these versions, or at newer ones; those that have gone meanwhile are absent. */
  async of(jobs: readonly VersionOf[]): Promise<ReadonlyMap<string, VersionShown>> {
    const shown = new Map<string, VersionShown>()
    const ids: string[] = []
    for (const { id, version } of jobs) {
      const known = this.#known.get(id)
      if (known?.version === version) shown.set(id, known.shown)
      else ids.push(id)
    }
    if (ids.length === 0) return shown
    for (const read of await this.#store.read('readVersions', { ids })) {
      const made = this.#show(read)
      shown.set(read.id, made)
      if (this.#known.size >= REMEMBERED) this.#known.clear()
      this.#known.set(read.id, { version: read.version, shown: made })
    }
    return shown
  }
}
