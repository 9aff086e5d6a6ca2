import type { Claimer, ClaimResult } from '../dispatch/contract.ts'
import type { RequestOutcome, RunRequest } from '../store/procedures/insert-runs.ts'
import { Batcher } from './batcher.ts'
import type { Executor } from './executor.ts'
import type { EngineParts, Identity } from './parts.ts'
import type { Absorb } from './persist.ts'

/** What taking runs on asks of the rest. */
export interface IntakeHooks {
  readonly absorb: Absorb
  /** Runs that are due may have found no room. */
  readonly onRoom: () => void
}

/** Writes runs that are asked for, and takes on what there is room for: those at once, and others when they fall due. */
export class Intake implements Claimer {
  readonly #parts: EngineParts
  readonly #identity: Identity
  readonly #executor: Executor
  readonly #concurrency: number
  readonly #hooks: IntakeHooks
  readonly #requests: Batcher<RunRequest, RequestOutcome>
  #closed = false
  /** Runs that are due and may still wait to be dispatched; infinite when that is not known. */
  #left = Number.POSITIVE_INFINITY
  /** How many runs were ever left to dispatch: a claim does not know of those that came after it. */
  #everLeft = 0
  /** Places promised to runs that are being written. */
  #reserved = 0
  /** Places that claims under way may fill. */
  #claiming = 0

  /** `concurrency`: runs at a time, those of continuous jobs apart. */
  constructor(parts: EngineParts, identity: Identity, executor: Executor, concurrency: number, hooks: IntakeHooks) {
    this.#parts = parts
    this.#identity = identity
    this.#executor = executor
    this.#concurrency = concurrency
    this.#hooks = hooks
    this.#requests = new Batcher((items) => this.#create(items))
  }

  /** Takes nothing on any more. What is asked for is written all the same. */
  close(): void {
    this.#closed = true
  }

  /** Asks for a run; resolves once it is durable or refused. */
  request(request: RunRequest): Promise<RequestOutcome> {
    return this.#requests.add(request)
  }

  room(): number {
    if (this.#closed || this.#executor.shut) return 0
    return Math.max(0, this.#concurrency - this.#executor.load - this.#reserved)
  }

  /** Where little or nothing waits, half of the room is left to runs that are asked for meanwhile. */
  async claim(request: { readonly limit: number; readonly runIds?: readonly string[] }): Promise<ClaimResult> {
    const { store, clock } = this.#parts
    const limit = Math.min(request.limit, Math.max(this.#left, Math.ceil(request.limit / 2)))
    const before = this.#everLeft
    this.#claiming += limit
    try {
      const at = clock.now()
      const claimed = await store.write('claimRuns', { ...request, limit, owner: this.#identity.id, at })
      this.#executor.take(claimed)
      const { nextDue } = claimed
      this.#left = nextDue !== null && nextDue <= at ? Number.POSITIVE_INFINITY : this.#everLeft - before
      return { claimed: claimed.runs.length, nextDue }
    } finally {
      this.#claiming -= limit
    }
  }

  /**
   * Writes requested runs. What there is room for is taken at once, which is a commit less, unless others have waited
   * longer for that room.
   */
  async #create(items: RunRequest[]): Promise<RequestOutcome[]> {
    const { store, clock } = this.#parts
    const direct = Math.min(Math.max(0, this.room() - this.#claiming - this.#left), items.length)
    const claim = { owner: this.#identity.id }
    const requests = items.map((item, index) =>
      index < direct && item.dispatchAt === undefined ? { ...item, claim } : item,
    )
    this.#reserved += direct
    let taken = 0
    try {
      const created = await store.write('createRuns', { items: requests, at: clock.now() })
      taken = created.claimed.runs.length
      const left = created.outcomes.filter((run) => run.ok && run.state === 'pending' && !run.queued).length
      this.#left += left
      this.#everLeft += left
      this.#executor.take(created.claimed)
      this.#hooks.absorb(created)
      return created.outcomes
    } finally {
      this.#reserved -= direct
      // A run that fell due meanwhile may have found no room for what was promised in vain.
      if (taken < direct) this.#hooks.onRoom()
    }
  }
}
