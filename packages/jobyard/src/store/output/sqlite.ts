import { DatabaseSync } from 'node:sqlite'
import { JobyardError } from '../../domain/errors.ts'
import { countColumns, readChunk, readLog, readMark, readSpan } from './sqlite-rows.ts'
import { migrateSqlite, PAGE_BYTES } from './sqlite-schema.ts'
import { prepareAll, SWEEP_CHUNKS, type Statements } from './sqlite-statements.ts'
import { type LineCounts, NO_LINES } from './line-scanner.ts'
import type { Chunk, ChunkSpan, ChunkStorage, FreshLog, LineMark, LinePlace, LogChange, StoredLog } from './storage.ts'

/**
 * The write-ahead log is copied back when it has grown to this. Copying stops the thread, so smaller means shorter
 * waits: 4 MB took 6 ms where 64 MB took 40 to 80, at the same throughput.
 */
const CHECKPOINT_BYTES = 4 * 1024 * 1024

/** Pages that the connection keeps to itself, in KB. Logs are written once and read where they are new. */
const CACHE_KB = 8192

/** Free pages that are kept for what comes next before the file is made smaller: 16 MB. */
const SPARE_PAGES = (16 * 1024 * 1024) / PAGE_BYTES

/** SQLite's primary result codes for a disk that is full or failing. */
const SQLITE_IOERR = 10
const SQLITE_FULL = 13

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
