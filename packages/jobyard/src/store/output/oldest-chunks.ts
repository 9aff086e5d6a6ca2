import type { ChunkSpan } from './storage.ts'

/** The oldest committed chunks of a rolling log, as far as they were looked up: what it gives up next. */
export class OldestChunks {
  readonly #spans: ChunkSpan[] = []
  #bytes = 0

  /** Bytes of all that are known. */
  get bytes(): number {
    return this.#bytes
  }

  /** The last entry of the newest one; undefined when none is known. */
  get lastSeq(): number | undefined {
    return this.#spans.at(-1)?.lastSeq
  }

  /** Takes the chunks that follow those it knows. */
  learn(spans: readonly ChunkSpan[]): void {
    for (const span of spans) this.#bytes += span.bytes
    this.#spans.push(...spans)
  }

  /** Gives the oldest up; undefined when none is known. */
  take(): ChunkSpan | undefined {
    const span = this.#spans.shift()
    this.#bytes -= span?.bytes ?? 0
    return span
  }
}
