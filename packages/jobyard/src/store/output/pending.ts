import { encodeEntries, type RawEntry } from './chunk.ts'
import type { Chunk } from './storage.ts'

/** Streams whose pieces belong together; each piece of the others is a message of its own. */
export const BYTE_STREAMS = 2

/** What an entry costs beyond its bytes, in memory and in the database, roughly; so that small ones are not free. */
const ENTRY_WEIGHT = 64

/** Entries of one moment are joined up to this: a program that prints byte by byte makes no entry of each. */
const JOINED_BYTES = 4096

interface PendingEntry extends RawEntry {
  readonly parts: Uint8Array[]
  length: number
  /** False for the store's own marks. */
  readonly counted: boolean
}

/** Some pending entries in the form in which they are stored. */
export interface PackedEntries {
  readonly chunks: readonly Chunk[]
  /** Bytes of output in them; the store's own marks are not counted. */
  readonly bytes: number
}

/** What arrived for a log and has no place in it yet. */
export class PendingEntries {
  readonly #chunkBytes: number
  #entries: PendingEntry[] = []
  #bytes = 0
  #weight = 0

  /** No chunk gets more than `chunkBytes` bytes of output, so neither does an entry. */
  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes
  }

  /** Bytes of output; the store's own marks are not counted. */
  get bytes(): number {
    return this.#bytes
  }

  /** All bytes and something for each entry; 0 only when nothing is pending. */
  get weight(): number {
    return this.#weight
  }

  /** Adds to the end. `counted` is false for the store's own marks. */
  push(stream: number, bytes: Buffer, time: number, counted: boolean): void {
    for (let at = 0; at < bytes.length; at += this.#chunkBytes) {
      const part = at === 0 && bytes.length <= this.#chunkBytes ? bytes : bytes.subarray(at, at + this.#chunkBytes)
      if (!this.#join(stream, part, time, counted)) {
        this.#entries.push({ stream, parts: [part], length: part.length, time, counted })
        this.#weight += ENTRY_WEIGHT
      }
      this.#weight += part.length
      if (counted) this.#bytes += part.length
    }
  }

  /** Adds a mark of the store's own before everything that is pending. */
  prepend(stream: number, bytes: Buffer, time: number): void {
    this.#entries.unshift({ stream, parts: [bytes], length: bytes.length, time, counted: false })
    this.#weight += bytes.length + ENTRY_WEIGHT
  }

  /** Takes the oldest entries away, at least one and otherwise no more than `limit` weighs, as chunks from `firstSeq` on. */
  pack(limit: number, firstSeq: number): PackedEntries {
    const chunks: Chunk[] = []
    let bytes = 0
    let weight = 0
    let begin = 0
    let end = 0
    const close = (): void => {
      if (end === begin) return
      const chunk = packChunk(this.#entries.slice(begin, end), firstSeq + begin)
      chunks.push(chunk)
      bytes += chunk.bytes
      begin = end
    }
    let filled = 0
    for (const entry of this.#entries) {
      if (weight >= limit) break
      if (filled + entry.length > this.#chunkBytes) {
        close()
        filled = 0
      }
      filled += entry.length
      weight += entry.length + ENTRY_WEIGHT
      end++
    }
    close()
    this.#entries = this.#entries.slice(end)
    this.#weight -= weight
    this.#bytes -= bytes
    return { chunks, bytes }
  }

  #join(stream: number, part: Buffer, time: number, counted: boolean): boolean {
    const last = this.#entries.at(-1)
    if (!last?.counted || !counted || stream >= BYTE_STREAMS || last.stream !== stream || last.time !== time)
      return false
    if (last.length + part.length > Math.min(JOINED_BYTES, this.#chunkBytes)) return false
    last.parts.push(part)
    last.length += part.length
    return true
  }
}

function packChunk(entries: readonly PendingEntry[], firstSeq: number): Chunk {
  const firstTime = entries[0]?.time ?? 0
  const bytes = entries.reduce((sum, entry) => sum + (entry.counted ? entry.length : 0), 0)
  const data = encodeEntries(entries, firstTime)
  return { firstSeq, lastSeq: firstSeq + entries.length - 1, bytes, firstTime, data }
}
