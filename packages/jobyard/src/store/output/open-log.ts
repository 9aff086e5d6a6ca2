import { type OutputSummary, STREAMS } from './contract.ts'
import { MAX_DATA } from './frames.ts'
import { Masker } from './mask.ts'
import { OldestChunks } from './oldest-chunks.ts'
import type { PatternSearch } from './pattern-search.ts'
import { BYTE_STREAMS, PendingEntries } from './pending.ts'
import { LineCounter } from './line-counter.ts'
import { longestLine } from './line-scanner.ts'
import { LineMarks } from './line-marks.ts'
import type { Chunk, ChunkSpan, LogChange, StoredLog } from './storage.ts'

const SYSTEM = STREAMS.indexOf('system')

/** What a bounded log takes of the system stream beyond its cap, so that it still tells how the task ended. */
const SYSTEM_ALLOWANCE = 64 * 1024

/** A change on its way to the database, and what {@link OpenLog.abandon} needs when it cannot be written. */
export interface LogBatch {
  readonly change: LogChange
  /** Credit that the log's channel is owed once this is written or lost. */
  readonly credit: number
  /** Bytes of output in it. */
  readonly bytes: number
  readonly before: {
    readonly firstSeq: number
    readonly lastSeq: number
    readonly dropped: number
    readonly lost: number
    readonly endMarked: boolean
    readonly lines: LineMarks
  }
}

/** How a log is kept while it is written here. */
export interface LogRules {
  readonly capBytes: number
  readonly rolling: boolean
  /** Finds the secrets, if there are any. */
  readonly search: PatternSearch | undefined
}

/** A log that is being written: what arrived for it, and the rules of its cap and its secrets. */
export class OpenLog {
  readonly #rules: LogRules
  readonly #stored: StoredLog
  readonly #maskers = new Map<number, Masker>()
  readonly #pending: PendingEntries
  #credit = 0
  #bytes: number
  #dropped: number
  #firstSeq: number
  #lastSeq: number
  #cut: boolean
  #ended = false
  /** True once the mark of the end, if one is due, is on its way. */
  #endMarked = false
  /** Bytes that the database did not take and that no mark in the log tells of yet. */
  #lost = 0
  /** The oldest committed chunks of a rolling log. */
  #oldest = new OldestChunks()
  #lines: LineMarks

  /** `counter` knows the lines of a log that goes on; default: it begins. */
  constructor(stored: StoredLog, rules: LogRules, counter = new LineCounter(longestLine(rules))) {
    this.#stored = stored
    this.#rules = rules
    this.#bytes = stored.bytes
    this.#dropped = stored.dropped
    this.#firstSeq = stored.firstSeq
    this.#lastSeq = stored.lastSeq
    this.#cut = stored.cut
    // A rolling log loses whole chunks, so a small one has small chunks.
    const share = rules.rolling ? Math.max(1, Math.floor(rules.capBytes / 8)) : MAX_DATA
    this.#pending = new PendingEntries(Math.min(MAX_DATA, share))
    this.#lines = new LineMarks(counter, rules.rolling ? rules.capBytes : undefined)
  }

  get id(): number {
    return this.#stored.id
  }

  get taskId(): string {
    return this.#stored.taskId
  }

  /** True when the last batch did not take all that there is to write. */
  get hasMore(): boolean {
    return this.#pending.weight > 0 || (this.#ended && !this.#endMarked)
  }

  /** What is pending, in bytes and something for each entry; 0 when nothing is. */
  get weight(): number {
    return this.#pending.weight
  }

  get summary(): OutputSummary {
    return { bytes: this.#bytes, dropped: this.#dropped, lastSeq: this.#lastSeq, ended: this.#ended }
  }

  /** Takes what arrived. `credit` is what the log's channel is owed for it. */
  take(stream: number, bytes: Buffer, time: number, credit: number): void {
    this.#credit += credit
    if (this.#cut && stream !== SYSTEM) {
      this.#bytes += bytes.length
      this.#dropped += bytes.length
      return
    }
    const masker = this.#maskerOf(stream)
    if (masker && stream >= BYTE_STREAMS) this.#keep(stream, Buffer.concat([masker.push(bytes), masker.end()]), time)
    else this.#keep(stream, masker ? masker.push(bytes) : bytes, time)
  }

  /** Lets out what was held back because a secret may begin there. */
  letOut(time: number): void {
    for (const [stream, masker] of this.#maskers) this.#keep(stream, masker.end(), time)
  }

  /** Takes nothing more. */
  end(time: number): void {
    this.letOut(time)
    this.#ended = true
  }

  /** Hands over the credit that is owed for all that is not pending any more: what was given a place, dropped or held. */
  takeCredit(): number {
    const credit = Math.max(0, this.#credit - this.#pending.bytes)
    this.#credit -= credit
    return credit
  }

  /** Where to look up the oldest chunks for {@link learnOldest} before the next batch; undefined: no need. */
  get wantsOldestFrom(): number | undefined {
    if (!this.#rules.rolling) return undefined
    const over = this.#bytes - this.#dropped - this.#rules.capBytes
    const from = (this.#oldest.lastSeq ?? this.#firstSeq - 1) + 1
    return over > this.#oldest.bytes && from <= this.#lastSeq ? from : undefined
  }

  /** Takes the chunks that follow those it knows. */
  learnOldest(spans: readonly ChunkSpan[]): void {
    this.#oldest.learn(spans)
  }

  /** Gives the oldest pending entries their places in the log; about as many as weigh `limit`. */
  takeBatch(limit: number, time: number): LogBatch {
    const before = {
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      dropped: this.#dropped,
      lost: this.#lost,
      endMarked: this.#endMarked,
      lines: this.#lines,
    }
    this.#markLoss(time)
    if (this.#ended && this.#pending.weight <= limit) this.#markEnd(time)
    const { chunks, bytes } = this.#pending.pack(limit, this.#lastSeq + 1)
    this.#lastSeq = chunks.at(-1)?.lastSeq ?? this.#lastSeq
    const kept = this.#rules.rolling ? this.#roll(chunks, before.lastSeq) : chunks
    const { lines, marks } = this.#lines.after(chunks, this.#firstSeq)
    this.#lines = lines
    const ended = this.#endMarked && this.#pending.weight === 0
    const log: StoredLog = {
      ...this.#stored,
      capBytes: this.#rules.capBytes,
      rolling: this.#rules.rolling,
      bytes: this.#bytes - this.#pending.bytes,
      dropped: this.#dropped,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      cut: this.#cut,
      ended,
      counts: ended ? lines.counter.counted : lines.counter.counts,
    }
    const rolled = this.#firstSeq !== before.firstSeq
    const change = { log, committedSeq: before.lastSeq, chunks: kept, marks, rolled }
    return { change, credit: this.takeCredit(), bytes, before }
  }

  /** Takes back a batch that cannot be written: its bytes are lost, its places are free again. */
  abandon({ before, bytes, change }: LogBatch): void {
    const rolled = change.log.dropped - before.dropped
    this.#dropped += bytes - rolled
    this.#lost += before.lost + bytes
    this.#firstSeq = before.firstSeq
    this.#lastSeq = before.lastSeq
    this.#endMarked = before.endMarked
    this.#lines = before.lines
    this.#oldest = new OldestChunks()
  }

  #maskerOf(stream: number): Masker | undefined {
    const { search } = this.#rules
    if (!search) return undefined
    const masker = this.#maskers.get(stream) ?? new Masker(search)
    this.#maskers.set(stream, masker)
    return masker
  }

  /** Adds to the log what its cap allows. */
  #keep(stream: number, bytes: Buffer, time: number): void {
    const { rolling, capBytes } = this.#rules
    const limit = rolling ? Number.POSITIVE_INFINITY : capBytes + (stream === SYSTEM ? SYSTEM_ALLOWANCE : 0)
    const room = Math.max(0, limit - (this.#bytes - this.#dropped))
    this.#bytes += bytes.length
    this.#pending.push(stream, bytes.length <= room ? bytes : bytes.subarray(0, room), time, true)
    if (bytes.length <= room) return
    this.#dropped += bytes.length - room
    if (this.#cut) return
    this.#cut = true
    this.#mark(`output cut here: the limit of ${formatBytes(capBytes)} is reached`, time)
  }

  #mark(text: string, time: number): void {
    this.#pending.push(SYSTEM, Buffer.from(text), time, false)
  }

  /** Drops the oldest chunks until the cap is kept, new ones too if need be, but for the newest. Gives those to write. */
  #roll(chunks: readonly Chunk[], committed: number): readonly Chunk[] {
    let gone = 0
    while (this.#bytes - this.#pending.bytes - this.#dropped > this.#rules.capBytes) {
      const old = this.#oldest.take()
      if (old === undefined && (this.#firstSeq <= committed || gone >= chunks.length - 1)) break
      const span = old ?? chunks[gone++]
      this.#dropped += span?.bytes ?? 0
      this.#firstSeq = (span?.lastSeq ?? 0) + 1
    }
    return chunks.slice(gone)
  }

  /** Ends a log that was cut with how much is missing, which is known only when all else is on its way. */
  #markEnd(time: number): void {
    if (this.#endMarked) return
    this.#endMarked = true
    if (this.#dropped > 0 && !this.#rules.rolling) this.#mark(`${this.#dropped} bytes of output were dropped`, time)
  }

  /** Tells in the log, at the place, that the database did not take something. */
  #markLoss(time: number): void {
    if (this.#lost === 0) return
    const text = `${this.#lost} bytes of output are missing here: the database could not store them`
    this.#pending.prepend(SYSTEM, Buffer.from(text), time)
    this.#lost = 0
  }
}

/** A size in the largest unit that gives a whole number, such as `10 MB`; units are steps of 1024. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 1024 && bytes % 1024 === 0 && unit < units.length - 1) {
    bytes /= 1024
    unit++
  }
  return `${bytes} ${units[unit]}`
}
