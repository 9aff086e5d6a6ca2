import { decodeEntries, encodeEntries } from './chunk.ts'
import { type OutputEntry, type OutputQuery, type OutputSummary, STREAMS } from './contract.ts'
import type { PackedPage } from './messages.ts'
import type { Chunk, ChunkStorage } from './storage.ts'

/** Bytes of a page unless the query says otherwise. */
const DEFAULT_BYTES = 256 * 1024

/** Entries of a page at the most, so that a page of tiny entries stays cheap too. */
const MOST_ENTRIES = 10_000

/** Bytes of a page at the most, whatever the query says. */
const MOST_BYTES = 16 * 1024 * 1024

/**
 * Reads a page of a task's log from what is committed; an unknown task has an empty log. `known` is what the caller
 * knows better than the database.
 */
export async function readPage(
  storage: ChunkStorage,
  taskId: string,
  query: OutputQuery,
  known: Partial<OutputSummary>,
): Promise<PackedPage> {
  const log = await storage.find(taskId)
  if (!log) return pack([], 1, { bytes: 0, dropped: 0, lastSeq: 0, ended: false, ...known })
  const from = Math.max((query.after ?? 0) + 1, log.firstSeq)
  const wanted = Math.min(Math.max(query.maxBytes ?? DEFAULT_BYTES, 1), MOST_BYTES)
  const chunks = query.tail ? await storage.backward(log.id, from, wanted) : await storage.forward(log.id, from, wanted)
  const entries = decodeFrom(chunks, from)
  const page = query.tail ? fit(entries.reverse(), wanted).reverse() : fit(entries, wanted)
  // On PostgreSQL more may have been committed between the two statements.
  const lastSeq = Math.max(log.lastSeq, page.at(-1)?.seq ?? 0)
  const { bytes, dropped, ended } = { ...log, ...known }
  return pack(page, log.firstSeq, { bytes, dropped, lastSeq, ended })
}

/** Takes a packed page apart. */
export function unpackEntries(page: PackedPage): OutputEntry[] {
  return decodeEntries(page.data, page.pageSeq, page.pageTime)
}

function decodeFrom(chunks: readonly Chunk[], from: number): OutputEntry[] {
  const entries = chunks.flatMap((chunk) => decodeEntries(chunk.data, chunk.firstSeq, chunk.firstTime))
  const first = entries.findIndex((entry) => entry.seq >= from)
  return first < 0 ? [] : entries.slice(first)
}

/** As many as fit, from the beginning; at least one if there is one. */
function fit(entries: readonly OutputEntry[], wanted: number): OutputEntry[] {
  let bytes = 0
  let count = 0
  for (const entry of entries) {
    bytes += entry.bytes.length
    if (count > 0 && (bytes > wanted || count === MOST_ENTRIES)) break
    count++
  }
  return entries.slice(0, count)
}

function pack(entries: readonly OutputEntry[], firstSeq: number, summary: OutputSummary): PackedPage {
  const raw = entries.map(({ time, stream, bytes }) => {
    return { time, stream: STREAMS.indexOf(stream), parts: [bytes], length: bytes.length }
  })
  const pageTime = entries[0]?.time ?? 0
  const data = encodeEntries(raw, pageTime)
  return { ...summary, firstSeq, pageSeq: entries[0]?.seq ?? 0, pageTime, data }
}
