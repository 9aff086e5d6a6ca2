import { isFinished } from '@jobyard/jobs'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Events } from '../../engine/events.ts'
import { Loop } from '../../engine/loop.ts'
import type { Dialer } from '../../outbound/dialer.ts'
import type { CallResult, HookCall } from '../../store/procedures/hook-calls.ts'
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
}

/** Milliseconds that a call may take, as with Kudu. */
const CALL_MS = 10_000
/** So much longer a call is held than it may take, in milliseconds, before somebody else takes it for lost. */
const GRACE_MS = 20_000
/** Calls under way at a time, and of one hook that are begun at a time. */
const AT_ONCE = 32
const OF_ONE_HOOK = 4
/** Between two looks that nothing asked for, and between two clearings, in milliseconds. */
const EVERY = 5000
const CLEAR_EVERY = 60_000
/** Characters of what was sent that are kept to be looked at. */
const KEPT_BODY = 16_384
/** What an address answers that wants no calls any more. */
const GONE = 410

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
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #ofHook = new Map<string, number>()
  /** Whether there are hooks at all, as far as is known: else runs may end without a look. */
  #some = true
  #clearedAt = Number.NEGATIVE_INFINITY

  constructor(options: HookCallerOptions) {
    this.#options = options
    const { clock, random, events } = options
    const onError = (where: string, error: unknown) => events.emit({ type: 'error', where, error })
    this.#loop = new Loop({ name: 'hooks', clock, random, turnOnce: () => this.#turnOnce(), onError })
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

  /** Begins no more calls, and waits for those under way. What waits then is for the next server. */
  async stop(): Promise<void> {
    this.#deaf()
    await this.#loop.stop()
    await Promise.all(this.#underWay.values())
  }

  check(url: string): void {
    this.#options.dialer.check(url)
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
    const busy = [...this.#ofHook].flatMap(([hookId, count]) => (count >= OF_ONE_HOOK ? [hookId] : []))
    const holdMs = callMs + GRACE_MS
    const bounds = { at: clock.now(), holdMs, limit: room, perHook: OF_ONE_HOOK, busy }
    const { calls, some } = await store.write('claimHookCalls', bounds)
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
    this.#count(call.hookId, 1)
    const done = this.#make(call)
      .catch((error: unknown) => this.#options.events.emit({ type: 'error', where: 'hooks', error }))
      .finally(() => {
        this.#underWay.delete(call.id)
        this.#count(call.hookId, -1)
        this.#loop.wake()
      })
    this.#underWay.set(call.id, done)
  }

  #count(hookId: string, by: 1 | -1): void {
    const count = (this.#ofHook.get(hookId) ?? 0) + by
    if (count === 0) this.#ofHook.delete(hookId)
    else this.#ofHook.set(hookId, count)
  }

  async #make(call: HookCall): Promise<void> {
    const { store, clock } = this.#options
    const at = clock.now()
    const body = await this.#bodyOf(call)
    const result = body === null ? null : await this.#send(call, body)
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

  async #send(call: HookCall, body: string): Promise<CallResult> {
    const { dialer, version, callMs = CALL_MS } = this.#options
    const kept = body.slice(0, KEPT_BODY)
    try {
      const headers = { 'content-type': 'application/json; charset=utf-8', 'user-agent': `Jobyard/${version}` }
      const limits = { connectMs: callMs, headersMs: callMs, wholeMs: callMs, maxBytes: 1024 }
      const url = this.#urlOf(call)
      const { insecure } = call
      // On a connection of its own: over one that has gone stale the call would be lost, and there is no second one.
      const sent = { method: 'POST', url, headers, body, ...limits, insecure, fresh: true }
      const { status, reason } = await dialer.call(sent)
      return { status, reason, body: kept }
    } catch (error) {
      if (!(error instanceof JobyardError)) throw error
      return { status: null, reason: error.message, body: kept }
    }
  }

  #urlOf({ collectionId, url, credentials }: HookCall): string {
    if (credentials === null) return url
    return this.#options.sealer.open({ sealed: credentials }, hookPlace(collectionId, url))
  }
}
