/**
 * Finds many patterns at once in one pass over the bytes (Aho and Corasick, 1975). The states form a tree, one for
 * each distinct beginning of a pattern; they are kept as child and sibling lists in flat arrays, about 20 bytes a
 * state, because a table by byte value would take megabytes for one certificate.
 */
export class PatternSearch {
  /** For the root, where ordinary text spends its time: the next state by byte. */
  readonly #fromRoot = new Int32Array(256)
  /** One bit for each two bytes that a pattern begins with: many secrets begin with any byte, but few with any two. */
  readonly #pairs = new Uint32Array(65_536 / 32)
  readonly #child: Int32Array
  readonly #sibling: Int32Array
  readonly #label: Uint8Array
  readonly #fallback: Int32Array
  /** How many bytes of a pattern's beginning have been read in a state. */
  readonly #depth: Int32Array
  /** Length of the longest pattern that ends in a state; 0 for none. */
  readonly #longest: Int32Array
  #states = 1

  /** Empty patterns are not allowed. */
  constructor(patterns: readonly Uint8Array[]) {
    const most = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0)
    this.#child = new Int32Array(most)
    this.#sibling = new Int32Array(most)
    this.#label = new Uint8Array(most)
    this.#fallback = new Int32Array(most)
    this.#depth = new Int32Array(most)
    this.#longest = new Int32Array(most)
    for (const pattern of patterns) this.#plant(pattern)
    this.#link()
  }

  /** The state after one more byte; 0 is the state at the beginning. */
  next(state: number, byte: number): number {
    while (state !== 0) {
      const child = this.#childOf(state, byte)
      if (child !== 0) return child
      state = this.#fallback[state] ?? 0
    }
    return this.#fromRoot[byte] ?? 0
  }

  /** The first place at or after `from` where a pattern might begin, or `to`. */
  skip(bytes: Uint8Array, from: number, to: number): number {
    const fromRoot = this.#fromRoot
    const pairs = this.#pairs
    const last = to - 1
    for (; from < last; from++) {
      const byte = bytes[from] ?? 0
      if (fromRoot[byte] === 0) continue
      const pair = (byte << 8) | (bytes[from + 1] ?? 0)
      if (((pairs[pair >>> 5] ?? 0) >>> (pair & 31)) & 1) return from
    }
    // What follows the last byte is not known yet.
    return from < to && fromRoot[bytes[from] ?? 0] === 0 ? to : from
  }

  /** How many of the bytes just read may be the beginning of a pattern. */
  depth(state: number): number {
    return this.#depth[state] ?? 0
  }

  /** Length of the longest pattern that ends with the byte just read; 0 when none does. */
  longest(state: number): number {
    return this.#longest[state] ?? 0
  }

  #plant(pattern: Uint8Array): void {
    this.#notePair(pattern)
    let state = 0
    for (const byte of pattern) {
      let child = state === 0 ? (this.#fromRoot[byte] ?? 0) : this.#childOf(state, byte)
      if (child === 0) {
        child = this.#states++
        this.#label[child] = byte
        this.#depth[child] = this.depth(state) + 1
        this.#sibling[child] = this.#child[state] ?? 0
        this.#child[state] = child
        if (state === 0) this.#fromRoot[byte] = child
      }
      state = child
    }
    this.#longest[state] = pattern.length
  }

  /** A pattern of one byte begins with it whatever follows. */
  #notePair([first = 0, second]: Uint8Array): void {
    const seconds = second === undefined ? Array.from({ length: 256 }, (_, byte) => byte) : [second]
    for (const each of seconds) {
      const pair = (first << 8) | each
      this.#pairs[pair >>> 5] = (this.#pairs[pair >>> 5] ?? 0) | (1 << (pair & 31))
    }
  }

  /** Gives every state, nearest to the root first, the state to go on from when no child fits. */
  #link(): void {
    const queue = [...this.#childrenOf(0)]
    for (const state of queue) {
      if (this.#longest[state] === 0) this.#longest[state] = this.longest(this.#fallback[state] ?? 0)
      for (const child of this.#childrenOf(state)) {
        this.#fallback[child] = this.next(this.#fallback[state] ?? 0, this.#label[child] ?? 0)
        queue.push(child)
      }
    }
  }

  #childOf(state: number, byte: number): number {
    let child = this.#child[state] ?? 0
    while (child !== 0 && this.#label[child] !== byte) child = this.#sibling[child] ?? 0
    return child
  }

  *#childrenOf(state: number): Generator<number> {
    for (let child = this.#child[state] ?? 0; child !== 0; child = this.#sibling[child] ?? 0) yield child
  }
}
