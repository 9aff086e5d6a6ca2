import type { OutputEntry } from './contract.ts'
import { STREAMS } from './contract.ts'
import { BYTE_STREAMS } from './pending.ts'

const LF = 10
const CR = 13
const SYSTEM = STREAMS.indexOf('system')

/** A line that goes on without an end is cut into lines of this many bytes, so that none ever has to be held in memory. */
export const LONGEST_LINE = 1024 * 1024

/** The share of what a rolling log keeps that one line may take, and what it may take in any case. */
const LINE_SHARE = 16
const LEAST_LONGEST_LINE = 1024

/** Bytes after which a line of a log is cut. */
export function longestLine({ rolling, capBytes }: { readonly rolling: boolean; readonly capBytes: number }): number {
  if (!rolling) return LONGEST_LINE
  return Math.min(LONGEST_LINE, Math.max(LEAST_LONGEST_LINE, Math.floor(capBytes / LINE_SHARE)))
}

/** How many lines a log has had, up to some place in it. */
export interface LineCounts {
  /** Lines that have ended, in all streams. */
  readonly lines: number
  /** Those of them that are of the stream `system`. */
  readonly systemLines: number
  /** Bytes in all of them, without their ends. */
  readonly lineBytes: number
  /** The greatest time of any of them, epoch milliseconds; 0 when there is none. */
  readonly lineTime: number
}

/** Where a log begins. */
export const NO_LINES: LineCounts = { lines: 0, systemLines: 0, lineBytes: 0, lineTime: 0 }

/** The counts between two places, the earlier one given second; the time is that of the later one. */
export function countsBetween(later: LineCounts, earlier: LineCounts): LineCounts {
  return {
    lines: later.lines - earlier.lines,
    systemLines: later.systemLines - earlier.systemLines,
    lineBytes: later.lineBytes - earlier.lineBytes,
    lineTime: later.lineTime,
  }
}

/** What a stream has printed of a line that has not ended. */
interface OpenLine {
  /** Never changed once made, so that a snapshot of it stays what it was. */
  readonly parts: readonly Uint8Array[]
  readonly length: number
  /** When the last of it came. */
  readonly time: number
  /** True right after a carriage return, whose line feed may still come. */
  readonly returned: boolean
}

const NOTHING_OPEN: OpenLine = { parts: [], length: 0, time: 0, returned: false }

/** The state of a scanner between two entries. */
export type OpenLines = readonly OpenLine[]

/**
 * Takes a line that has ended: bytes `from` to before `to` of the entry, behind those of earlier entries, `before`, if
 * there are any.
 */
export type LineSink = (
  stream: number,
  time: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  before: readonly Uint8Array[],
) => void

/**
 * Finds the lines in a log, entry by entry: a line ends with LF, CR or CRLF, counts from where it ends, and has the time of
 * that moment. Each stream of bytes has its lines to itself, however its pieces and those of the other come in turn; the
 * entries of the other streams are messages, whose end ends their line.
 */
export class LineScanner {
  readonly #open: OpenLine[] = Array.from({ length: BYTE_STREAMS }, () => NOTHING_OPEN)
  readonly #longest: number

  /** `longest`: bytes after which a line is cut. */
  constructor(longest = LONGEST_LINE) {
    this.#longest = longest
  }

  /** Goes on from a state of {@link state}. */
  restore(state: OpenLines): void {
    for (const [stream, open] of state.entries()) this.#open[stream] = open
  }

  /** What is open; stays as it is whatever the scanner is fed afterwards. */
  get state(): OpenLines {
    return [...this.#open]
  }

  /** What is open, as entries that bring a new scanner into the same state. */
  get openEntries(): { readonly stream: number; readonly time: number; readonly bytes: Uint8Array }[] {
    return this.#open.flatMap(({ parts, time, returned }, stream) => {
      if (returned) return [{ stream, time, bytes: Uint8Array.of(CR) }]
      return parts.length === 0 ? [] : [{ stream, time, bytes: Buffer.concat(parts) }]
    })
  }

  /** Takes the next entry. */
  feed(stream: number, time: number, bytes: Uint8Array, sink: LineSink): void {
    if (stream >= BYTE_STREAMS) {
      const rest = scan(NOTHING_OPEN, stream, time, bytes, this.#longest, sink)
      if (rest.length > 0) endWith(stream, rest, sink)
      return
    }
    this.#open[stream] = scan(this.#open[stream] ?? NOTHING_OPEN, stream, time, bytes, this.#longest, sink)
  }

  /** Takes the next entry as {@link feed} does, and only tells how many lines ended and how many bytes were in them. */
  count(stream: number, time: number, bytes: Uint8Array): { readonly lines: number; readonly bytes: number } {
    const open = stream < BYTE_STREAMS ? this.#open[stream] : undefined
    // Only where none is cut for its length is it enough to count the ends.
    if (open !== undefined && open.length + bytes.length <= this.#longest) {
      const { start, ...counted } = countEnds(open, bytes)
      this.#open[stream] = restOf(open, bytes, start, time, counted.lines > 0)
      return counted
    }
    const counted = { lines: 0, bytes: 0 }
    this.feed(stream, time, bytes, (_stream, _time, _bytes, from, to, before) => {
      counted.lines++
      counted.bytes += before.reduce((sum, part) => sum + part.length, to - from)
    })
    return counted
  }

  /** Ends the lines that are open: nothing comes any more. */
  flush(sink: LineSink): void {
    for (const [stream, open] of this.#open.entries()) {
      this.#open[stream] = NOTHING_OPEN
      if (open.length > 0) endWith(stream, open, sink)
    }
  }
}

const NO_BYTES = new Uint8Array(0)

function endWith(stream: number, { time, parts }: OpenLine, sink: LineSink): void {
  sink(stream, time, NO_BYTES, 0, 0, parts)
}

function scan(
  open: OpenLine,
  stream: number,
  time: number,
  bytes: Uint8Array,
  longest: number,
  sink: LineSink,
): OpenLine {
  const { length } = bytes
  if (length === 0) return open
  const ends = new LineEnds(bytes)
  let { parts } = open
  let room = longest - open.length
  let start = open.returned && bytes[0] === LF ? 1 : 0
  let at = start
  while (at < length) {
    // One more than there is room for: an end right behind the longest line is its end.
    const limit = Math.min(length, start + room + 1)
    at = Math.min(limit, ends.next(at))
    if (at < limit) {
      sink(stream, time, bytes, start, at, parts)
      at++
      if (bytes[at - 1] === CR) {
        if (at === length) return { ...NOTHING_OPEN, returned: true, time }
        if (bytes[at] === LF) at++
      }
      start = at
    } else if (at - start > room) {
      sink(stream, time, bytes, start, start + room, parts)
      start += room
    } else break
    parts = NONE
    room = longest
  }
  return rest(open, parts, bytes.subarray(start), time)
}

const NONE: readonly Uint8Array[] = []

/** So far an end is looked for byte by byte: a call to the system's own way costs as much as some forty bytes. */
const NEAR = 32

/** Finds the ends of lines in an entry, each byte looked at once or twice, whatever the lines are like. */
class LineEnds {
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

/** The lines that end in an entry, the bytes in them, those from before too, and where what is open behind them begins. */
function countEnds(open: OpenLine, bytes: Uint8Array): { lines: number; bytes: number; start: number } {
  const found = new LineEnds(bytes)
  let start = open.returned && bytes[0] === LF ? 1 : 0
  let ends = start
  let lines = 0
  for (let at = found.next(start); at < bytes.length; at = found.next(start)) {
    lines++
    start = at + (bytes[at] === CR && bytes[at + 1] === LF ? 2 : 1)
    ends += start - at
  }
  return { lines, bytes: start - ends + (lines > 0 ? open.length : 0), start }
}

/** What is open behind the last line that ended in an entry. */
function restOf(open: OpenLine, bytes: Uint8Array, start: number, time: number, ended: boolean): OpenLine {
  if (bytes.length === 0) return open
  if (ended && start === bytes.length && bytes[start - 1] === CR) return { ...NOTHING_OPEN, returned: true, time }
  return rest(open, ended ? NONE : open.parts, bytes.subarray(start), time)
}

/** A copy, so that a few bytes do not keep a whole piece in memory. */
function rest(before: OpenLine, parts: readonly Uint8Array[], bytes: Uint8Array, time: number): OpenLine {
  const length = parts === before.parts ? before.length : 0
  if (bytes.length === 0) return length === 0 ? NOTHING_OPEN : before
  const last = parts.at(-1)
  const own = Uint8Array.prototype.slice.call(bytes)
  // A program that prints byte by byte makes no part of each.
  const joined =
    last !== undefined && last.length + own.length <= 1024
      ? [...parts.slice(0, -1), Buffer.concat([last, own])]
      : [...parts, own]
  return { parts: joined, length: length + bytes.length, time, returned: false }
}

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
