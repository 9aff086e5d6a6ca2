import { JobyardError } from '../../../domain/errors.ts'
import { type LogFigures, type OutputPage, type OutputStore, STREAMS } from '../../../store/output/contract.ts'
import { type LineCounts, LineScanner, type LineSink } from '../../../store/output/line-scanner.ts'
import type { LineForm } from './log-line.ts'
import type { Segment } from './segments.ts'

/** Bytes of output that are rendered for one page of the store, in one go. Of short lines fewer: each line has its price. */
const LEAST_PAGE_BYTES = 32 * 1024
const MOST_PAGE_BYTES = 256 * 1024
const PAGE_LINES = 4096

/** Bytes of a piece that is given out. */
const PIECE_BYTES = 128 * 1024

/** Longer stretches are copied faster by the system's own way than byte by byte. */
const SHORT_COPY = 48

const END = Buffer.from('\r\n')

/** A line that belongs between the lines of the output: before the first that is of its time or later. */
export interface Insertion {
  /** Epoch milliseconds. */
  readonly time: number
  /** The whole line. */
  readonly line: string
}

/** The output of a task, to be shown line by line. */
export interface ShownLog {
  readonly output: OutputStore
  readonly figures: LogFigures
  readonly form: LineForm
  /** In the order of their times, none of them later than what is known of the task. Default: none. */
  readonly insertions?: readonly Insertion[]
}

/** The lines of a task's output, each with its time, its instance and its level in front of it, and CRLF behind it. */
export function logSegment(log: ShownLog): Segment {
  const { figures, form } = log
  const insertions = insertionsAfter(log, figures.lost.lineTime)
  const bytes = bytesOf(figures.counts, form) + sumOf(insertions)
  const lost = bytesOf(figures.lost, form) + sumOf(log.insertions ?? []) - sumOf(insertions)
  const mark = markOf(log, bytes)
  return { bytes, lost, at: lost, mark, read: (from, to) => new LogReading({ ...log, insertions }, from, to).run() }
}

/**
 * What is there stays as more comes behind it, and as the oldest of it is lost, but for insertions behind the last line: a
 * line that is open now, and of an earlier time, will stand before them.
 */
function markOf(log: ShownLog, bytes: number): string {
  const { figures, form, insertions = [] } = log
  const open = insertionsAfter(log, figures.counts.lineTime).length > 0
  const said = insertions.map(({ line }) => line).join('')
  return `${figures.taskId} as of ${form.id} ${open ? `${bytes} ` : ''}${said}`
}

function pageBytes({ lines, lineBytes }: LineCounts): number {
  const wanted = (PAGE_LINES * lineBytes) / Math.max(1, lines)
  return Math.floor(Math.min(MOST_PAGE_BYTES, Math.max(LEAST_PAGE_BYTES, wanted)))
}

function bytesOf({ lines, systemLines, lineBytes }: LineCounts, { perLine, perOwnLine }: LineForm): number {
  return lines * perLine + systemLines * perOwnLine + lineBytes
}

function insertionsAfter({ insertions = [] }: ShownLog, time: number): readonly Insertion[] {
  return insertions.filter((insertion) => insertion.time > time)
}

function sumOf(insertions: readonly Insertion[]): number {
  return insertions.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0)
}

interface ReadLog extends ShownLog {
  readonly insertions: readonly Insertion[]
}

/** Goes through a log once, from a mark before the wanted place on. */
class LogReading {
  readonly #log: ReadLog
  readonly #from: number
  readonly #to: number
  readonly #scanner: LineScanner
  #insertions: readonly Insertion[]
  /** Place in the shown log. */
  #at = 0
  #time = 0
  #pieces: Uint8Array[] = []
  #piece = Buffer.alloc(0)
  #filled = 0

  constructor(log: ReadLog, from: number, to: number) {
    this.#log = log
    this.#scanner = new LineScanner(log.figures.longest)
    this.#from = from
    this.#to = to
    this.#insertions = log.insertions
  }

  async *run(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#to <= this.#from) return
    const { output, figures } = this.#log
    const maxBytes = pageBytes(figures.counts)
    let after = await this.#takeUp()
    let reading = output.read(figures.taskId, { after, maxBytes })
    try {
      while (this.#at < this.#to) {
        const page = requireWhole(await reading, after)
        if (page.entries.length === 0) break
        after = page.entries.at(-1)?.seq ?? after
        // The next page is on its way while this one is rendered.
        reading = output.read(figures.taskId, { after, maxBytes })
        for (const { stream, time, bytes } of page.entries) {
          this.#scanner.feed(STREAMS.indexOf(stream), time, bytes, this.#line)
          if (this.#pieces.length > 0) yield* this.#takePieces()
          if (this.#at >= this.#to) break
        }
      }
      this.#scanner.flush(this.#line)
      this.#insert(Number.POSITIVE_INFINITY)
      if (this.#at < this.#to) throw gone()
      this.#closePiece()
      yield* this.#takePieces()
    } finally {
      // Nobody waits for a page that was asked for ahead.
      reading.catch(() => undefined)
    }
  }

  /** Stands where the last mark before the wanted place is; answers the entry before it. */
  async #takeUp(): Promise<number> {
    const { output, figures, form, insertions } = this.#log
    const lost = bytesOf(figures.lost, form)
    const { perLine, perOwnLine: perSystemLine } = form
    const place = { at: Math.max(0, lost + this.#from - sumOf(insertions)), perLine, perSystemLine }
    const position = await output.findPosition(figures.taskId, place)
    if (position === undefined) throw gone()
    for (const { stream, time, bytes } of position.open) {
      this.#scanner.feed(STREAMS.indexOf(stream), time, bytes, () => undefined)
    }
    this.#time = position.counts.lineTime
    this.#insertions = insertions.filter(({ time }) => time > this.#time)
    this.#at = bytesOf(position.counts, form) - lost + sumOf(insertions) - sumOf(this.#insertions)
    if (this.#at < 0) throw gone()
    return position.after
  }

  readonly #line: LineSink = (stream, time, bytes, from, to, before) => {
    if (time > this.#time) {
      this.#time = time
      if (this.#insertions.length > 0) this.#insert(time)
    }
    const prefix = this.#log.form.prefixOf(STREAMS[stream] ?? 'output', time)
    this.#put(prefix, 0, prefix.length)
    if (before.length > 0) for (const part of before) this.#put(part, 0, part.length)
    this.#put(bytes, from, to)
    this.#put(END, 0, END.length)
  }

  #insert(until: number): void {
    for (let [next] = this.#insertions; next !== undefined && next.time <= until; [next] = this.#insertions) {
      this.#insertions = this.#insertions.slice(1)
      const bytes = Buffer.from(next.line)
      this.#put(bytes, 0, bytes.length)
    }
  }

  /** Adds what of these bytes is wanted. */
  #put(bytes: Uint8Array, from: number, to: number): void {
    const begin = Math.max(from, from + this.#from - this.#at)
    const end = Math.min(to, from + this.#to - this.#at)
    this.#at += to - from
    for (let next = begin; next < end; ) {
      if (this.#filled === this.#piece.length) this.#beginPiece()
      const stop = Math.min(end, next + this.#piece.length - this.#filled)
      copy(bytes, next, stop, this.#piece, this.#filled)
      this.#filled += stop - next
      next = stop
    }
  }

  #beginPiece(): void {
    this.#closePiece()
    this.#piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#to - this.#from))
    this.#filled = 0
  }

  #closePiece(): void {
    if (this.#filled > 0) this.#pieces.push(this.#piece.subarray(0, this.#filled))
    this.#piece = Buffer.alloc(0)
    this.#filled = 0
  }

  *#takePieces(): Generator<Uint8Array, void, undefined> {
    const pieces = this.#pieces
    this.#pieces = []
    yield* pieces
  }
}

function copy(source: Uint8Array, from: number, to: number, target: Buffer, at: number): void {
  if (to - from > SHORT_COPY) {
    target.set(source.subarray(from, to), at)
    return
  }
  for (let next = from; next < to; next++) target[at++] = source[next] ?? 0
}

/** A page that follows right on what was read. A rolling log may have lost that meanwhile. */
function requireWhole(page: OutputPage, after: number): OutputPage {
  const [first] = page.entries
  if (first !== undefined && first.seq !== after + 1) throw gone()
  return page
}

function gone(): JobyardError {
  return new JobyardError('log-gone')
}
