import { type OutputEntry, STREAMS } from './contract.ts'
import { type LineCounts, LineScanner, LONGEST_LINE, type OpenLines } from './line-scanner.ts'

const SYSTEM = STREAMS.indexOf('system')

function withLine({ lines, systemLines, lineBytes, lineTime }: LineCounts, length: number, time: number): LineCounts {
  return { lines: lines + 1, systemLines, lineBytes: lineBytes + length, lineTime: Math.max(lineTime, time) }
}

/** Counts the lines of a log as it is written or read again. */
export class LineCounter {
  readonly #scanner: LineScanner
  readonly #longest: number
  #lines = 0
  #systemLines = 0
  #lineBytes = 0
  #lineTime = 0

  /** `longest`: bytes after which a line is cut. */
  constructor(longest = LONGEST_LINE) {
    this.#scanner = new LineScanner(longest)
    this.#longest = longest
  }

  /** One that goes on from where this one stands. */
  copy(): LineCounter {
    return new LineCounter(this.#longest).restore(this.counts, this.state)
  }

  /** Goes on from another place. */
  restore({ lines, systemLines, lineBytes, lineTime }: LineCounts, open: OpenLines): this {
    this.#scanner.restore(open)
    this.#lines = lines
    this.#systemLines = systemLines
    this.#lineBytes = lineBytes
    this.#lineTime = lineTime
    return this
  }

  get counts(): LineCounts {
    return {
      lines: this.#lines,
      systemLines: this.#systemLines,
      lineBytes: this.#lineBytes,
      lineTime: this.#lineTime,
    }
  }

  get state(): OpenLines {
    return this.#scanner.state
  }

  /** See {@link LineScanner.openEntries}. */
  get openEntries(): LineScanner['openEntries'] {
    return this.#scanner.openEntries
  }

  feed(entries: readonly OutputEntry[]): void {
    for (const { stream, time, bytes } of entries) {
      const place = STREAMS.indexOf(stream)
      const ended = this.#scanner.count(place, time, bytes)
      this.#lines += ended.lines
      this.#lineBytes += ended.bytes
      if (place === SYSTEM) this.#systemLines += ended.lines
      if (ended.lines > 0 && time > this.#lineTime) this.#lineTime = time
    }
  }

  /** The counts as they are when nothing comes any more. */
  get counted(): LineCounts {
    return this.state.reduce(
      (counts, { length, time }) => (length === 0 ? counts : withLine(counts, length, time)),
      this.counts,
    )
  }
}
