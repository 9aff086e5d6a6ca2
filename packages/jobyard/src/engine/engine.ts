import { isFinished } from '@jobyard/jobs'
import type { Dispatcher } from '../dispatch/contract.ts'
import { JobyardError } from '../domain/errors.ts'
import type { Wanted } from '../domain/run-state.ts'
import { within } from '../domain/waits.ts'
import type { Changes } from '../store/procedures/advance.ts'
import type { Actor } from '../store/procedures/audit.ts'
import type { RequestOutcome, RunRequest } from '../store/procedures/insert-runs.ts'
import type { SavedJob, SaveJob } from '../store/procedures/jobs.ts'
import { Executor } from './executor.ts'
import { Intake } from './intake.ts'
import type { Outcome, Reason } from './kind.ts'
import { ABANDON_MS, Lease, type LeaseOptions } from './lease.ts'
import { LONGEST_SLEEP, Loop, sleepUntil } from './loop.ts'
import type { EngineParts, Identity } from './parts.ts'
import { Retention } from './retention.ts'
import { type SettingsChanged, SettingsFollower } from './settings-follower.ts'
import { Ticks } from './ticks.ts'

/** Deadlines dealt with in one transaction at the most. */
const DEADLINES_AT_ONCE = 500
/** Between two turns of deleting what is over, and between two full passes, in milliseconds. */
const PRUNE_EVERY = 5_000
const PRUNE_ALL_EVERY = 3_600_000
/** How long runs may take to be killed and put on record when their grace is over, in milliseconds. */
const RECORD_MS = 10_000
/** How long the database may take to hear that this instance ends, in milliseconds. */
const WORD_MS = 5000
/** Why runs end whose end does not get on record in time. */
const GIVEN_UP: Reason = { code: 'lost', text: 'The server ended without having it on record.' }
/** Runs that were given up are named up to this number. */
const MOST_NAMED = 10

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
  readonly #intake: Intake
  readonly #ticks: Ticks
  readonly #schedules: Loop
  readonly #places: Loop
  readonly #deadlines: Loop
  readonly #renewals: Loop
  readonly #pruning: Loop
  #stopping: Promise<void> | undefined
  #prunedAllAt = Number.NEGATIVE_INFINITY
  #deaf: () => void = () => undefined

  constructor(parts: EngineParts, options: EngineOptions) {
    this.#parts = parts
    this.#options = options
    const absorb = (changes: Changes) => this.#absorb(changes)
    const onRoom = () => options.dispatcher.useRoom()
    const places = { count: options.concurrency, onFree: onRoom }
    this.#executor = new Executor(parts, options.identity, absorb, places)
    // Once this instance is about to go, its dispatcher has stopped.
    const onGone = async (names: readonly string[]) => {
      if (this.#stopping === undefined) await options.dispatcher.releaseDead?.(names)
    }
    this.#lease = new Lease(parts, options.identity, { ...options.lease, onGone }, this.#executor, absorb)
    this.#lease.onReentered = () => this.#wakeAll()
    this.#retention = new Retention(parts)
    this.#follower = new SettingsFollower(parts, (runs, reason) => this.want(runs, 'stop', reason))
    this.#intake = new Intake(parts, options.identity, this.#executor, options.concurrency, { absorb, onRoom })
    this.#ticks = new Ticks(parts, absorb, () => this.#wakeAfterRewind())
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
    await this.#options.dispatcher.start(this.#intake)
    for (const loop of [this.#renewals, this.#schedules, this.#places, this.#deadlines, this.#pruning]) loop.start()
  }

  /**
   * Takes nothing more, lets what runs come to its end within the drain time, and signs off. Begins with that at once and
   * comes to an end whatever the database does: 20 s after the drain time and the longest grace at the latest. Rejects
   * with `stop-incomplete` when runs were left, which end by policy when the lease has run out.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#end()
    return this.#stopping
  }

  async #end(): Promise<void> {
    const { clock } = this.#parts
    this.#intake.close()
    this.#deaf()
    const boundMs = this.#executor.drain(this.#options.drainMs) + RECORD_MS
    const ended = this.#fallQuiet().then(() => this.#executor.emptied())
    await within(clock, boundMs, ended)
    // Not renewed from now on: a renewal would end by policy what is given up here and may go on.
    const renewed = this.#renewals.stop()
    const gone = await within(clock, ABANDON_MS, this.#executor.abandon(GIVEN_UP))
    // Where something goes on after all, others may only begin when the lease is over.
    const signedOff = gone ? renewed.then(() => this.#lease.leave()) : renewed
    await within(clock, WORD_MS, this.#told('sign off', signedOff))
    const left = this.#executor.givenUp
    const names = `${left.slice(0, MOST_NAMED).join(', ')}${left.length > MOST_NAMED ? ', …' : ''}`
    if (left.length > 0) throw new JobyardError('stop-incomplete', `Runs without an end: ${left.length} (${names}).`)
    if (!gone) throw new JobyardError('stop-incomplete', 'Something of a run that was lost does not end.')
  }

  /** Ends what looks for work. What a claim under way still brings is given back. */
  async #fallQuiet(): Promise<void> {
    const { clock, store } = this.#parts
    const loops = [this.#schedules, this.#places, this.#deadlines, this.#pruning].map((loop) => loop.stop())
    const word = this.#told('drain', store.write('drainInstance', { id: this.#options.identity.id }))
    const dispatch = this.#told('dispatch', this.#options.dispatcher.stop())
    await within(clock, WORD_MS, Promise.all([...loops, word, dispatch]))
  }

  /** Neither a database that is away nor one that refuses keeps anybody from ending. */
  #told(where: string, act: Promise<unknown>): Promise<unknown> {
    return act.catch((error: unknown) => this.#parts.events.emit({ type: 'error', where, error }))
  }

  /** Who this engine is; the id changes when a lease was lost. */
  get identity(): Identity {
    return this.#options.identity
  }

  /** Asks for a run; resolves once it is durable or refused. */
  request(request: RunRequest): Promise<RequestOutcome> {
    return this.#intake.request(request)
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
    const by = this.#options.identity.id
    const changed = await store.write('resolveTasks', { items: [item], by, at: clock.now(), lot: random() })
    this.#absorb(changed)
    this.#executor.queue(changed.attempts)
    return changed.accepted[0] ?? false
  }

  /** Another instance may have given a run another attempt, having resolved a parked task of it. */
  lookAgain(runId: string): void {
    this.#executor.lookAgain(runId)
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

  #loop(name: string, turnOnce: () => Promise<number | null>): Loop {
    const { clock, random, events } = this.#parts
    return new Loop({ name, clock, random, events, turnOnce })
  }

  /** Times have changed on record that runs here may have read before. */
  #wakeAfterRewind(): void {
    for (const loop of [this.#places, this.#deadlines]) loop.wake()
    this.#options.dispatcher.wake()
    this.#executor.lookAgainAtAll()
  }

  #wakeAll(): void {
    for (const loop of [this.#schedules, this.#places, this.#deadlines]) loop.wake()
    this.#options.dispatcher.wake()
  }

  async #tickOnce(): Promise<number> {
    return sleepUntil(this.#parts.clock, await this.#ticks.tickOnce())
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
    return Math.min(sleepUntil(this.#parts.clock, filled.nextRestart), patience)
  }

  async #expireOnce(): Promise<number> {
    const { store, clock, random } = this.#parts
    const by = this.#options.identity.id
    const how = { by, at: clock.now(), lot: random() }
    const expired = await store.write('expireParked', { ...how, limit: DEADLINES_AT_ONCE })
    this.#absorb(expired)
    this.#executor.queue(expired.attempts)
    return expired.more ? 0 : sleepUntil(this.#parts.clock, expired.nextDeadline)
  }

  async #renewOnce(): Promise<number> {
    const delay = await this.#lease.renewOnce()
    // One that is about to go leaves the dead to the others: its dispatcher has stopped.
    if (this.#options.lease.alone || this.#stopping !== undefined) return delay
    await this.#lease.recover()
    await this.#options.dispatcher.resend?.(this.#parts.clock.now())
    return delay
  }

  async #pruneOnce(): Promise<number> {
    await this.#retention.pruneDue(() => this.#stopping !== undefined)
    const now = this.#parts.clock.elapsed()
    if (now - this.#prunedAllAt > PRUNE_ALL_EVERY) {
      await this.#retention.pruneAll(() => this.#stopping !== undefined)
      this.#prunedAllAt = now
    }
    return PRUNE_EVERY
  }
}
