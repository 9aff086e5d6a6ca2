import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogFacts, LogFigures } from './contract.ts'
import { counterAt, LineMarks, markAt } from './line-marks.ts'
import { LineCounter } from './line-counter.ts'
import { countsBetween, longestLine, NO_LINES } from './line-scanner.ts'
import type { ChunkStorage, LineMark, LinePlace, StoredLog } from './storage.ts'

/** Bytes that are counted in one turn of the thread. */
const TURN_BYTES = 1024 * 1024

/** Answers where the lines of stored logs are. What was counted while the log was written is only looked up. */
export class Lines {
  readonly #storage: ChunkStorage
  /** Logs of an earlier version that are being counted. */
  readonly #counting = new Map<number, Promise<StoredLog>>()

  constructor(storage: ChunkStorage) {
    this.#storage = storage
  }

  /** See `OutputStore.figures`. */
  async figures(tasks: readonly { readonly taskId: string; readonly final: boolean }[]): Promise<LogFigures[]> {
    const figures: LogFigures[] = []
    for (const { taskId, final } of tasks) {
      const log = await this.#findCounted(taskId)
      if (log === undefined) continue
      const end = final && !log.ended ? (await this.counterOf(log)).counted : (log.counts ?? NO_LINES)
      const lost = (await this.#begin(log)).counts
      const { openedAt } = log
      const counts = countsBetween(end, lost)
      figures.push({ taskId, counts, lost, longest: longestLine(log), openedAt, facts: readFacts(log) })
    }
    return figures
  }

  /** See `OutputStore.findPosition`. */
  async find(taskId: string, place: LinePlace): Promise<LineMark | undefined> {
    const log = await this.#findCounted(taskId)
    if (log === undefined) return undefined
    return (await this.#storage.lastMark(log.id, log.firstSeq, place)) ?? (await this.#begin(log))
  }

  /** A counter that stands at the end of a log, in front of what is still to come. */
  async counterOf(log: StoredLog): Promise<LineCounter> {
    if (log.lastSeq === 0) return new LineCounter(longestLine(log))
    const everything = { at: Number.MAX_SAFE_INTEGER, perLine: 0, perSystemLine: 0 }
    const last = await this.#storage.lastMark(log.id, log.firstSeq, everything)
    if (last === undefined) return (await this.#count(log)).lines.counter
    const { lines } = await this.#countFrom(log, last.seq, new LineMarks(counterAt(last, longestLine(log))))
    return lines.counter
  }

  /** Where the lines begin that are kept: behind its beginning, a rolling log is complete only from a mark on. */
  async #begin(log: StoredLog): Promise<LineMark> {
    if (log.firstSeq <= 1) return NOTHING_BEFORE
    return (await this.#storage.firstMark(log.id, log.firstSeq)) ?? markAt(log.firstSeq, new LineCounter())
  }

  async #findCounted(taskId: string): Promise<StoredLog | undefined> {
    const log = await this.#storage.find(taskId)
    if (log === undefined || log.counts !== null) return log
    const known = this.#counting.get(log.id)
    if (known !== undefined) return await known
    const counting = this.#countStored(log).finally(() => this.#counting.delete(log.id))
    this.#counting.set(log.id, counting)
    return await counting
  }

  /** Counts a log of an earlier version, and keeps the result when it can change no more. */
  async #countStored(log: StoredLog): Promise<StoredLog> {
    const { lines, marks } = await this.#count(log)
    const counts = log.ended ? lines.counter.counted : lines.counter.counts
    if (log.ended) await this.#storage.saveCounts(log.id, counts, marks)
    return { ...log, counts }
  }

  /** All that is kept; a log that has lost its beginning begins with a mark, so that it goes on to begin there. */
  async #count(log: StoredLog): Promise<{ lines: LineMarks; marks: LineMark[] }> {
    const begin = log.firstSeq > 1 ? [markAt(log.firstSeq, new LineCounter())] : []
    const { lines, marks } = await this.#countFrom(log, log.firstSeq, new LineMarks(new LineCounter(longestLine(log))))
    return { lines, marks: [...begin, ...marks] }
  }

  async #countFrom(log: StoredLog, seq: number, lines: LineMarks): Promise<{ lines: LineMarks; marks: LineMark[] }> {
    const marks: LineMark[] = []
    for (let from = seq; from <= log.lastSeq; ) {
      const chunks = await this.#storage.forward(log.id, from, TURN_BYTES)
      const last = chunks.at(-1)
      if (last === undefined) break
      const next = lines.after(chunks, log.firstSeq)
      lines = next.lines
      marks.push(...next.marks)
      from = last.lastSeq + 1
      await nextTurn()
    }
    return { lines, marks }
  }
}

const NOTHING_BEFORE: LineMark = { seq: 1, counts: NO_LINES, data: new Uint8Array(0) }

function readFacts({ facts }: StoredLog): LogFacts {
  return facts === null ? {} : JSON.parse(facts)
}
