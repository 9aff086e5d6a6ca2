import type { ErrorCode, ErrorDetails } from '../../domain/errors.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { LogFigures, OutputOptions, OutputQuery, OutputSummary } from './contract.ts'
import type { LineMark, LinePlace } from './storage.ts'

/** Where the logs are kept: a file of their own, or tables of the main PostgreSQL database. */
export type OutputDatabase =
  | { readonly kind: 'sqlite' /** Path of the file. */; readonly path: string }
  | { readonly kind: 'postgres' /** Connection string. */; readonly url: string }

/** What the output thread is started with. */
export interface ThreadData {
  readonly database: OutputDatabase
  /** What a process host must know to send output. */
  readonly secret: string
}

/** What can be asked of the output thread, and what it answers. */
export interface Requests {
  readonly open: {
    readonly input: { readonly taskId: string; readonly options: OutputOptions }
    readonly output: number
  }
  readonly close: {
    readonly input: { readonly taskId: string; readonly channelUsed: boolean }
    readonly output: OutputSummary
  }
  readonly read: {
    readonly input: { readonly taskId: string; readonly query: OutputQuery }
    readonly output: PackedPage
  }
  readonly figures: {
    readonly input: { readonly tasks: readonly { readonly taskId: string; readonly final: boolean }[] }
    readonly output: readonly LogFigures[]
  }
  readonly findPosition: {
    readonly input: { readonly taskId: string; readonly place: LinePlace }
    readonly output: LineMark | null
  }
  readonly remove: { readonly input: { readonly taskIds: readonly string[] }; readonly output: null }
  readonly stop: { readonly input: null; readonly output: null }
}

/** A page on its way between threads: its entries are one chunk. */
export interface PackedPage extends OutputSummary {
  readonly firstSeq: number
  /** Seq of the first entry of the page. */
  readonly pageSeq: number
  /** The chunk's first time, epoch milliseconds. */
  readonly pageTime: number
  readonly data: Uint8Array<ArrayBuffer>
}

/** A piece of output on its way to the output thread: task, place of the stream in STREAMS, bytes or text. */
export type Appended = readonly [taskId: string, stream: number, data: string | Uint8Array]

/** One request with its number. */
export type Request<Name extends keyof Requests = keyof Requests> = {
  readonly [N in Name]: { readonly id: number; readonly name: N; readonly input: Requests[N]['input'] }
}[Name]

/** From the main thread to the output thread, all of one turn at a time. */
export type ToWorker =
  | { readonly type: 'request'; readonly request: Request }
  | { readonly type: 'append'; readonly items: Appended[] }
  | { readonly type: 'watch'; readonly taskId: string; readonly on: boolean }

/** From the output thread to the main thread, all of one turn at a time. */
export type FromWorker =
  | { readonly type: 'ready'; readonly address: string }
  | { readonly type: 'failed'; readonly error: CarriedError }
  | { readonly type: 'answer'; readonly id: number; readonly output: Requests[keyof Requests]['output'] }
  | { readonly type: 'refusal'; readonly id: number; readonly error: CarriedError }
  | { readonly type: 'grown'; readonly taskIds: readonly string[] }

/** An error in a form that survives the way between threads. */
export interface CarriedError {
  readonly message: string
  readonly stack: string | undefined
  /** Code of the catalogue; undefined for a defect. */
  readonly code: ErrorCode | undefined
  readonly details: ErrorDetails
}

/** Prepares an error for the way to the other thread; its cause stays behind. */
export function carry(error: unknown): CarriedError {
  if (error instanceof JobyardError) {
    return { message: error.message, stack: error.stack, code: error.code, details: error.details }
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { message, stack, code: undefined, details: {} }
}

/** Makes the error again on the other side. */
export function revive({ message, stack, code, details }: CarriedError): Error {
  if (code !== undefined) return new JobyardError(code, message, details)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
