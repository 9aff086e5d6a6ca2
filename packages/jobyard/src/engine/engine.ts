import { isFinished } from '@jobyard/jobs'
import type { Claimer, ClaimResult, Dispatcher } from '../dispatch/contract.ts'
import type { Wanted } from '../domain/run-state.ts'
import type { Changes } from '../store/procedures/advance.ts'
import type { Actor } from '../store/procedures/audit.ts'
import type { RequestOutcome, RunRequest } from '../store/procedures/insert-runs.ts'
import type { SavedJob, SaveJob } from '../store/procedures/jobs.ts'
import type { RewindPlace } from '../store/procedures/rewind.ts'
import { Batcher } from './batcher.ts'
import { Executor } from './executor.ts'
import type { Outcome, Reason } from './kind.ts'
import { Lease, type LeaseOptions } from './lease.ts'
import { Loop } from './loop.ts'
import type { EngineParts, Identity } from './parts.ts'
import { Retention } from './retention.ts'
import { type SettingsChanged, SettingsFollower } from './settings-follower.ts'

/** Triggers dealt with in one transaction at the most. */
const TRIGGERS_AT_ONCE = 500
/** The longest that a schedule or deadline sleeps before it looks at the clock again, which may have been set. */
const LONGEST_SLEEP = 30_000
/** Between two turns of deleting what is over, and between two full passes, in milliseconds. */
const PRUNE_EVERY = 5_000
const PRUNE_ALL_EVERY = 3_600_000

/** How an engine is set up. */
export interface EngineOptions {
  readonly identity: Identity
  readonly dispatcher: Dispatcher
  readonly lease: LeaseOptions
  /** Runs at a time, those of continuous jobs apart. */
  readonly concurrency: number
  /** How long runs may go on after a stop was asked for, in milliseconds. */
  readonly drainMs: number
}

/** The life of runs: what begins them, works on them, ends them and cleans up after them. */
export class Engine {
  readonly #parts: EngineParts
  readonly #options: EngineOptions
  readonly #executor: Executor
  readonly #lease: Lease
  readonly #retention: Retention
  readonly #follower: SettingsFollower
  readonly #requests: Batcher<RunRequest, RequestOutcome>
  readonly #schedules: Loop
  readonly #places: Loop
  readonly #deadlines: Loop
  readonly #renewals: Loop
  readonly #pruning: Loop
  #stopping = false
  /** True while the last look found nothing more to be dispatched. */
  #caughtUp = false
  /** Places promised to runs that are being written. */
  #reserved = 0
  #prunedAllAt = Number.NEGATIVE_INFINITY
  #deaf: () => void = () => undefined
  #tickedAt = Number.POSITIVE_INFINITY

  constructor(parts: EngineParts, options: EngineOptions) {
    this.#parts = parts
    this.#options = options
    const absorb = (changes: Changes) => this.#absorb(changes)
    this.#executor = new Executor(parts, options.identity, absorb, () => options.dispatcher.wake())
    const onGone = async (names: readonly string[]) => options.dispatcher.releaseDead?.(names)
    this.#lease = new Lease(parts, options.identity, { ...options.lease, onGone }, this.#executor, absorb)
    this.#lease.onReentered = () => this.#wakeAll()
    this.#retention = new Retention(parts)
    this.#follower = new SettingsFollower(parts, (runs, reason) => this.want(runs, 'stop', reason))
    this.#requests = new Batcher((items) => this.#create(items))
    this.#schedules = this.#loop('schedules', () => this.#tickOnce())
    this.#places = this.#loop('continuous jobs', () => this.#fillOnce())
    this.#deadlines = this.#loop('deadlines', () => this.#expireOnce())
    this.#renewals = this.#loop('lease', () => this.#renewOnce())
    this.#pruning = this.#loop('retention', () => this.#pruneOnce())
  }

  /** Enters this instance, ends what dead ones left, and begins to work. */
  async start(): Promise<void> {
    await this.#lease.enter()
    this.#deaf = this.#parts.events.listen(({ event }) => {
      if (event.type === 'settings.changed') void this.#adapt(event)
    })
    await this.#options.dispatcher.start(this.#claimer())
    for (const loop of [this.#renewals, this.#schedules, this.#places, this.#deadlines, this.#pruning]) loop.start()
  }

  /** Takes nothing more, lets what runs come to its end within the drain time, and signs off. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#deaf()
    await Promise.all([this.#schedules.stop(), this.#places.stop(), this.#deadlines.stop(), this.#pruning.stop()])
    await this.#options.dispatcher.stop()
    await this.#parts.store.write('drainInstance', { id: this.#options.identity.id })
    await this.#executor.drain(this.#options.drainMs)
    await this.#renewals.stop()
    await this.#lease.leave()
  }

  /** Who this engine is; the id changes when a lease was lost. */
  get identity(): Identity {
    return this.#options.identity
  }

  /** Asks for a run; resolves once it is durable or refused. */
  request(request: RunRequest): Promise<RequestOutcome> {
    return this.#requests.add(request)
  }

  /** Wants runs to rest, to go on, or to end. */
  async want(runIds: readonly string[], wanted: Wanted, reason: Reason): Promise<void> {
    this.#absorb(await this.#parts.store.write('wantRuns', { runIds, wanted, reason, at: this.#parts.clock.now() }))
  }

  /** Ends a parked task from outside. False when it is not parked (any longer). */
  async resolve(taskId: string, outcome: Outcome): Promise<boolean> {
    const { state: to } = outcome
    const reason = outcome.state === 'completed' ? {} : { reason: outcome.reason }
    const result = JSON.stringify(outcome.result)
    const retry = outcome.state !== 'completed' && outcome.retry === false ? { retry: false } : {}
    const item = { taskId, to, ...reason, ...retry, ...(result === undefined ? {} : { result }) }
    const { store, clock, random } = this.#parts
    const changed = await store.write('resolveTasks', { items: [item], at: clock.now(), lot: random() })
    this.#absorb(changed)
    return changed.accepted[0] ?? false
  }

  /** Creates or changes a job; its schedules and places are looked at anew. */
  async saveJob(save: SaveJob): Promise<SavedJob> {
    const saved = await this.#parts.store.write('saveJob', save)
    this.#absorb(saved)
    this.#parts.events.emit({ type: 'job.saved', jobId: saved.job.id, name: saved.job.name })
    this.#schedules.wake()
    this.#places.wake()
    return saved
  }

  /** Takes a job away; its unfinished runs are stopped. */
  async deleteJob(id: string, name: string, actor: Actor, origin?: 'folder'): Promise<void> {
    const asked = origin === undefined ? {} : { origin }
    this.#absorb(await this.#parts.store.write('deleteJob', { id, actor, at: this.#parts.clock.now(), ...asked }))
    this.#retention.note(id)
    this.#parts.events.emit({ type: 'job.deleted', jobId: id, name })
  }

  /** The loops look anew at what follows from changed settings. */
  async #adapt(changed: SettingsChanged): Promise<void> {
    await this.#follower.follow(changed, this.#options.identity.id)
    // A shorter history counts from now on, not from the next full pass.
    if (changed.history) this.#prunedAllAt = Number.NEGATIVE_INFINITY
    for (const loop of [this.#schedules, this.#places, this.#pruning]) loop.wake()
  }

  /** Runs under way here that take one of its places. */
  get load(): number {
    return this.#executor.load
  }

  /** Tells all who must know what a transaction did. */
  #absorb({ settled, created, refused = [] }: Changes): void {
    const { events } = this.#parts
    let due = false
    for (const { id, jobId, number, state } of created) {
      due ||= state === 'pending'
      events.emit({ type: 'run.created', runId: id, jobId, number, state })
    }
    for (const refusal of refused) events.emit({ type: 'trigger.refused', ...refusal })
    for (const change of settled) {
      this.#executor.note(change)
      due ||= change.dispatchAt !== null
      if (change.parked) this.#deadlines.wake()
      if (change.from === change.state) continue
      const { id: runId, jobId, number, from, state, reasonCode, reasonText } = change
      events.emit({ type: 'run.changed', runId, jobId, number, from, state, reasonCode, reasonText })
      if (!isFinished(state)) continue
      this.#retention.note(jobId)
      if (change.why === 'continuous') this.#places.wake()
    }
    if (due) this.#options.dispatcher.wake()
  }

  #claimer(): Claimer {
    return { room: () => this.#room(), claim: (request) => this.#claim(request) }
  }

  #room(): number {
    if (this.#stopping || this.#executor.shut) return 0
    return Math.max(0, this.#options.concurrency - this.#executor.load - this.#reserved)
  }

  /** Writes requested runs. Where nothing waits for dispatch, what there is room for is taken at once: one commit less. */
  async #create(items: RunRequest[]): Promise<RequestOutcome[]> {
    const { store, clock } = this.#parts
    const direct = this.#caughtUp ? Math.min(this.#room(), items.length) : 0
    const claim = { owner: this.#options.identity.id }
    const requests = items.map((item, index) =>
      index < direct && item.dispatchAt === undefined ? { ...item, claim } : item,
    )
    this.#reserved += direct
    let taken = 0
    try {
      const created = await store.write('createRuns', { items: requests, at: clock.now() })
      taken = created.claimed.runs.length
      if (requests.length > direct) this.#caughtUp = false
      this.#executor.take(created.claimed)
      this.#absorb(created)
      return created.outcomes
    } finally {
      this.#reserved -= direct
      // A run that fell due meanwhile may have found no room for what was promised in vain.
      if (taken < direct) this.#options.dispatcher.wake()
    }
  }

  async #claim(request: { readonly limit: number; readonly runIds?: readonly string[] }): Promise<ClaimResult> {
    const { store, clock } = this.#parts
    const claimed = await store.write('claimRuns', { ...request, owner: this.#options.identity.id, at: clock.now() })
    this.#executor.take(claimed)
    this.#caughtUp = claimed.runs.length < request.limit && request.runIds === undefined
    return { claimed: claimed.runs.length, nextDue: claimed.nextDue }
  }

  #loop(name: string, turnOnce: () => Promise<number | null>): Loop {
    const { clock, random, events } = this.#parts
    const onError = (where: string, error: unknown) => events.emit({ type: 'error', where, error })
    return new Loop({ name, clock, random, turnOnce, onError })
  }

  #wakeAll(): void {
    for (const loop of [this.#schedules, this.#places, this.#deadlines]) loop.wake()
    this.#options.dispatcher.wake()
  }

  async #tickOnce(): Promise<number> {
    const { store, clock, events } = this.#parts
    const at = clock.now()
    if (at < this.#tickedAt) await this.#rewind(at)
    this.#tickedAt = at
    const tick = await store.write('tickSchedules', { at, limit: TRIGGERS_AT_ONCE })
    this.#absorb(tick)
    for (const passed of tick.passed) events.emit({ type: 'schedule.passed', ...passed })
    for (const fault of tick.unreadable) events.emit({ type: 'schedule.unreadable', ...fault })
    return this.#sleepUntil(tick.nextDue)
  }

  /** The clock was put back, perhaps while no server ran: nothing is to rest until it has caught up. */
  async #rewind(at: number): Promise<void> {
    const { store } = this.#parts
    const limit = TRIGGERS_AT_ONCE
    while ((await store.write('rewindSchedules', { at, limit })).more);
    while ((await store.write('rewindTasks', { at, limit })).more);
    // It has gone on for a while since the last look.
    const was = Number.isFinite(this.#tickedAt) ? this.#tickedAt + LONGEST_SLEEP : null
    let after: RewindPlace | null = null
    do after = await store.write('rewindRuns', { at, was, after, limit })
    while (after !== null)
    await store.write('rewindPlaces', { at })
    for (const loop of [this.#places, this.#deadlines]) loop.wake()
    this.#options.dispatcher.wake()
  }

  async #fillOnce(): Promise<number> {
    const { store, clock } = this.#parts
    if (this.#executor.shut) return this.#options.lease.leaseMs / 3
    const { id: owner, name: place } = this.#options.identity
    await this.#follower.stopUnwanted(owner)
    const filled = await store.write('fillPlaces', { owner, place, at: clock.now() })
    this.#absorb({ settled: filled.settled, created: filled.created })
    this.#executor.take(filled.claimed)
    // A singleton whose instance died is free after the lease; nobody tells the others.
    const patience = this.#options.lease.alone ? LONGEST_SLEEP : this.#options.lease.leaseMs / 3
    return Math.min(this.#sleepUntil(filled.nextRestart), patience)
  }

  async #expireOnce(): Promise<number> {
    const { store, clock, random } = this.#parts
    const expired = await store.write('expireParked', { at: clock.now(), limit: TRIGGERS_AT_ONCE, lot: random() })
    this.#absorb(expired)
    return expired.more ? 0 : this.#sleepUntil(expired.nextDeadline)
  }

  async #renewOnce(): Promise<number> {
    const delay = await this.#lease.renewOnce()
    // One that is about to go leaves the dead to the others: its dispatcher has stopped.
    if (this.#options.lease.alone || this.#stopping) return delay
    await this.#lease.recover()
    await this.#options.dispatcher.resend?.(this.#parts.clock.now())
    return delay
  }

  async #pruneOnce(): Promise<number> {
    await this.#retention.pruneDue(() => this.#stopping)
    const now = this.#parts.clock.elapsed()
    if (now - this.#prunedAllAt > PRUNE_ALL_EVERY) {
      await this.#retention.pruneAll(() => this.#stopping)
      this.#prunedAllAt = now
    }
    return PRUNE_EVERY
  }

  #sleepUntil(due: number | null): number {
    if (due === null) return LONGEST_SLEEP
    return Math.min(Math.max(0, due - this.#parts.clock.now()), LONGEST_SLEEP)
  }
}
