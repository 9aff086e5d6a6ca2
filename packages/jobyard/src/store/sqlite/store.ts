import { Worker } from 'node:worker_threads'
import { JobyardError } from '../../domain/errors.ts'
import type { InputOf, OutputOf, Procedures, Store } from '../contract.ts'
import { DEFAULT_SLOT } from '../slot.ts'
import { sqliteDialect } from '../sql.ts'
import type { Call, CarriedError, Reply, ThreadData } from './messages.ts'

/** Where the embedded database lives and who is told when it breaks. */
export interface SqliteOptions {
  /** Path of the database file; its schema must be up to date. */
  readonly path: string
  /** Called once when a database thread died; the store answers nothing from then on. */
  readonly onFatal: (error: Error) => void
  /** The deployment slot of this instance. Default `production`. */
  readonly slot?: string
  /** Name of this instance, for what logs tell of it. Default: none. */
  readonly instance?: string
}

/** Room for short-lived objects of the database threads, in megabytes: V8's default of 48 buys them nothing. */
const WRITER_YOUNG_MB = 16
const READER_YOUNG_MB = 3

/** Threads that read, so that one slow page holds up no other read; two at once hold up what is asked meanwhile. */
const READERS = 2

/** The repository on SQLite: one writer thread, two that read, and a main loop that never waits on the disk. */
export function createSqliteStore<W extends Procedures, R extends Procedures>(options: SqliteOptions): Store<W, R> {
  const writer = new DatabaseThread(options, 'writer')
  const readers = Array.from({ length: READERS }, () => new DatabaseThread(options, 'reader'))
  return {
    dialect: sqliteDialect,
    write: <N extends keyof W & string>(name: N, input: InputOf<W[N]>) =>
      writer.call(name, input) as Promise<OutputOf<W[N]>>,
    read: <N extends keyof R & string>(name: N, input: InputOf<R[N]>) =>
      leastBusy(readers).call(name, input) as Promise<OutputOf<R[N]>>,
    async stop() {
      await Promise.all([writer, ...readers].map((thread) => thread.stop()))
    },
  }
}

/** The thread with the fewest calls to answer. */
function leastBusy(threads: readonly DatabaseThread[]): DatabaseThread {
  return threads.reduce((least, thread) => (thread.load < least.load ? thread : least))
}

interface Waiter {
  readonly resolve: (output: unknown) => void
  readonly reject: (error: Error) => void
}

/** The main loop's end of a database thread. */
class DatabaseThread {
  readonly #role: ThreadData['role']
  readonly #worker: Worker
  readonly #ended: Promise<void>
  readonly #waiters = new Map<number, Waiter>()
  readonly #idle: (() => void)[] = []
  #outbox: Call[] = []
  #lastId = 0
  #closed = false

  constructor({ path, onFatal, slot = DEFAULT_SLOT, instance }: SqliteOptions, role: ThreadData['role']) {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#role = role
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: { path, role, slot: slot.toLowerCase(), instance: instance ?? null } satisfies ThreadData,
      resourceLimits: { maxYoungGenerationSizeMb: role === 'writer' ? WRITER_YOUNG_MB : READER_YOUNG_MB },
    })
    this.#worker.on('message', (replies: Reply[]) => this.#settle(replies))
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => resolve())
    })
    this.#worker.once('error', (error: Error) => {
      this.#failAll(error)
      onFatal(error)
    })
  }

  /** Calls that are not answered yet. */
  get load(): number {
    return this.#waiters.size
  }

  call(name: string, input: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new JobyardError('store-unavailable', 'The database is closed.'))
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiters.set(id, { resolve, reject })
      if (this.#outbox.length === 0) this.#postSoon()
      this.#outbox.push({ id, name, input })
    })
  }

  async stop(): Promise<void> {
    if (this.#waiters.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    if (this.#closed) return this.#ended
    this.#closed = true
    this.#worker.postMessage('stop')
    await this.#ended
  }

  /**
   * Calls travel together, because a message between threads costs as much as a small statement: those of one task of the
   * loop to the writer, which is to be at work as soon as can be, those of a whole turn to readers.
   */
  #postSoon(): void {
    if (this.#role === 'writer') queueMicrotask(() => this.#post())
    else setImmediate(() => this.#post())
  }

  #post(): void {
    const calls = this.#outbox
    this.#outbox = []
    try {
      this.#worker.postMessage(calls)
    } catch {
      // One of them holds what cannot go between threads, such as a function: it alone is refused.
      for (const call of calls) this.#postAlone(call)
    }
  }

  #postAlone(call: Call): void {
    try {
      this.#worker.postMessage([call])
    } catch (cause) {
      const waiter = this.#take(call.id)
      waiter?.reject(new Error(`The input of ${call.name} is no plain data: ${(cause as Error).message}`, { cause }))
      this.#tellIdle()
    }
  }

  #settle(replies: readonly Reply[]): void {
    for (const reply of replies) {
      const waiter = this.#take(reply.id)
      if ('error' in reply) waiter?.reject(revive(reply.error))
      else waiter?.resolve(reply.output)
    }
    this.#tellIdle()
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    return waiter
  }

  #tellIdle(): void {
    if (this.#waiters.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #failAll(cause: Error): void {
    this.#closed = true
    const error = new JobyardError('store-unavailable', `The database thread ended: ${cause.message}`, { cause })
    for (const waiter of this.#waiters.values()) waiter.reject(error)
    this.#waiters.clear()
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function revive({ message, stack, code, details }: CarriedError): Error {
  if (code !== undefined) return new JobyardError(code, message, details)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
