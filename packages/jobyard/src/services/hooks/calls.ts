import { isFinished } from '@jobyard/jobs'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Events } from '../../engine/events.ts'
import { Loop } from '../../engine/loop.ts'
import type { Dialer } from '../../outbound/dialer.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { CallResult, HookCall, UnderWay } from '../../store/procedures/hook-calls.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { Sealer } from '../../store/seal.ts'
import type { HookDescriber } from './describe.ts'
import { type HookCalls, hookPlace } from './hooks.ts'

/** What the calls are made with. */
export interface HookCallerOptions {
  readonly store: Repository
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly sealer: Sealer
  readonly dialer: Dialer
  readonly describer: HookDescriber
  /** Version of the program, for the header User-Agent. */
  readonly version: string
  /** True where no other server shares the database: what a dead one held is taken over at once. Default false. */
  readonly alone?: boolean
  /** Milliseconds that a whole call may take. Default 10,000. */
  readonly callMs?: number
  /** Milliseconds that calls under way are waited for at the stop. Default 2,000. */
  readonly stopMs?: number
}

/** Milliseconds that a call may take, as with Kudu. */
const CALL_MS = 10_000
/** So much longer a call is held than it may take, in milliseconds, before somebody else takes it for lost. */
const GRACE_MS = 20_000
/**
 * Calls under way at a time, of one collection, and of one hook. One that gets no answer holds its place for the whole time
 * that it may take: there is room for one call of every hook that a collection can have, and beside that for others.
 */
const AT_ONCE = 256
const OF_ONE_COLLECTION = 128
const OF_ONE_HOOK = 4
/** Milliseconds that calls under way are waited for at the stop. */
const STOP_MS = 2000
/** Between two looks that nothing asked for, and between two clearings, in milliseconds. */
const EVERY = 5000
const CLEAR_EVERY = 60_000
/** Characters of what was sent that are kept to be looked at. */
const KEPT_BODY = 16_384
/** What an address answers that wants no calls any more. */
const GONE = 410

/** Why a trial has no answer when the server stops in the middle of it. */
const STOPPED = 'The server stopped before an answer came.'

/** What is called. */
type Target = Pick<HookCall, 'collectionId' | 'url' | 'credentials' | 'insecure'>
type Headers = Readonly<Record<string, string>>

const ACTOR = { name: 'hooks', role: 'server', address: null } as const

/**
 * Makes the calls of hooks. They stand in the database, written in the transactions that brought them about: after a
 * crash what was not made is made, and what was perhaps made is made again. A call that fails is not repeated; how it
 * went is kept with the hook.
 */
export class HookCaller implements HookCalls {
  readonly #options: HookCallerOptions
  readonly #loop: Loop
  readonly #deaf: () => void
  readonly #underWay = new Map<string, UnderWay & { readonly done: Promise<void> }>()
  readonly #ending = new AbortController()
  /** Trials end first: somebody waits for each, and the interface for that one. */
  readonly #endingTrials = new AbortController()
  /** The trials under way, by their hooks. */
  readonly #trials = new Map<string, Promise<void>>()
  /** Whether there are hooks at all, as far as is known: else runs may end without a look. */
  #some = true
  #clearedAt = Number.NEGATIVE_INFINITY

  constructor(options: HookCallerOptions) {
    this.#options = options
    const { clock, random, events } = options
    this.#loop = new Loop({ name: 'hooks', clock, random, events, turnOnce: () => this.#turnOnce() })
    this.#deaf = events.listen(({ event }) => {
      const telling = event.type === 'job.saved' || (event.type === 'run.changed' && isFinished(event.state))
      if (telling && this.#some) this.#loop.wake()
    })
  }

  /** Begins to make calls; once the server's address is known, because bodies hold it. */
  async start(): Promise<void> {
    const { alone = false, store } = this.#options
    if (alone) await store.write('freeHookCalls', undefined)
    this.#loop.start()
  }

  /**
   * Begins no more calls, and waits a little for those under way. What waits then is for the next server, and so are calls
   * that are broken off.
   */
  async stop(): Promise<void> {
    const { clock, stopMs = STOP_MS } = this.#options
    this.#deaf()
    await this.#loop.stop()
    const timer = clock.after(stopMs, () => this.#ending.abort())
    await Promise.all([...this.#underWay.values()].map(({ done }) => done))
    timer.cancel()
  }

  /** Ends the trials under way, and those to come before they begin; what they are for is told that no answer came. */
  endTrials(): void {
    this.#endingTrials.abort()
  }

  check(url: string): void {
    this.#options.dialer.check(url)
  }

  try(id: string, actor: Actor): Promise<void> {
    // Whoever asks again while it is under way waits for the same call.
    const trial = this.#trials.get(id) ?? this.#try(id, actor).finally(() => this.#trials.delete(id))
    this.#trials.set(id, trial)
    return trial
  }

  async #try(id: string, actor: Actor): Promise<void> {
    const { store, clock, describer } = this.#options
    const target = await store.read('getHookTarget', { id })
    if (target === null) throw new JobyardError('hook-unknown')
    const at = clock.now()
    const body = await describer.describeExample(target.event, target.collection, at)
    const sent = await this.#send(target, body, this.#endingTrials.signal, { 'x-jobyard-test': 'true' })
    const result = sent === 'ended' ? { status: null, reason: STOPPED, body } : sent
    await store.write('noteHookTrial', { id, result, actor, at })
  }

  wake(): void {
    this.#some = true
    this.#loop.wake()
  }

  async #turnOnce(): Promise<number> {
    const { store, clock, callMs = CALL_MS } = this.#options
    await this.#clear()
    const room = AT_ONCE - this.#underWay.size
    if (room === 0) return EVERY
    const underWay = [...this.#underWay.values()].map(({ hookId, collectionId }) => ({ hookId, collectionId }))
    const bounds = { limit: room, perHook: OF_ONE_HOOK, perCollection: OF_ONE_COLLECTION, underWay }
    const held = { at: clock.now(), holdMs: callMs + GRACE_MS }
    const { calls, some } = await store.write('claimHookCalls', { ...held, ...bounds })
    this.#some = some
    for (const call of calls) this.#begin(call)
    return EVERY
  }

  async #clear(): Promise<void> {
    const { store, clock } = this.#options
    if (clock.elapsed() - this.#clearedAt < CLEAR_EVERY) return
    this.#clearedAt = clock.elapsed()
    await store.write('dropHookCalls', { at: clock.now() })
  }

  #begin(call: HookCall): void {
    const { hookId, collectionId } = call
    const done = this.#make(call)
      .catch((error: unknown) => this.#options.events.emit({ type: 'error', where: 'hooks', error }))
      .finally(() => {
        this.#underWay.delete(call.id)
        this.#loop.wake()
      })
    this.#underWay.set(call.id, { hookId, collectionId, done })
  }

  async #make(call: HookCall): Promise<void> {
    const { store, clock } = this.#options
    const at = clock.now()
    const body = await this.#bodyOf(call)
    const result = body === null ? null : await this.#send(call, body, this.#ending.signal)
    // Broken off: whether it was heard is not known, so it is made again.
    if (result === 'ended') return
    const { id, hookId } = call
    await store.write('settleHookCall', { id, hookId, result, at })
    if (result?.status !== GONE) return
    try {
      await store.write('deleteHook', { id: hookId, actor: ACTOR, at: clock.now(), why: 'The address answered 410.' })
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof JobyardError && error.code === 'hook-unknown')) throw error
    }
  }

  /** What is to be sent; null when there is nothing to tell of any more, because the run was deleted meanwhile. */
  async #bodyOf({ subject, collectionId }: HookCall): Promise<string | null> {
    const { store, describer } = this.#options
    if (subject.type === 'text') return subject.text
    const collection = (await store.read('listCollections', undefined)).find(({ id }) => id === collectionId)
    if (collection === undefined) return null
    if (subject.type === 'deployment') return await describer.describeDeployment(subject.deployment, collection.name)
    const run = await store.read('getRun', { id: subject.runId })
    const [job] = run === null ? [] : await store.read('briefJobs', { ids: [run.jobId] })
    return run === null || job === undefined ? null : await describer.describeRun(run, job, collection.name)
  }

  async #send(call: Target, body: string, signal: AbortSignal, marks: Headers = {}): Promise<CallResult | 'ended'> {
    const { dialer, version, callMs = CALL_MS } = this.#options
    const kept = body.slice(0, KEPT_BODY)
    try {
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': `Jobyard/${version}`,
        ...marks,
      }
      const limits = { connectMs: callMs, headersMs: callMs, wholeMs: callMs, maxBytes: 1024 }
      const url = this.#urlOf(call)
      const { insecure } = call
      // On a connection of its own: over one that has gone stale the call would be lost, and there is no second one.
      const sent = { method: 'POST', url, headers, body, ...limits, insecure, fresh: true, signal }
      const { status, reason } = await dialer.call(sent)
      return { status, reason, body: kept }
    } catch (error) {
      if (signal.aborted) return 'ended'
      if (!(error instanceof JobyardError)) throw error
      return { status: null, reason: error.message, body: kept }
    }
  }

  #urlOf({ collectionId, url, credentials }: Target): string {
    if (credentials === null) return url
    return this.#options.sealer.open({ sealed: credentials }, hookPlace(collectionId, url))
  }
}
