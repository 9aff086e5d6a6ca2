import type { Timer } from '../domain/clock.ts'
import { within } from '../domain/waits.ts'
import type { OwnedRun } from '../store/procedures/instances.ts'
import type { Executor } from './executor.ts'
import type { EngineParts, Identity } from './parts.ts'
import type { Absorb } from './persist.ts'

/** Share of the lease after which an instance that could not renew it ends what it runs: the rest is for the ending. */
const FENCE_SHARE = 0.7
/** Share of the lease after which it is renewed. */
const RENEW_SHARE = 1 / 3
/** How long what is told to end at once may take, in milliseconds: a kill is a moment, and a few seconds under load. */
export const ABANDON_MS = 5000
/** Gone instances are forgotten after a day. */
const FORGET_MS = 86_400_000

/** What the lease is kept with. */
export interface LeaseOptions {
  readonly leaseMs: number
  /** True where no other instance can be: a lease that could not be renewed in time is then still ours. */
  readonly alone: boolean
  readonly host: string
  readonly pid: number
  readonly version: string
}

/** What follows from an instance's end. */
export interface LeaseHooks {
  /** Told the names of instances that were found dead. */
  readonly onGone: (names: readonly string[]) => Promise<void>
}

/** Keeps this instance's lease, and ends what others left when theirs ran out. */
export class Lease {
  readonly #parts: EngineParts
  readonly #identity: Identity
  readonly #options: LeaseOptions & LeaseHooks
  readonly #executor: Executor
  readonly #absorb: Absorb
  #fence: Timer | undefined
  /** Runs that were owned and unknown at the last renewal, with their fence. */
  #unknown = new Set<string>()
  /** Called when the lease was lost, everything has ended, and the instance has entered anew under another id. */
  onReentered: () => void = () => undefined

  constructor(
    parts: EngineParts,
    identity: Identity,
    options: LeaseOptions & LeaseHooks,
    executor: Executor,
    absorb: Absorb,
  ) {
    this.#parts = parts
    this.#identity = identity
    this.#options = options
    this.#executor = executor
    this.#absorb = absorb
  }

  /** Enters the instance with its first lease and ends by policy what dead ones were running. */
  async enter(): Promise<void> {
    const { store, clock } = this.#parts
    const { leaseMs, host, pid, version, alone } = this.#options
    const instance = { id: this.#identity.id, name: this.#identity.name, host, pid, version }
    const started = clock.elapsed()
    await store.write('enterInstance', { instance, at: clock.now(), leaseMs })
    this.#armFence(started)
    // Where only one instance can be, every other one on record is dead, whatever its lease says.
    await this.recover(alone ? { allBut: instance.id } : {})
  }

  /** Renews the lease and with it that of all this instance's runs. Answers how long to wait for the next time. */
  async renewOnce(): Promise<number> {
    const { store, clock } = this.#parts
    const { leaseMs } = this.#options
    const started = clock.elapsed()
    const { held, owned } = await store.write('renewInstance', { id: this.#identity.id, at: clock.now(), leaseMs })
    if (held) {
      this.#armFence(started)
      await this.#reconcile(owned)
    } else {
      await this.#enterAnew()
    }
    return leaseMs * RENEW_SHARE
  }

  /**
   * Others may take our runs when the lease is over, so what runs must have ended by then, even when a renewal hangs on
   * a connection that is only half there. Counted from before the renewal was sent.
   */
  #armFence(renewedAt: number): void {
    this.#fence?.cancel()
    const { leaseMs, alone } = this.#options
    if (alone) {
      this.#executor.open()
      return
    }
    const { clock, events } = this.#parts
    const left = renewedAt + leaseMs * FENCE_SHARE - clock.elapsed()
    // After a renewal that took long the fence may fall before the next: what was begun now would be lost again.
    if (left > leaseMs * RENEW_SHARE) this.#executor.open()
    this.#fence = clock.after(left, () => {
      events.emit({ type: 'lease.lost', instanceId: this.#identity.id })
      void this.#executor.abandon()
    })
  }

  /** Follows wishes that were missed, and ends what this instance owns by the record but knows nothing of, or the reverse. */
  async #reconcile(owned: readonly OwnedRun[]): Promise<void> {
    const { store, clock } = this.#parts
    const unknown = this.#executor.reconcile(owned)
    // A claim may be on its way to the executor; what is unknown at two renewals in a row was lost.
    const lost = unknown.filter(({ id, fence }) => this.#unknown.has(`${id} ${fence}`))
    this.#unknown = new Set(unknown.map(({ id, fence }) => `${id} ${fence}`))
    if (lost.length === 0) return
    const items = lost.map(({ id, fence }) => ({ runId: id, fence, owner: this.#identity.id }))
    this.#absorb(await store.write('loseOwned', { items, at: clock.now() }))
  }

  /** Ends by policy what instances were running whose lease has run out. */
  async recover(which: { readonly allBut?: string } = {}): Promise<void> {
    const { store, clock, events } = this.#parts
    for (;;) {
      const recovery = await store.write('recoverInstances', { at: clock.now(), ...which })
      this.#absorb(recovery)
      for (const { id } of recovery.gone) events.emit({ type: 'instance.gone', instanceId: id })
      if (recovery.gone.length > 0) await this.#options.onGone(recovery.gone.map(({ name }) => name))
      if (!recovery.more) return
    }
  }

  /** Signs off: nothing runs here any longer. What is on record as running here all the same is ended by policy. */
  async leave(): Promise<void> {
    this.#fence?.cancel()
    const { store, clock } = this.#parts
    const input = { id: this.#identity.id, at: clock.now(), forgetMs: FORGET_MS }
    this.#absorb(await store.write('leaveInstance', input))
    this.#executor.givenUp.length = 0
  }

  /**
   * Enters under another id once all has ended here. What does not end although it was told to end at once, such as a
   * process that waits for a broken disk, is not waited for beyond a bound: it must not keep the instance out. Its
   * target still has one owner: by the record that attempt is over since the lease ran out, and nothing it may still
   * write is taken, for its fence is old. Here no other attempt at the target is begun before it has ended, as
   * {@link Executor.abandon} says. Other instances were free to begin one since the lease ran out, with or without us.
   */
  async #enterAnew(): Promise<void> {
    const { clock, events, ids } = this.#parts
    events.emit({ type: 'lease.lost', instanceId: this.#identity.id })
    if (!(await within(clock, ABANDON_MS, this.#executor.abandon()))) {
      const text = `What ran here has not ended within ${ABANDON_MS / 1000} s; the instance enters anew all the same.`
      events.emit({ type: 'error', where: 'lease', error: new Error(text) })
    }
    this.#identity.id = ids.next()
    await this.enter()
    // By policy, on record.
    this.#executor.givenUp.length = 0
    this.onReentered()
  }
}
