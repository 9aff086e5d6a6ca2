import { decodeEntries, encodeEntries } from './chunk.ts'
import { LineCounter } from './line-counter.ts'
import type { Chunk, LineMark } from './storage.ts'

/** Bytes of output between two marks: what has to be read again to find a line. */
const MARK_BYTES = 4 * 1024 * 1024

/** The lines of a log up to some place, and when the next mark is due. Stays as it is. */
export class LineMarks {
  readonly #counter: LineCounter
  readonly #everyBytes: number
  readonly #sinceMark: number

  /** `keptBytes`: how much a rolling log keeps; there is always a mark in what is left of it. */
  constructor(counter: LineCounter, keptBytes?: number, sinceMark = 0) {
    this.#counter = counter
    this.#everyBytes = Math.min(MARK_BYTES, Math.max(1, Math.floor((keptBytes ?? Number.POSITIVE_INFINITY) / 8)))
    this.#sinceMark = sinceMark
  }

  get counter(): LineCounter {
    return this.#counter
  }

  /** The lines after these chunks too, and the marks in those of them that begin at or after `firstSeq`. */
  after(chunks: readonly Chunk[], firstSeq: number): { readonly lines: LineMarks; readonly marks: LineMark[] } {
    if (chunks.length === 0) return { lines: this, marks: [] }
    const counter = this.#counter.copy()
    const marks: LineMark[] = []
    let since = this.#sinceMark
    for (const chunk of chunks) {
      if (since >= this.#everyBytes) {
        if (chunk.firstSeq >= firstSeq) marks.push(markAt(chunk.firstSeq, counter))
        since = 0
      }
      counter.feed(decodeEntries(chunk.data, chunk.firstSeq, chunk.firstTime))
      since += chunk.bytes
    }
    return { lines: new LineMarks(counter, this.#everyBytes * 8, since), marks }
  }
}

/** A mark for where a counter stands. */
export function markAt(seq: number, counter: LineCounter): LineMark {
  const open = counter.openEntries.map(({ stream, time, bytes }) => {
    return { stream, time, parts: [bytes], length: bytes.length }
  })
  return { seq, counts: counter.counts, data: encodeEntries(open, 0) }
}

/** A counter that stands where a mark was made. `longest`: bytes after which a line is cut. */
export function counterAt({ counts, data }: LineMark, longest?: number): LineCounter {
  const counter = new LineCounter(longest)
  counter.feed(decodeEntries(data, 0, 0))
  return counter.restore(counts, counter.state)
}
