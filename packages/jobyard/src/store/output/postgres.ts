import type pg from 'pg'
import { connectionConfig } from '../postgres/connection.ts'
import { explain } from '../postgres/errors.ts'
import { createPool } from '../postgres/pool.ts'
import { migrateOutputTables } from './postgres-schema.ts'
import * as statements from './postgres-statements.ts'
import type { LineCounts } from './line-scanner.ts'
import type { Chunk, ChunkSpan, ChunkStorage, FreshLog, LineMark, LinePlace, LogChange, StoredLog } from './storage.ts'

/** Connections of the output thread: one that writes, the others for reads. */
const CONNECTIONS = 4

/** An idle connection is closed after this time, in milliseconds. */
const IDLE_MS = 60_000

/** Bytes that a chunk has at the most, so how many are fetched at first for a page. */
const FULL_CHUNK = 64 * 1024

/** Chunks fetched at once at the most, when they are small. */
const MOST_CHUNKS = 1024

/** Flags of a log in the write statement. */
const CUT = 1
const ENDED = 2
const ROLLED = 4

type LogRow = Omit<StoredLog, 'rolling' | 'cut' | 'ended' | 'counts'> &
  Record<'rolling' | 'cut' | 'ended', number> &
  Record<keyof LineCounts, number | null>

type MarkRow = LineCounts & Omit<LineMark, 'counts'>

/** The logs in tables of the main PostgreSQL database, which several instances may share. */
export class PostgresStorage implements ChunkStorage {
  readonly shared = true
  readonly #pool: pg.Pool
  /** Logs of which chunks may be committed although we were not told so, when the connection was lost at that moment. */
  readonly #unsure = new Set<number>()

  private constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Connects and brings the tables up to date. Rejects with `store-unavailable` or `store-newer`. */
  static async connect(url: string): Promise<PostgresStorage> {
    const config = connectionConfig({ url, applicationName: 'jobyard-output' })
    // An idle connection was lost: the pool has dropped it, and the next statement gets another.
    const pool = createPool({ ...config, max: CONNECTIONS, idleTimeoutMillis: IDLE_MS }, () => undefined)
    try {
      const client = await pool.connect()
      try {
        await migrateOutputTables(client)
      } finally {
        // Not into the pool again: after an error it is in the middle of a transaction.
        client.release(true)
      }
    } catch (error) {
      await pool.end()
      throw explain(error)
    }
    return new PostgresStorage(pool)
  }

  async open(taskId: string, { capBytes, rolling, openedAt, facts }: FreshLog): Promise<StoredLog> {
    const [row] = await this.#query<LogRow>(statements.open, [taskId, capBytes, rolling, openedAt, facts])
    if (!row) throw new Error('the database gave no row for a log that was opened')
    return readLog(row)
  }

  async find(taskId: string): Promise<StoredLog | undefined> {
    const [row] = await this.#query<LogRow>(statements.find, [taskId])
    return row && readLog(row)
  }

  async peek(taskIds: readonly string[]): Promise<Pick<StoredLog, 'taskId' | 'lastSeq' | 'ended'>[]> {
    const rows = await this.#query<{ taskId: string; lastSeq: number; ended: number }>(statements.peek, [taskIds])
    return rows.map((row) => ({ ...row, ended: row.ended === 1 }))
  }

  async write(changes: readonly LogChange[]): Promise<ReadonlySet<number>> {
    await this.#truncateUnsure(changes)
    try {
      const written = await this.#query<{ id: number }>(statements.write, writeParameters(changes))
      const gone = new Set(changes.map(({ log }) => log.id))
      for (const { id } of written) gone.delete(id)
      return gone
    } catch (error) {
      for (const { log } of changes) this.#unsure.add(log.id)
      throw error
    }
  }

  async forward(logId: number, seq: number, wanted: number): Promise<Chunk[]> {
    const chunks: Chunk[] = []
    let bytes = 0
    for (let limit = firstLimit(wanted); ; limit = Math.min(limit * 4, MOST_CHUNKS)) {
      const from = (chunks.at(-1)?.lastSeq ?? seq - 1) + 1
      const rows = await this.#query<Chunk>(statements.forward, [logId, from, limit])
      for (const chunk of rows) {
        // The first chunk may lie before `seq` but for its last entry.
        if (chunks.length > 0) bytes += chunk.bytes
        chunks.push(chunk)
        if (bytes >= wanted) return chunks
      }
      if (rows.length < limit) return chunks
    }
  }

  async backward(logId: number, seq: number, wanted: number): Promise<Chunk[]> {
    const chunks: Chunk[] = []
    let bytes = 0
    for (let limit = firstLimit(wanted); ; limit = Math.min(limit * 4, MOST_CHUNKS)) {
      const before = chunks[0]?.firstSeq ?? Number.MAX_SAFE_INTEGER
      const rows = await this.#query<Chunk>(statements.backward, [logId, before, limit])
      for (const chunk of rows) {
        if (chunk.lastSeq < seq) return chunks
        chunks.unshift(chunk)
        bytes += chunk.bytes
        if (bytes >= wanted) return chunks
      }
      if (rows.length < limit) return chunks
    }
  }

  spans(logId: number, seq: number, limit: number): Promise<ChunkSpan[]> {
    return this.#query<ChunkSpan>(statements.spans, [logId, seq, limit])
  }

  async lastMark(logId: number, firstSeq: number, place: LinePlace): Promise<LineMark | undefined> {
    const values = [logId, firstSeq, place.perLine, place.perSystemLine, place.at]
    const [row] = await this.#query<MarkRow>(statements.lastMark, values)
    return row && readMark(row)
  }

  async firstMark(logId: number, firstSeq: number): Promise<LineMark | undefined> {
    const [row] = await this.#query<MarkRow>(statements.firstMark, [logId, firstSeq])
    return row && readMark(row)
  }

  /** The counts come last: as long as they are missing, somebody counts again. */
  async saveCounts(logId: number, counts: LineCounts, marks: readonly LineMark[]): Promise<void> {
    for (const { seq, counts: before, data } of marks) {
      await this.#query(statements.addMark, [logId, seq, ...countColumns(before), Buffer.from(data)])
    }
    await this.#query(statements.saveCounts, [logId, ...countColumns(counts)])
  }

  async remove(taskIds: readonly string[]): Promise<void> {
    await this.#query(statements.remove, [taskIds])
  }

  async sweep(): Promise<boolean> {
    return (await this.#query(statements.sweep, [])).length > 0
  }

  /** PostgreSQL finds unused space by itself. */
  async shrink(): Promise<boolean> {
    return false
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  /** Deletes what an earlier attempt may have left of these logs: the same seqs are given to other entries now. */
  async #truncateUnsure(changes: readonly LogChange[]): Promise<void> {
    const unsure = changes.filter(({ log }) => this.#unsure.has(log.id))
    if (unsure.length === 0) return
    const ids = unsure.map(({ log }) => log.id)
    const fences = unsure.map(({ log }) => log.fence)
    await this.#query(statements.truncate, [ids, fences, unsure.map((change) => change.committedSeq)])
    for (const id of ids) this.#unsure.delete(id)
  }

  async #query<R extends pg.QueryResultRow>(statement: statements.Named, values: readonly unknown[]): Promise<R[]> {
    try {
      const result = await this.#pool.query<R>({ ...statement, values: [...values] })
      return result.rows
    } catch (error) {
      throw explain(error)
    }
  }
}

/** Enough for a page of full chunks. */
function firstLimit(wanted: number): number {
  return Math.min(MOST_CHUNKS, Math.ceil(wanted / FULL_CHUNK) + 1)
}

function readLog({ lines, systemLines, lineBytes, lineTime, ...row }: LogRow): StoredLog {
  const counted = lines !== null && systemLines !== null && lineBytes !== null && lineTime !== null
  const counts = counted ? { lines, systemLines, lineBytes, lineTime } : null
  return { ...row, rolling: row.rolling === 1, cut: row.cut === 1, ended: row.ended === 1, counts }
}

function readMark({ seq, data, ...counts }: MarkRow): LineMark {
  return { seq, data, counts }
}

/** In the order of the statements. */
function countColumns({ lines, systemLines, lineBytes, lineTime }: LineCounts): number[] {
  return [lines, systemLines, lineBytes, lineTime]
}

function writeParameters(changes: readonly LogChange[]): unknown[] {
  const logs = changes.map(({ log }) => log)
  const flags = changes.map(({ log, rolled }) => (log.cut ? CUT : 0) + (log.ended ? ENDED : 0) + (rolled ? ROLLED : 0))
  const owners = changes.flatMap(({ log, chunks }) => chunks.map(() => log.id))
  const chunks = changes.flatMap((change) => change.chunks)
  const markOwners = changes.flatMap(({ log, marks }) => marks.map(() => log.id))
  const marks = changes.flatMap((change) => change.marks)
  return [
    logs.map((log) => log.id),
    logs.map((log) => log.fence),
    logs.map((log) => log.capBytes),
    logs.map((log) => log.rolling),
    logs.map((log) => log.bytes),
    logs.map((log) => log.dropped),
    logs.map((log) => log.firstSeq),
    logs.map((log) => log.lastSeq),
    flags,
    owners,
    chunks.map((chunk) => chunk.firstSeq),
    chunks.map((chunk) => chunk.lastSeq),
    chunks.map((chunk) => chunk.bytes),
    chunks.map((chunk) => chunk.firstTime),
    chunks.map((chunk) => chunk.data.length),
    Buffer.concat(chunks.map((chunk) => chunk.data)),
    logs.map(({ counts }) => counts?.lines ?? null),
    logs.map(({ counts }) => counts?.systemLines ?? null),
    logs.map(({ counts }) => counts?.lineBytes ?? null),
    logs.map(({ counts }) => counts?.lineTime ?? null),
    markOwners,
    marks.map((mark) => mark.seq),
    marks.map((mark) => mark.counts.lines),
    marks.map((mark) => mark.counts.systemLines),
    marks.map((mark) => mark.counts.lineBytes),
    marks.map((mark) => mark.counts.lineTime),
    marks.map((mark) => mark.data.length),
    Buffer.concat(marks.map((mark) => mark.data)),
  ]
}
