import type { Clock } from '../../domain/clock.ts'
import type { Events } from '../../engine/events.ts'
import { Loop } from '../../engine/loop.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { ScriptPackages } from './packages.ts'
import type { Workspaces } from './workspace.ts'

/** Between two turns that nothing asked for, in milliseconds. */
const EVERY = 600_000
/** Between two looks whether a deleted job's last run has ended. */
const SOON = 1000

/** What the housekeeping works with. */
export interface HousekeepingOptions {
  readonly store: Repository
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly packages: ScriptPackages
  readonly workspaces: Workspaces
}

/** Removes what scripts leave behind: packages that no job has any longer, and the folders of deleted jobs. */
export class ScriptHousekeeping {
  readonly #options: HousekeepingOptions
  readonly #loop: Loop
  readonly #deleted = new Set<string>()
  readonly #deaf: () => void

  constructor(options: HousekeepingOptions) {
    this.#options = options
    const { clock, random, events } = options
    this.#loop = new Loop({ name: 'script housekeeping', clock, random, events, turnOnce: () => this.#turnOnce() })
    this.#deaf = events.listen(({ event }) => {
      if (event.type !== 'job.deleted') return
      this.#deleted.add(event.jobId)
      this.#loop.wake()
    })
  }

  /** Begins; folders of jobs that an earlier server deleted are found by what is there. */
  async start(): Promise<void> {
    for (const jobId of await this.#options.workspaces.jobIds()) {
      if ((await this.#options.store.read('getJob', { id: jobId })) === null) this.#deleted.add(jobId)
    }
    this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#deaf()
    await this.#loop.stop()
  }

  async #turnOnce(): Promise<number> {
    const { store, workspaces, packages } = this.#options
    for (const jobId of this.#deleted) {
      if ((await store.read('liveRuns', { jobId })).length > 0) continue
      await workspaces.removeJob(jobId)
      this.#deleted.delete(jobId)
    }
    await packages.removeUnused()
    return this.#deleted.size > 0 ? SOON : EVERY
  }
}
