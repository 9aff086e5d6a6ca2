import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { JobyardError } from '../../domain/errors.ts'
import { countColumns, readChunk, readLog, readMark, readSpan } from './sqlite-rows.ts'
import { migrateSqlite, PAGE_BYTES } from './sqlite-schema.ts'
import { type LineCounts, NO_LINES } from './line-scanner.ts'
import type { Chunk, ChunkSpan, ChunkStorage, FreshLog, LineMark, LinePlace, LogChange, StoredLog } from './storage.ts'

/**
 * The write-ahead log is copied back when it has grown to this. Copying stops the thread, so smaller means shorter
 * waits: 4 MB took 6 ms where 64 MB took 40 to 80, at the same throughput.
 */
const CHECKPOINT_BYTES = 4 * 1024 * 1024

/** Pages that the connection keeps to itself, in KB. Logs are written once and read where they are new. */
const CACHE_KB = 8192

/** Chunks deleted in one transaction: 4 MB at the most, a few milliseconds of work. */
const SWEEP_CHUNKS = 64

/** Free pages that are kept for what comes next before the file is made smaller: 16 MB. */
const SPARE_PAGES = (16 * 1024 * 1024) / PAGE_BYTES

/** SQLite's primary result codes for a disk that is full or failing. */
const SQLITE_IOERR = 10
const SQLITE_FULL = 13

type Statements = ReturnType<typeof prepareAll>

function prepareAll(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text)
  const span = 'first_seq as firstSeq, last_seq as lastSeq, bytes'
  const chunk = `${span}, first_time as firstTime, data`
  const counts = 'lines, system_lines as systemLines, line_bytes as lineBytes, line_time as lineTime'
  const mark = `seq, ${counts}, data from line_marks where log_id = ? and seq >= ?`
  return {
    find: sql(`select id, task_id as taskId, cap_bytes as capBytes, rolling, bytes, dropped, first_seq as firstSeq,
      last_seq as lastSeq, cut, ended, ${counts}, opened_at as openedAt, facts from logs where task_id = ?`),
    // The log's row appears with its first commit, so that opening a log writes nothing.
    save: sql(`insert into logs (id, task_id, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, cut, ended,
        lines, system_lines, line_bytes, line_time, opened_at, facts)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set cap_bytes = excluded.cap_bytes,
      rolling = excluded.rolling, bytes = excluded.bytes, dropped = excluded.dropped, first_seq = excluded.first_seq,
      last_seq = excluded.last_seq, cut = excluded.cut, ended = excluded.ended, lines = excluded.lines,
      system_lines = excluded.system_lines, line_bytes = excluded.line_bytes, line_time = excluded.line_time`),
    add: sql('insert into chunks (log_id, first_seq, last_seq, bytes, first_time, data) values (?, ?, ?, ?, ?, ?)'),
    roll: sql('delete from chunks where log_id = ? and first_seq < ?'),
    rollMarks: sql('delete from line_marks where log_id = ? and seq < ?'),
    addMark: sql(`insert or replace into line_marks (log_id, seq, lines, system_lines, line_bytes, line_time, data)
      values (?, ?, ?, ?, ?, ?, ?)`),
    saveCounts: sql(`update logs set lines = ?, system_lines = ?, line_bytes = ?, line_time = ?
      where id = ? and ended = 1 and lines is null`),
    firstMark: sql(`select ${mark} order by seq limit 1`),
    lastMark: sql(`select ${mark} and lines * ? + system_lines * ? + line_bytes <= ? order by seq desc limit 1`),
    holding: sql('select max(first_seq) as seq from chunks where log_id = ? and first_seq <= ?'),
    forward: sql(`select ${chunk} from chunks where log_id = ? and first_seq >= ? order by first_seq`),
    backward: sql(`select ${chunk} from chunks where log_id = ? order by first_seq desc`),
    spans: sql(`select ${span} from chunks where log_id = ? and first_seq >= ? order by first_seq limit ?`),
    doom: sql('insert into removed (log_id) select id from logs where task_id = ?'),
    unmark: sql('delete from line_marks where log_id in (select id from logs where task_id = ?)'),
    forget: sql('delete from logs where task_id = ?'),
    doomed: sql('select log_id as id from removed limit 1'),
    erase: sql(`delete from chunks where id in
      (select id from chunks where log_id = ? order by first_seq limit ${SWEEP_CHUNKS})`),
    done: sql('delete from removed where log_id = ?'),
    lastId: sql(`select max(coalesce((select max(id) from logs), 0), coalesce((select max(log_id) from removed), 0))
      as id`),
    free: sql('pragma freelist_count'),
    pages: sql('pragma page_count'),
    checkpoint: sql('pragma wal_checkpoint(passive)'),
  }
}

/** The logs in an SQLite file of their own. Everything runs at once, in the calling thread. */
export class SqliteStorage implements ChunkStorage {
  readonly shared = false
  readonly #db: DatabaseSync
  readonly #sql: Statements
  #lastId: number

  /** Opens the file at `path`, made if it is not there, and brings its tables up to date. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: 5000 })
    migrateSqlite(this.#db, path)
    // NORMAL: a power cut may take the last moment of output, the death of this process takes nothing. Waiting for
    // the disk at every commit would make each job as slow as the disk, for a loss that only a power cut can cause.
    this.#db.exec(`pragma synchronous = normal; pragma cache_size = -${CACHE_KB};
      pragma wal_autocheckpoint = ${CHECKPOINT_BYTES / PAGE_BYTES}; pragma journal_size_limit = ${4 * CHECKPOINT_BYTES}`)
    this.#sql = prepareAll(this.#db)
    this.#lastId = Number(this.#sql.lastId.get()?.id ?? 0)
  }

  async open(taskId: string, fresh: FreshLog): Promise<StoredLog> {
    const found = await this.find(taskId)
    if (found) return found
    const id = ++this.#lastId
    const empty = {
      bytes: 0,
      dropped: 0,
      firstSeq: 1,
      lastSeq: 0,
      cut: false,
      ended: false,
      fence: 0,
      counts: NO_LINES,
    }
    return { id, taskId, ...fresh, ...empty }
  }

  async find(taskId: string): Promise<StoredLog | undefined> {
    const row = this.#sql.find.get(taskId)
    return row && readLog(row)
  }

  async peek(taskIds: readonly string[]): Promise<StoredLog[]> {
    const logs = await Promise.all(taskIds.map((taskId) => this.find(taskId)))
    return logs.filter((log) => log !== undefined)
  }

  async write(changes: readonly LogChange[]): Promise<ReadonlySet<number>> {
    this.#transaction(() => {
      for (const change of changes) this.#apply(change)
    })
    return new Set()
  }

  async forward(logId: number, seq: number, wanted: number): Promise<Chunk[]> {
    const from = this.#sql.holding.get(logId, seq)?.seq ?? seq
    const chunks: Chunk[] = []
    let bytes = 0
    for (const row of this.#sql.forward.iterate(logId, from)) {
      const chunk = readChunk(row)
      chunks.push(chunk)
      // The first chunk may lie before `seq` but for its last entry.
      if (chunks.length > 1) bytes += chunk.bytes
      if (bytes >= wanted) break
    }
    return chunks
  }

  async backward(logId: number, seq: number, wanted: number): Promise<Chunk[]> {
    const chunks: Chunk[] = []
    let bytes = 0
    for (const row of this.#sql.backward.iterate(logId)) {
      const chunk = readChunk(row)
      if (chunk.lastSeq < seq) break
      chunks.unshift(chunk)
      bytes += chunk.bytes
      if (bytes >= wanted) break
    }
    return chunks
  }

  async spans(logId: number, seq: number, limit: number): Promise<ChunkSpan[]> {
    return this.#sql.spans.all(logId, seq, limit).map(readSpan)
  }

  async lastMark(logId: number, firstSeq: number, place: LinePlace): Promise<LineMark | undefined> {
    const row = this.#sql.lastMark.get(logId, firstSeq, place.perLine, place.perSystemLine, place.at)
    return row && readMark(row)
  }

  async firstMark(logId: number, firstSeq: number): Promise<LineMark | undefined> {
    const row = this.#sql.firstMark.get(logId, firstSeq)
    return row && readMark(row)
  }

  async saveCounts(logId: number, counts: LineCounts, marks: readonly LineMark[]): Promise<void> {
    this.#transaction(() => {
      if (this.#sql.saveCounts.run(...countColumns(counts), logId).changes > 0) this.#addMarks(logId, marks)
    })
  }

  async remove(taskIds: readonly string[]): Promise<void> {
    this.#transaction(() => {
      for (const taskId of taskIds) {
        this.#sql.doom.run(taskId)
        this.#sql.unmark.run(taskId)
        this.#sql.forget.run(taskId)
      }
    })
  }

  async sweep(): Promise<boolean> {
    const id = this.#sql.doomed.get()?.id
    if (id === undefined) return false
    this.#transaction(() => {
      const erased = this.#sql.erase.run(id).changes
      if (erased < SWEEP_CHUNKS) this.#sql.done.run(id)
    })
    return true
  }

  /** Moves the file's last pages into unused ones, when much is unused; some is kept for the output to come. */
  async shrink(most: number): Promise<boolean> {
    const free = Number(this.#sql.free.get()?.freelist_count ?? 0)
    const pages = Number(this.#sql.pages.get()?.page_count ?? 0)
    const spare = Math.max(SPARE_PAGES, Math.floor(pages / 5))
    if (free <= spare) return false
    this.#guard(() => this.#db.exec(`pragma incremental_vacuum(${Math.min(most, free - spare)})`))
    // The file is cut when the log is copied back. Left to itself that happens after many steps, and to cut off a
    // gigabyte at once stopped the thread for 0.8 s.
    this.#sql.checkpoint.get()
    return true
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  #apply({ log, chunks, marks, rolled }: LogChange): void {
    const flags = [log.cut, log.ended].map(Number)
    const { id, taskId, capBytes, rolling, bytes, dropped, firstSeq, lastSeq, openedAt, facts } = log
    const row = [id, taskId, capBytes, Number(rolling), bytes, dropped, firstSeq, lastSeq, ...flags]
    this.#sql.save.run(...row, ...countColumns(log.counts), openedAt, facts)
    for (const chunk of chunks) {
      this.#sql.add.run(id, chunk.firstSeq, chunk.lastSeq, chunk.bytes, chunk.firstTime, chunk.data)
    }
    this.#addMarks(id, marks)
    if (!rolled) return
    this.#sql.roll.run(id, firstSeq)
    this.#sql.rollMarks.run(id, firstSeq)
  }

  #addMarks(logId: number, marks: readonly LineMark[]): void {
    for (const { seq, counts, data } of marks) this.#sql.addMark.run(logId, seq, ...countColumns(counts), data)
  }

  #transaction(work: () => void): void {
    this.#guard(() => {
      this.#db.exec('begin immediate')
      work()
      this.#db.exec('commit')
    })
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      // SQLite may have rolled back by itself when the disk was full.
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw explain(error)
    }
  }
}

/** Names a full or failing disk by the catalogue; anything else is a defect and stays as it is. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const primary = error.errcode & 0xff
  const message = `The output database cannot be written: ${error.message}.`
  if (primary === SQLITE_FULL) {
    return new JobyardError('store-full', message, {
      cause: error,
      hint: 'Make room on the disk that holds the data folder.',
    })
  }
  return primary === SQLITE_IOERR ? new JobyardError('store-unavailable', message, { cause: error }) : error
}
