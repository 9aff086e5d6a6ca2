import { JobyardError } from '../../domain/errors.ts'

/** How many live streams there may be at a time. */
export interface LiveBounds {
  /** Of everybody together. */
  readonly all: number
  /** With one token. */
  readonly perToken: number
}

/** A client that was told to wait comes back after so many seconds. */
const RETRY_AFTER = 30

/**
 * Counts the readers of live streams. Each holds a socket and what waits for it, for as long as it likes: without a bound
 * whoever has any token could use up the server's memory and files.
 */
export class LiveReaders {
  readonly #bounds: LiveBounds
  readonly #byToken = new Map<string, number>()
  #all = 0

  constructor(bounds: LiveBounds) {
    this.#bounds = bounds
  }

  /** Live streams that are open. */
  get count(): number {
    return this.#all
  }

  /**
   * Lets one more reader in. Answers how it leaves, which may be said twice. Throws 'live-token-full' and 'live-full'.
   */
  enter(tokenId: string): () => void {
    const { all, perToken } = this.#bounds
    const ours = this.#byToken.get(tokenId) ?? 0
    if (ours >= perToken) throw refusal('live-token-full', `This token has ${ours} live streams open`, perToken)
    if (this.#all >= all) throw refusal('live-full', `There are ${this.#all} live streams open`, all)
    this.#all++
    this.#byToken.set(tokenId, ours + 1)
    let inside = true
    return () => {
      if (inside) this.#leave(tokenId)
      inside = false
    }
  }

  #leave(tokenId: string): void {
    this.#all--
    const left = (this.#byToken.get(tokenId) ?? 1) - 1
    if (left === 0) this.#byToken.delete(tokenId)
    else this.#byToken.set(tokenId, left)
  }
}

function refusal(code: 'live-token-full' | 'live-full', message: string, limit: number): JobyardError {
  return new JobyardError(code, `${message}, which is the limit.`, { data: { limit, retryAfter: RETRY_AFTER } })
}
