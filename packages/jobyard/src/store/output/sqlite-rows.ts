import type { SQLOutputValue } from 'node:sqlite'
import type { LineCounts } from './line-scanner.ts'
import type { Chunk, ChunkSpan, LineMark, StoredLog } from './storage.ts'

const NOTHING = new Uint8Array(0)

/** A row as SQLite gives it. */
type Row = Readonly<Record<string, SQLOutputValue>>

/** A row of logs. */
export function readLog(row: Row): StoredLog {
  return {
    ...readSpan(row),
    id: Number(row.id),
    taskId: String(row.taskId),
    capBytes: Number(row.capBytes),
    rolling: row.rolling === 1,
    dropped: Number(row.dropped),
    cut: row.cut === 1,
    ended: row.ended === 1,
    fence: 0,
    counts: row.lines === null ? null : readCounts(row),
    openedAt: row.openedAt === null ? null : Number(row.openedAt),
    facts: row.facts === null ? null : String(row.facts),
  }
}

function readCounts(row: Row): LineCounts {
  const { lines, systemLines, lineBytes, lineTime } = row
  return {
    lines: Number(lines),
    systemLines: Number(systemLines),
    lineBytes: Number(lineBytes),
    lineTime: Number(lineTime),
  }
}

/** Counts in the order of their columns. */
export function countColumns(counts: LineCounts | null): (number | null)[] {
  if (counts === null) return [null, null, null, null]
  return [counts.lines, counts.systemLines, counts.lineBytes, counts.lineTime]
}

/** A row of line_marks. */
export function readMark(row: Row): LineMark {
  // Nothing is open where there is no data: an empty value is stored as none.
  return { seq: Number(row.seq), counts: readCounts(row), data: row.data instanceof Uint8Array ? row.data : NOTHING }
}

/** A row of chunks without its bytes. */
export function readSpan(row: Row): ChunkSpan {
  return { firstSeq: Number(row.firstSeq), lastSeq: Number(row.lastSeq), bytes: Number(row.bytes) }
}

/** A row of chunks. Throws on a damaged one. */
export function readChunk(row: Row): Chunk {
  const data = row.data
  if (!(data instanceof Uint8Array)) throw new Error('a chunk of the output database is damaged')
  return { ...readSpan(row), firstTime: Number(row.firstTime), data }
}
