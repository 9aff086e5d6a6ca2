/** The line feed, which ends a line. */
export const LF = 10
/** The carriage return, which ends a line alone or before a line feed. */
export const CR = 13

/** So far an end is looked for byte by byte: a call to the system's own way costs as much as some forty bytes. */
const NEAR = 32

/** Finds the ends of lines in an entry, each byte looked at once or twice, whatever the lines are like. */
export class LineEnds {
  readonly #bytes: Uint8Array
  /** The next of each behind some place that was asked for. */
  #lineFeed = -1
  #return = -1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The place of the first LF or CR from `at` on; the length when there is none. */
  next(at: number): number {
    const bytes = this.#bytes
    const near = Math.min(bytes.length, at + NEAR)
    for (let place = at; place < near; place++) {
      const byte = bytes[place]
      if (byte === LF || byte === CR) return place
    }
    if (near === bytes.length) return near
    if (this.#lineFeed < near) this.#lineFeed = placeOf(bytes, LF, near)
    if (this.#return < near) this.#return = placeOf(bytes, CR, near)
    return Math.min(this.#lineFeed, this.#return)
  }
}

function placeOf(bytes: Uint8Array, byte: number, from: number): number {
  const place = bytes.indexOf(byte, from)
  return place < 0 ? bytes.length : place
}
