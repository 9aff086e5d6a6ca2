import type { LineCounts } from './line-scanner.ts'
import type { LinePlace } from './storage.ts'

/** The streams of a task's output, in the order of their numbers on the wire and in the store. */
export const STREAMS = ['output', 'error', 'warning', 'verbose', 'debug', 'information', 'progress', 'system'] as const

/** One of the streams of a task's output. */
export type Stream = (typeof STREAMS)[number]

/** What whoever shows a log wants to know about its task, told by the kind of job: short texts by name. */
export type LogFacts = Readonly<Record<string, string>>

/** One piece of output: what arrived at one moment on one stream. It may hold several lines, or a part of one. */
export interface OutputEntry {
  /** Place in the task's log; the first is 1, and later entries have greater numbers. */
  readonly seq: number
  /** When it arrived, epoch milliseconds. */
  readonly time: number
  readonly stream: Stream
  /** The bytes as they came, valid UTF-8 or not. */
  readonly bytes: Buffer
}

/** How a task's output is kept. */
export interface OutputOptions {
  /** Bytes kept at the most. Beyond them a bounded log is cut with a visible marker and a rolling one loses its oldest part. */
  readonly capBytes: number
  /** True: the newest bytes are kept (continuous jobs). False: the oldest. */
  readonly rolling: boolean
  /** Values that must never be stored; each is replaced by `***`, also where it arrives in pieces. */
  readonly secrets: readonly string[]
  /** Kept with the log from its opening on. Default: nothing. */
  readonly facts?: LogFacts
}

/** The lines of a log as a whole. */
export interface LogFigures {
  readonly taskId: string
  /** The lines that are kept and have ended; all of them when nothing more will come. */
  readonly counts: LineCounts
  /** Lines before them, which a rolling log has lost. */
  readonly lost: LineCounts
  /** Bytes after which a line is cut. */
  readonly longest: number
  /** When it was opened, epoch milliseconds; null when nobody knows. */
  readonly openedAt: number | null
  readonly facts: LogFacts
}

/** A place in a log where its lines can be taken up. */
export interface LinePosition {
  /** Entries with a greater seq follow. */
  readonly after: number
  /** The lines before it, lost ones too. */
  readonly counts: LineCounts
  /** What is open there: to be fed to a `LineScanner` first. */
  readonly open: readonly OutputEntry[]
}

/** What is known of a task's output. */
export interface OutputSummary {
  /** Bytes that arrived, dropped ones included. */
  readonly bytes: number
  /** Bytes dropped by the cap. */
  readonly dropped: number
  /** Seq of the newest entry; 0 when there is none. */
  readonly lastSeq: number
  /** True when nothing more will come. */
  readonly ended: boolean
}

/** A page of a task's output. */
export interface OutputPage extends OutputSummary {
  readonly entries: readonly OutputEntry[]
  /** Seq of the oldest entry still kept; greater than 1 when a rolling log lost its beginning. */
  readonly firstSeq: number
}

/** Which part of a task's output to read. */
export interface OutputQuery {
  /** Only entries with a greater seq; 0 reads from the beginning. */
  readonly after?: number
  /** Stop before the entries of the page exceed this many bytes; at least one entry is given. Default 256 KiB. */
  readonly maxBytes?: number
  /** The newest entries that fit, in their order, instead of the oldest after `after`. */
  readonly tail?: boolean
}

/** The ordered logs of all tasks. Everything written is visible to `read` at the latest when `close` has resolved. */
export interface OutputStore {
  /** Begins or goes on with a task's log, and gives the number under which a process host may send its bytes. */
  open(taskId: string, options: OutputOptions): Promise<number>
  /** Adds to a log that is open. Never waits; the writer bounds its queue by making process hosts wait. */
  append(taskId: string, stream: Stream, data: string | Uint8Array): void
  /**
   * Ends a task's log once all that was appended, and all that the channel carried up to its end frame when
   * `channelUsed`, is committed. Rejects with `store-full` when the disk was full; the log is ended all the same.
   */
  close(taskId: string, channelUsed: boolean): Promise<OutputSummary>
  read(taskId: string, query?: OutputQuery): Promise<OutputPage>
  /**
   * How many lines these tasks' logs have; those without a log are left out. `final` says that nothing more can come, as
   * after the end of the task: what is open then counts as a line, even where a crash kept the log from being closed. Cheap,
   * but for logs of a version that did not count.
   */
  figures(tasks: readonly { readonly taskId: string; readonly final: boolean }[]): Promise<LogFigures[]>
  /** The last known position at or before a place. Undefined when there is no such log any more. */
  findPosition(taskId: string, place: LinePlace): Promise<LinePosition | undefined>
  /** Calls `grown` after entries of the task became readable and when its log ended (coalesced). Returns how to stop that. */
  follow(taskId: string, grown: () => void): () => void
  /** Deletes the logs of these tasks. */
  remove(taskIds: readonly string[]): Promise<void>
  /** Where process hosts connect, and the secret their first frame must carry. */
  readonly channel: { readonly address: string; readonly secret: string }
  /** Writes what is there and ends the worker. */
  stop(): Promise<void>
}
