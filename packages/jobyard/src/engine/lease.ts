import type { Executor } from './executor.ts'
import type { EngineParts, Identity } from './parts.ts'
import type { Absorb } from './persist.ts'

/** How long an instance that was not heard of is believed to live, in milliseconds. */
export const LEASE_MS = 15_000
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

/** Keeps this instance's lease, and ends what others left when theirs ran out. */
export class Lease {
  readonly #parts: EngineParts
  readonly #identity: Identity
  readonly #options: LeaseOptions
  readonly #executor: Executor
  readonly #absorb: Absorb
  #renewedAt = 0
  /** Called when the lease was lost, everything has ended, and the instance has entered anew under another id. */
  onReentered: () => void = () => undefined

  constructor(parts: EngineParts, identity: Identity, options: LeaseOptions, executor: Executor, absorb: Absorb) {
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
    await store.write('enterInstance', { instance, at: clock.now(), leaseMs })
    this.#renewedAt = clock.elapsed()
    // Where only one instance can be, every other one on record is dead, whatever its lease says.
    await this.recover(alone ? { allBut: instance.id } : {})
  }

  /** Renews the lease and with it that of all this instance's runs. Answers how long to wait for the next time. */
  async renewOnce(): Promise<number> {
    const { store, clock } = this.#parts
    const { leaseMs, alone } = this.#options
    const started = clock.elapsed()
    try {
      const { held, wishes } = await store.write('renewInstance', { id: this.#identity.id, at: clock.now(), leaseMs })
      if (!held) {
        await this.#enterAnew()
        return leaseMs / 3
      }
      this.#renewedAt = started
      const reason = { code: 'user', text: 'Somebody asked for it.' }
      for (const { id, wanted } of wishes) this.#executor.wish(id, wanted, reason)
    } catch (error) {
      // Others may take our runs when the lease is over: what runs must have ended by then.
      const left = this.#renewedAt + leaseMs - clock.elapsed()
      if (!alone && left < leaseMs / 3) await this.#executor.abandon()
      throw error
    }
    return leaseMs / 3
  }

  /** Ends by policy what instances were running whose lease has run out. */
  async recover(which: { readonly allBut?: string } = {}): Promise<void> {
    const { store, clock, events } = this.#parts
    for (;;) {
      const recovery = await store.write('recoverInstances', { at: clock.now(), ...which })
      this.#absorb(recovery)
      for (const instanceId of recovery.gone) events.emit({ type: 'instance.gone', instanceId })
      if (!recovery.more) return
    }
  }

  /** Signs off: nothing runs here any longer. */
  async leave(): Promise<void> {
    const at = this.#parts.clock.now()
    await this.#parts.store.write('leaveInstance', { id: this.#identity.id, at, forgetBefore: at - FORGET_MS })
  }

  async #enterAnew(): Promise<void> {
    this.#parts.events.emit({ type: 'lease.lost', instanceId: this.#identity.id })
    await this.#executor.abandon()
    this.#identity.id = this.#parts.ids.next()
    await this.enter()
    this.onReentered()
  }
}
