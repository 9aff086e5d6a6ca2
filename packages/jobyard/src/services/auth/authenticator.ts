import type { Clock, Timer } from '../../domain/clock.ts'
import type { TokenRow } from '../../store/procedures/tokens.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { Bearer } from './bearer.ts'
import { hashToken } from './token.ts'

/** Milliseconds for which a token that was found is not looked up again: how long another instance may take to notice a revocation. */
const TRUST_MS = 2000
/** Tokens that are kept in memory. */
const MOST_TOKENS = 1000
/** A token's last use is noted once in this time, in milliseconds. */
const TOUCH_EVERY = 60_000

interface Known {
  readonly row: TokenRow
  readonly until: number
}

/** Tells whose token or session it is. */
export class Authenticator {
  readonly #store: Repository
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #known = new Map<string, Known>()
  readonly #touched = new Map<string, number>()
  readonly #uses = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #flushing: Timer | undefined
  /** Grows when a token is revoked: what was being looked up at that moment is not kept. */
  #generation = 0

  constructor(store: Repository, clock: Clock, onError: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#onError = onError
  }

  /** Whose token this is; null when it is unknown, has expired or was revoked. */
  async authenticate(token: string): Promise<Bearer | null> {
    const hash = hashToken(token)
    return await this.#admit(`token:${hash}`, () => this.#store.read('findToken', { hash }))
  }

  /** Whose session this is; null when it is unknown or over, or when its token is worth nothing any longer. */
  async authenticateSession(secret: string): Promise<Bearer | null> {
    const hash = hashToken(secret)
    return await this.#admit(`session:${hash}`, async () => {
      const session = await this.#store.read('findSession', { hash })
      if (session === null) return null
      const { token, expiresAt } = session
      return { ...token, expiresAt: Math.min(expiresAt, token.expiresAt ?? expiresAt) }
    })
  }

  async #admit(key: string, find: () => Promise<TokenRow | null>): Promise<Bearer | null> {
    const row = this.#recall(key) ?? (await this.#lookUp(key, find))
    const now = this.#clock.now()
    if (row === null || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= now)) return null
    this.#touch(row.id, now)
    const { id: tokenId, name, role, collectionId } = row
    return { tokenId, name, role, collectionId }
  }

  /** Forgets a token that was revoked; from now on it is worthless here. */
  forget(tokenId: string): void {
    for (const [key, { row }] of this.#known) if (row.id === tokenId) this.#known.delete(key)
    this.#tellForgotten()
  }

  /** Forgets a session that was ended; from now on it is worthless here. */
  forgetSession(secret: string): void {
    this.#known.delete(`session:${hashToken(secret)}`)
    this.#tellForgotten()
  }

  /**
   * Calls `listener` whenever a token was revoked or a session ended by this instance, so that what was admitted long ago
   * can be looked at again. Answers how to stop.
   */
  onForgotten(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tellForgotten(): void {
    this.#generation++
    for (const listener of this.#listeners) listener()
  }

  /** Writes down what has not been yet. */
  async stop(): Promise<void> {
    this.#flushing?.cancel()
    await this.#flush()
  }

  #recall(key: string): TokenRow | undefined {
    const known = this.#known.get(key)
    if (known === undefined || known.until > this.#clock.elapsed()) return known?.row
    this.#known.delete(key)
    return undefined
  }

  async #lookUp(key: string, find: () => Promise<TokenRow | null>): Promise<TokenRow | null> {
    const generation = this.#generation
    const row = await find()
    // What is worth nothing is not kept, so that nobody can fill the memory with it.
    if (row === null || row.revokedAt !== null || generation !== this.#generation) return row
    const [oldest] = this.#known.keys()
    if (this.#known.size >= MOST_TOKENS && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, { row, until: this.#clock.elapsed() + TRUST_MS })
    return row
  }

  #touch(tokenId: string, now: number): void {
    const last = this.#touched.get(tokenId)
    const elapsed = this.#clock.elapsed()
    if (last !== undefined && elapsed - last < TOUCH_EVERY) return
    if (this.#touched.size >= MOST_TOKENS) this.#touched.clear()
    this.#touched.set(tokenId, elapsed)
    this.#uses.set(tokenId, now)
    // Uses of the same second travel together.
    this.#flushing ??= this.#clock.after(1000, () => void this.#flush())
  }

  async #flush(): Promise<void> {
    this.#flushing = undefined
    const uses = [...this.#uses].map(([id, at]) => ({ id, at }))
    this.#uses.clear()
    if (uses.length === 0) return
    try {
      await this.#store.write('touchTokens', { uses })
    } catch (error) {
      // Only a note for people: nothing depends on it.
      this.#onError(error)
    }
  }
}
