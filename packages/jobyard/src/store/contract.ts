import type { Ids } from '../domain/ids.ts'
import type { Dialect, Steps } from './sql.ts'

/** What a procedure knows of the database it runs on. */
export interface Scope {
  readonly dialect: Dialect
  /** Ids for rows that only the procedure knows it needs. */
  readonly ids: Ids
  /** The deployment slot of this instance, in small letters: which settings of collections count here. */
  readonly slot: string
  /** Name of this instance; null: nobody said. */
  readonly instance: string | null
  /**
   * The instant, in epoch milliseconds, by which leases are given and judged. Where instances share a database it is the
   * database's own, so that their clocks may differ; on SQLite, which one instance has to itself, it is the `at` given.
   */
  leaseTime(at: number): Steps<number>
  /**
   * Puts wake-up messages into the database within the running transaction, where dispatch lives in the database.
   * On SQLite the run's `dispatch_at` is the message and this does nothing.
   */
  send(messages: readonly { readonly runId: string; readonly at: number }[]): Steps<void>
}

/** A named unit of work: input and output are plain data that can go between threads. */
export type Procedure<I, O> = (input: I, scope: Scope) => Steps<O>

/** Procedures by their names. */
// biome-ignore lint/suspicious/noExplicitAny: only a constraint; every use infers the procedure's own types.
export type Procedures = Readonly<Record<string, Procedure<any, any>>>

/** What a procedure takes. */
export type InputOf<P> = P extends Procedure<infer I, infer _> ? I : never

/** What a procedure gives. */
export type OutputOf<P> = P extends Procedure<infer _, infer O> ? O : never

/** The repository: procedures that change it, and procedures that only look. */
export interface Store<W extends Procedures, R extends Procedures> {
  readonly dialect: Dialect
  /**
   * Runs a procedure in one transaction and resolves after COMMIT. Writes of the same moment share one commit; each
   * has a savepoint of its own, so a failing one is undone alone. Rejects with `store-full` when the disk is full and
   * with `store-unavailable` when the database cannot be reached; nothing was changed then.
   */
  write<N extends keyof W & string>(name: N, input: InputOf<W[N]>): Promise<OutputOf<W[N]>>
  /** Runs a looking procedure against the newest committed state. */
  read<N extends keyof R & string>(name: N, input: InputOf<R[N]>): Promise<OutputOf<R[N]>>
  /** Waits for what is under way and closes. */
  stop(): Promise<void>
}
