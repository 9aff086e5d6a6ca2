import type pg from 'pg'
import { postgresDialect, type Query, type Row, type Statement, type Steps, type Value } from '../sql.ts'
import { explain, isRefusal, isStall, outcomeUnknown } from './errors.ts'
import { breakOf } from './pool.ts'

/** One connection while it works for us. It remembers whether it may be used again. */
export class Session {
  readonly #client: pg.ClientBase
  #lost: unknown
  #undone = false
  #frameError: unknown

  constructor(client: pg.ClientBase) {
    this.#client = client
  }

  /** What made the connection useless; undefined while it is good. */
  get lost(): unknown {
    return this.#lost
  }

  /** True when the transaction was lost between two statements, so that nothing of it can be stored. */
  get undone(): boolean {
    return this.#undone
  }

  /** True when the connection can go back to the pool: it works and has no transaction open. */
  get reusable(): boolean {
    return this.#lost === undefined && this.#client.getTransactionStatus() === 'I'
  }

  /** Drives a procedure to its end. Errors of statements are thrown into it, so that its `finally` parts run. */
  async run<T>(steps: Steps<T>): Promise<T> {
    let failed = false
    let step = steps.next()
    while (!step.done) {
      let rows: readonly Row[]
      try {
        rows = await this.#execute(step.value)
      } catch (error) {
        failed = true
        step = steps.throw(error)
        continue
      }
      step = steps.next(rows)
    }
    // A failed statement spoils the whole transaction here, unlike on SQLite: a procedure must not go on after one.
    if (failed) throw new Error('A procedure went on after a failed statement.')
    return step.value
  }

  /**
   * Sends a statement of the transaction's frame without waiting for it; the next statement travels right behind. Its
   * error, if any, is that statement's.
   */
  send(text: string): void {
    this.#client.query(text).catch((error: unknown) => {
      this.#note(error)
      this.#frameError ??= error
    })
  }

  /** Commits. An error says that nothing was stored, but for one with `outcome: 'unknown'` in its data. */
  async commit(): Promise<void> {
    this.#requireWhole()
    let tag: string
    try {
      tag = (await this.#client.query('commit')).command
    } catch (error) {
      this.#note(error)
      throw this.#undone || isRefusal(error) ? explain(error) : outcomeUnknown(error)
    }
    this.#throwFrameError()
    // PostgreSQL answers COMMIT of a failed transaction with a friendly ROLLBACK.
    if (tag !== 'COMMIT') throw new Error(`COMMIT was answered with ${tag}.`)
  }

  /** Undoes the open transaction; a connection on which even that fails is not used again. */
  async rollback(): Promise<void> {
    if (this.#lost !== undefined) return
    this.#frameError = undefined
    await this.#client.query('rollback').catch((error: unknown) => {
      this.#lost = error
    })
  }

  async #execute({ query, params, set }: Statement): Promise<readonly Row[]> {
    if (set !== undefined && set.rows.length === 0) return []
    this.#requireWhole()
    const text = query.text(postgresDialect)
    const values = (set === undefined ? params : [JSON.stringify(set.rows)]).map(storable)
    try {
      const result = await this.#client.query<Row>(
        query.lasting && !isLarge(values) ? { name: nameOf(query), text, values } : { text, values },
      )
      this.#throwFrameError()
      return result.rows
    } catch (error) {
      this.#note(error)
      throw explain(this.#frameError ?? error)
    }
  }

  #note(error: unknown): void {
    if (isStall(error)) this.#undone = true
    if (!isRefusal(error)) this.#lost ??= error
  }

  /** A connection that broke while nothing was under way has its transaction undone: nothing was asked to be kept yet. */
  #requireWhole(): void {
    const broken = breakOf(this.#client)
    if (broken === undefined) return
    if (this.#lost === undefined) this.#undone = true
    this.#lost ??= broken
    throw explain(this.#lost)
  }

  #throwFrameError(): void {
    if (this.#frameError !== undefined) throw this.#frameError
  }
}

/** So many bytes, about, may travel for longer than a transaction may be idle. */
const LARGE = 128 * 1024

/**
 * A statement that the server knows already begins with its values, and until all of them are there the transaction counts
 * as idle. Sent anew it begins with its text, and does not.
 */
function isLarge(values: readonly Value[]): boolean {
  let size = 0
  for (const value of values) if (typeof value === 'string' || value instanceof Uint8Array) size += value.length
  return size > LARGE
}

const names = new WeakMap<Query, string>()
let lastName = 0

/** The name under which a connection keeps this query prepared; the same text has the same name on all of them. */
function nameOf(query: Query): string {
  const name = names.get(query) ?? `jobyard_${++lastName}`
  names.set(query, name)
  return name
}

/** In JSON as JSON.stringify writes it: NUL, and halves of surrogate pairs, whose other half would follow unescaped. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

/** PostgreSQL's text has no place for NUL and for halves of surrogate pairs: they become U+FFFD, instead of an error. */
function storable(value: Value): Value {
  if (typeof value !== 'string') return value
  const text = value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
  const isSet = text.startsWith('[') && (text.includes('\\u0000') || text.includes('\\ud'))
  return isSet ? text.replaceAll(UNSTORABLE, '$1\\ufffd') : text
}
