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
  /** True while the last look found nothing more to be dispatched. */
  #caughtUp = false
  /** Places promised to runs that are being written. */
  #reserved = 0
  /** Places that claims under way may fill. */
  #claiming = 0
  /** How often runs were left to dispatch: a claim from before that does not know of them. */
  #leavings = 0

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

  async claim(request: { readonly limit: number; readonly runIds?: readonly string[] }): Promise<ClaimResult> {
    const { store, clock } = this.#parts
    const leavings = this.#leavings
    this.#claiming += request.limit
    try {
      const claimed = await store.write('claimRuns', { ...request, owner: this.#identity.id, at: clock.now() })
      this.#executor.take(claimed)
      const all = claimed.runs.length < request.limit && request.runIds === undefined
      this.#caughtUp = all && leavings === this.#leavings
      return { claimed: claimed.runs.length, nextDue: claimed.nextDue }
    } finally {
      this.#claiming -= request.limit
    }
  }

  /** Writes requested runs. Where nothing waits for dispatch, what there is room for is taken at once: one commit less. */
  async #create(items: RunRequest[]): Promise<RequestOutcome[]> {
    const { store, clock } = this.#parts
    const direct = this.#caughtUp ? Math.min(Math.max(0, this.room() - this.#claiming), items.length) : 0
    const claim = { owner: this.#identity.id }
    const requests = items.map((item, index) =>
      index < direct && item.dispatchAt === undefined ? { ...item, claim } : item,
    )
    this.#reserved += direct
    let taken = 0
    try {
      const created = await store.write('createRuns', { items: requests, at: clock.now() })
      taken = created.claimed.runs.length
      if (requests.length > direct) {
        this.#caughtUp = false
        this.#leavings++
      }
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
