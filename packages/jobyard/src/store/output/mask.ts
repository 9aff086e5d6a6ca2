import type { PatternSearch } from './pattern-search.ts'

/** What stands in the log where a secret was. */
const MASK = Buffer.from('***')

/** A run of bytes that belongs to secrets: from `start` up to but not including `end`. */
interface Span {
  /** -1 when its mask was given out with an earlier piece. */
  readonly start: number
  readonly end: number
}

/**
 * Replaces secrets in a stream that comes in pieces. What overlaps is replaced as a whole, by one mask.
 *
 * The end of a piece that could be the beginning of a secret is held back until the next piece or {@link end} shows
 * whether it is one, however long that takes: programs write in blocks, so a secret across two blocks may stay
 * incomplete for minutes, and to let it out after a pause would be to store it. A live reader may so miss the last
 * bytes of what was printed, and never more than the longest secret.
 */
export class Masker {
  readonly #search: PatternSearch
  #state = 0
  #held: Buffer = Buffer.alloc(0)
  /** Where secrets were found in what is held; ordered, apart. */
  #spans: Span[] = []

  constructor(search: PatternSearch) {
    this.#search = search
  }

  /** Takes the next piece, and gives what is certain by now; the piece itself when it is all harmless. */
  push(piece: Buffer): Buffer {
    if (this.#state === 0 && this.#held.length === 0) {
      const first = this.#search.skip(piece, 0, piece.length)
      if (first === piece.length) return piece
    }
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    this.#scan(bytes, this.#held.length)
    return this.#release(bytes, bytes.length - this.#search.depth(this.#state))
  }

  /** Gives what was held back, since nothing follows that could make a secret of it. */
  end(): Buffer {
    const bytes = this.#held
    this.#state = 0
    return this.#release(bytes, bytes.length)
  }

  #scan(bytes: Buffer, from: number): void {
    const search = this.#search
    let state = this.#state
    for (let at = from; at < bytes.length; at++) {
      if (state === 0) {
        at = search.skip(bytes, at, bytes.length)
        if (at === bytes.length) break
      }
      state = search.next(state, bytes[at] ?? 0)
      const length = search.longest(state)
      if (length > 0) this.#add(at + 1 - length, at + 1)
    }
    this.#state = state
  }

  #add(start: number, end: number): void {
    let last = this.#spans.at(-1)
    while (last && last.end > start) {
      start = Math.min(start, last.start)
      this.#spans.pop()
      last = this.#spans.at(-1)
    }
    this.#spans.push({ start, end })
  }

  /** Gives the bytes before `limit`, masked, and holds the others; no secret that is still to be found begins before it. */
  #release(bytes: Buffer, limit: number): Buffer {
    const parts: Buffer[] = []
    const later: Span[] = []
    let at = 0
    for (const { start, end } of this.#spans) {
      if (start >= limit) {
        later.push({ start: start - limit, end: end - limit })
        continue
      }
      if (start > at) parts.push(bytes.subarray(at, start))
      if (start >= 0) parts.push(MASK)
      at = end
      if (end > limit) later.push({ start: -1, end: end - limit })
    }
    if (at < limit) parts.push(bytes.subarray(at, limit))
    this.#spans = later
    // A copy, so that a few held bytes do not keep a whole piece in memory.
    this.#held = Buffer.from(bytes.subarray(limit))
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  }
}
