import type { ErrorCode, ErrorDetails } from '../../domain/errors.ts'

/** What a database thread is started with. */
export interface ThreadData {
  /** Path of the database file. */
  readonly path: string
  readonly role: 'writer' | 'reader'
  /** The deployment slot of this instance. */
  readonly slot: string
  /** Name of this instance; null: nobody said. */
  readonly instance: string | null
}

/** One call of a procedure, on its way to a database thread. */
export interface Call {
  readonly id: number
  readonly name: string
  readonly input: unknown
}

/** How a call went. An error of the catalogue keeps its code; any other is a defect and keeps its stack. */
export type Reply =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: CarriedError }

/** An error in a form that survives the way between threads. */
export interface CarriedError {
  readonly message: string
  readonly stack: string | undefined
  readonly code: ErrorCode | undefined
  readonly details: ErrorDetails
}
