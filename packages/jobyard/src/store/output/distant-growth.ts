import type { Clock } from '../../domain/clock.ts'
import type { Announcer } from './announcer.ts'
import type { ChunkStorage } from './storage.ts'

/** Between two looks, in milliseconds. */
const LOOK_MS = 500

/** Looks after followed tasks whose logs are written by other instances: one statement for all, none when there are none. */
export class DistantGrowth {
  readonly #storage: ChunkStorage
  readonly #clock: Clock
  readonly #announcer: Announcer
  readonly #isOurs: (taskId: string) => boolean
  /** What was seen of each last, as text to compare. */
  #seen = new Map<string, string>()
  #stopping = false
  #looking: Promise<void> | undefined

  /** `isOurs` tells the tasks whose growth is announced anyway. */
  constructor(storage: ChunkStorage, clock: Clock, announcer: Announcer, isOurs: (taskId: string) => boolean) {
    this.#storage = storage
    this.#clock = clock
    this.#announcer = announcer
    this.#isOurs = isOurs
  }

  /** Looks now and then until {@link stop}. */
  start(): void {
    this.#clock.after(LOOK_MS, () => {
      if (this.#stopping) return
      this.#looking = this.#lookOnce().finally(() => this.start())
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#looking
  }

  async #lookOnce(): Promise<void> {
    const taskIds = [...this.#announcer.watched].filter((taskId) => !this.#isOurs(taskId))
    const seen = new Map<string, string>()
    const logs = taskIds.length > 0 ? await this.#peek(taskIds) : []
    for (const { taskId, lastSeq, ended } of logs) {
      const state = `${lastSeq} ${ended}`
      seen.set(taskId, state)
      if (this.#seen.get(taskId) !== state) this.#announcer.grown(taskId)
    }
    this.#seen = seen
  }

  /** While the database is away nothing can be seen to grow, and the next look comes anyway. */
  async #peek(taskIds: readonly string[]) {
    const [peeked] = await Promise.allSettled([this.#storage.peek(taskIds)])
    return peeked.status === 'fulfilled' ? peeked.value : []
  }
}
