/**
 * How a chunk, one row of the database, holds its entries, one after another:
 *
 *     u8 stream · varint time, zigzag, milliseconds since the entry before · varint length · bytes
 *
 * The first entry's time counts from the chunk's own; the seq of the nth entry is the chunk's first plus n. Varints
 * are little-endian groups of 7 bits, as in protocol buffers.
 */
import { type OutputEntry, STREAMS } from './contract.ts'

/** An entry before it has its place in the log. */
export interface RawEntry {
  /** Epoch milliseconds. */
  readonly time: number
  /** Place in {@link STREAMS}. */
  readonly stream: number
  /** The bytes, in one piece or several. */
  readonly parts: readonly Uint8Array[]
  /** Bytes in all parts. */
  readonly length: number
}

/** The most that an entry takes in a chunk beyond its bytes: 1 for the stream, 8 and 5 for the varints. */
const MOST_OVERHEAD = 14

/** Writes entries into one buffer of its own (not from Node's pool, so it can be handed to another thread). */
export function encodeEntries(entries: readonly RawEntry[], firstTime: number): Buffer<ArrayBuffer> {
  let bound = 0
  for (const entry of entries) bound += entry.length + MOST_OVERHEAD
  const data = Buffer.allocUnsafeSlow(bound)
  let at = 0
  let time = firstTime
  for (const entry of entries) {
    data[at++] = entry.stream
    at = writeVarint(data, at, zigzag(entry.time - time))
    at = writeVarint(data, at, entry.length)
    for (const part of entry.parts) {
      data.set(part, at)
      at += part.length
    }
    time = entry.time
  }
  return data.subarray(0, at)
}

/** Reads what {@link encodeEntries} wrote; the entries' bytes share `data`'s memory. Throws on damaged data. */
export function decodeEntries(data: Uint8Array, firstSeq: number, firstTime: number): OutputEntry[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const entries: OutputEntry[] = []
  const cursor = { at: 0 }
  let time = firstTime
  while (cursor.at < bytes.length) {
    const stream = STREAMS[bytes[cursor.at++] ?? STREAMS.length]
    const delta = readVarint(bytes, cursor)
    const length = readVarint(bytes, cursor)
    const end = cursor.at + length
    if (stream === undefined || end > bytes.length) throw new Error('a chunk of the output database is damaged')
    time += delta % 2 === 0 ? delta / 2 : -(delta + 1) / 2
    entries.push({ seq: firstSeq + entries.length, time, stream, bytes: bytes.subarray(cursor.at, end) })
    cursor.at = end
  }
  return entries
}

/** Small numbers of either sign become small numbers without one. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** By division, because a difference of times may need more than the 32 bits of the shifting operators. */
function writeVarint(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value % 0x80) + 0x80
    value = Math.floor(value / 0x80)
  }
  target[at++] = value
  return at
}

function readVarint(source: Buffer, cursor: { at: number }): number {
  let value = 0
  let weight = 1
  while (cursor.at < source.length) {
    const byte = source[cursor.at++] ?? 0
    value += (byte & 0x7f) * weight
    if (byte < 0x80) return value
    weight *= 0x80
  }
  throw new Error('a chunk of the output database is damaged')
}
