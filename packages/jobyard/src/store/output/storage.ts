import type { LineCounts } from './line-scanner.ts'

/** What a database remembers of a task's log. */
export interface StoredLog {
  /** The log's number inside the output database. */
  readonly id: number
  readonly taskId: string
  readonly capBytes: number
  readonly rolling: boolean
  /** Bytes that arrived; the store's own marks are not counted. */
  readonly bytes: number
  /** Bytes of those that are not kept. */
  readonly dropped: number
  /** Seq of the oldest kept entry; 1 more than `lastSeq` when none is kept. */
  readonly firstSeq: number
  /** Seq of the newest entry; 0 when there was none. */
  readonly lastSeq: number
  /** True once the log has its mark that the cap was reached. */
  readonly cut: boolean
  readonly ended: boolean
  /** Grows whenever the log is opened; only who has the newest may write. Always 0 where one process has the file. */
  readonly fence: number
  /** The lines so far, with those still open when it has ended; null for a log of a version that did not count them. */
  readonly counts: LineCounts | null
  /** When it was opened first, epoch milliseconds; null for a log of a version that did not keep it. */
  readonly openedAt: number | null
  /** What {@link OutputOptions.facts} said, as JSON; null when nothing. */
  readonly facts: string | null
}

/** A place in a log from which its lines can be found without reading all before it. */
export interface LineMark {
  /** The entry that comes next; the first of a chunk. */
  readonly seq: number
  /** The lines before it. */
  readonly counts: LineCounts
  /** What is open there, as entries in the form of chunk.ts, with times from 0 on. */
  readonly data: Uint8Array
}

/** Some entries of a log without their bytes. */
export interface ChunkSpan {
  readonly firstSeq: number
  readonly lastSeq: number
  /** Bytes of output; the store's own marks are not counted. */
  readonly bytes: number
}

/** Entries that are stored together, in the form of chunk.ts. */
export interface Chunk extends ChunkSpan {
  /** Epoch milliseconds. */
  readonly firstTime: number
  readonly data: Uint8Array
}

/** How one log changes in a transaction. */
export interface LogChange {
  readonly log: StoredLog
  /** Seq of the newest entry that is known to be committed. */
  readonly committedSeq: number
  readonly chunks: readonly Chunk[]
  /** Marks at the beginnings of some of these chunks. */
  readonly marks: readonly LineMark[]
  /** True when chunks that end before `log.firstSeq` may be there and are to be deleted. */
  readonly rolled: boolean
}

/** A place in a log as it is shown: so many bytes behind its beginning. */
export interface LinePlace {
  readonly at: number
  /** Bytes that a line has on top of its own. */
  readonly perLine: number
  /** Bytes that a line of the stream `system` has on top of these. */
  readonly perSystemLine: number
}

/** What a log that is not there yet begins with. */
export type FreshLog = Pick<StoredLog, 'capBytes' | 'rolling' | 'openedAt' | 'facts'>

/** Where the logs are kept. One writer at a time uses it; reads may come in between. */
export interface ChunkStorage {
  /** True when other instances may write logs here too, so that not every change is made by this process. */
  readonly shared: boolean
  /** The task's log, to go on writing it here; another writer that still has it open cannot write it any more. */
  open(taskId: string, fresh: FreshLog): Promise<StoredLog>
  /** The task's log as it was last committed. */
  find(taskId: string): Promise<StoredLog | undefined>
  /** Seq of the newest entry and end of each of these tasks' logs; those without a log are left out. */
  peek(taskIds: readonly string[]): Promise<readonly Pick<StoredLog, 'taskId' | 'lastSeq' | 'ended'>[]>
  /**
   * Makes all changes, or none. Rejects with `store-full` or `store-unavailable`. Gives the ids of logs that were
   * left alone because another writer opened them since, or because they were removed.
   */
  write(changes: readonly LogChange[]): Promise<ReadonlySet<number>>
  /** Chunks in order from the one that holds `seq`, as many as it takes for `wanted` bytes after that one. */
  forward(logId: number, seq: number, wanted: number): Promise<Chunk[]>
  /** The newest chunks in order, back to `seq`, as many as it takes for `wanted` bytes. */
  backward(logId: number, seq: number, wanted: number): Promise<Chunk[]>
  /** The oldest chunks at or after `seq`, at most `limit`. */
  spans(logId: number, seq: number, limit: number): Promise<ChunkSpan[]>
  /** The last mark at or after `firstSeq` before which the lines take no more than `at` bytes, when each has its own on top. */
  lastMark(logId: number, firstSeq: number, place: LinePlace): Promise<LineMark | undefined>
  /** The first mark at or after `firstSeq`. */
  firstMark(logId: number, firstSeq: number): Promise<LineMark | undefined>
  /** Keeps the counts of a log that has ended and was not counted before, and its marks. */
  saveCounts(logId: number, counts: LineCounts, marks: readonly LineMark[]): Promise<void>
  /** Takes these tasks' logs out of sight and marks their chunks for {@link sweep}. */
  remove(taskIds: readonly string[]): Promise<void>
  /** Deletes a bounded number of chunks of removed logs. False when none was left. */
  sweep(): Promise<boolean>
  /** Gives at most so many unused pages back to the file system. False when there was nothing worth it. */
  shrink(pages: number): Promise<boolean>
  close(): Promise<void>
}
