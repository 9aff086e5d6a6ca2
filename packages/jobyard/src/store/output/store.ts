import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { JobyardError } from '../../domain/errors.ts'
import { decodeEntries } from './chunk.ts'
import { type OutputPage, type OutputStore, STREAMS } from './contract.ts'
import { Followers } from './followers.ts'
import { releaseAddress } from './intake-address.ts'
import {
  type Appended,
  type FromWorker,
  type OutputDatabase,
  type Request,
  type Requests,
  revive,
  type ThreadData,
  type ToWorker,
} from './messages.ts'
import { unpackEntries } from './pages.ts'

/** Room for short-lived objects of the thread, in megabytes: bytes lie elsewhere, so V8's default of 48 buys nothing. */
const YOUNG_MB = 3

/** Where output is kept and who is told when that breaks. */
export interface OutputStoreOptions {
  readonly database: OutputDatabase
  /** Called once when the output thread died; the store answers nothing from then on. */
  readonly onFatal: (error: Error) => void
}

/**
 * Starts the output thread and resolves when process hosts can connect. Rejects when the database cannot be opened:
 * with `store-newer` when a newer Jobyard wrote it, `store-unavailable` when the server cannot be reached.
 */
export async function createOutputStore({ database, onFatal }: OutputStoreOptions): Promise<OutputStore> {
  const secret = randomBytes(32).toString('hex')
  const thread = new OutputThread({ database, secret }, onFatal)
  const address = await thread.ready
  return {
    channel: { address, secret },
    open: (taskId, options) => thread.ask('open', { taskId, options }),
    append: (taskId, stream, data) => thread.append([taskId, STREAMS.indexOf(stream), ownCopy(data)]),
    close: (taskId, channelUsed) => thread.ask('close', { taskId, channelUsed }),
    async read(taskId, query = {}): Promise<OutputPage> {
      const page = await thread.ask('read', { taskId, query })
      const { bytes, dropped, lastSeq, ended, firstSeq } = page
      return { entries: unpackEntries(page), firstSeq, bytes, dropped, lastSeq, ended }
    },
    figures: async (tasks) => (tasks.length === 0 ? [] : [...(await thread.ask('figures', { tasks }))]),
    async findPosition(taskId, place) {
      const mark = await thread.ask('findPosition', { taskId, place })
      if (mark === null) return undefined
      return { after: mark.seq - 1, counts: mark.counts, open: decodeEntries(mark.data, 0, 0) }
    },
    follow: (taskId, grown) => thread.followers.add(taskId, grown),
    async remove(taskIds) {
      if (taskIds.length > 0) await thread.ask('remove', { taskIds })
    },
    stop: () => thread.stop(),
  }
}

/** A view of a larger buffer would take all of that buffer along to the other thread. */
function ownCopy(data: string | Uint8Array): string | Uint8Array {
  return typeof data === 'string' ? data : Uint8Array.prototype.slice.call(data)
}

interface Waiter {
  readonly resolve: (output: unknown) => void
  readonly reject: (error: Error) => void
}

/** The main thread's end of the output thread. */
class OutputThread {
  readonly followers = new Followers((taskId, on) => this.#post({ type: 'watch', taskId, on }))
  /** Resolves with the address for process hosts. */
  readonly ready: Promise<string>
  readonly #worker: Worker
  readonly #exited: Promise<void>
  readonly #waiters = new Map<number, Waiter>()
  /** What is said in one turn travels together: a message between threads costs more than a line. */
  #outbox: ToWorker[] = []
  #lastId = 0
  #stopped: Promise<void> | undefined
  #dead: JobyardError | undefined
  #address: string | undefined

  constructor(data: ThreadData, onFatal: (error: Error) => void) {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    const exited = Promise.withResolvers<void>()
    const ready = Promise.withResolvers<string>()
    this.#exited = exited.promise
    this.ready = ready.promise
    let failure: Error | undefined
    const die = (cause: Error): void => {
      if (this.#dead) return
      this.#failAll(cause)
      if (this.#address !== undefined) onFatal(cause)
      ready.reject(cause)
    }
    this.#worker.on('message', (messages: readonly FromWorker[]) => {
      for (const message of messages) {
        if (message.type === 'ready') {
          this.#address = message.address
          ready.resolve(message.address)
        } else if (message.type === 'failed') {
          failure = revive(message.error)
          // Whatever it had opened already goes with the thread.
          void this.#worker.terminate()
        } else this.#receive(message)
      }
    })
    this.#worker.once('error', (error) => die(error instanceof Error ? error : new Error(String(error))))
    this.#worker.once('exit', (code) => {
      if (!this.#stopped || this.#waiters.size > 0)
        die(failure ?? new Error(`The output thread ended with code ${code}.`))
      exited.resolve()
    })
  }

  ask<N extends keyof Requests>(name: N, input: Requests[N]['input']): Promise<Requests[N]['output']> {
    const refusal =
      this.#dead ?? (this.#stopped && new JobyardError('store-unavailable', 'The output store is stopped.'))
    if (refusal) return Promise.reject(refusal)
    return this.#send(name, input)
  }

  append(item: Appended): void {
    const last = this.#outbox.at(-1)
    if (last?.type === 'append') last.items.push(item)
    else this.#post({ type: 'append', items: [item] })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    if (!this.#dead) await this.#send('stop', null)
    await this.#exited
    // A thread that died has left it.
    if (this.#dead && this.#address !== undefined) await releaseAddress(this.#address)
  }

  #send<N extends keyof Requests>(name: N, input: Requests[N]['input']): Promise<Requests[N]['output']> {
    const { promise, resolve, reject } = Promise.withResolvers<Requests[N]['output']>()
    const id = ++this.#lastId
    // The answer to a request has the type of its name; the thread sees to that.
    this.#waiters.set(id, { resolve: (output) => resolve(output as Requests[N]['output']), reject })
    // The name and its input belong together, which the compiler cannot see of a pair that is generic.
    this.#post({ type: 'request', request: { id, name, input } as Request })
    return promise
  }

  #post(message: ToWorker): void {
    if (this.#outbox.length === 0) setImmediate(() => this.#flush())
    this.#outbox.push(message)
  }

  #flush(): void {
    const messages = this.#outbox
    this.#outbox = []
    this.#worker.postMessage(messages)
  }

  #receive(message: FromWorker): void {
    if (message.type === 'grown') this.followers.announce(message.taskIds)
    if (message.type !== 'answer' && message.type !== 'refusal') return
    const waiter = this.#waiters.get(message.id)
    this.#waiters.delete(message.id)
    if (message.type === 'answer') waiter?.resolve(message.output)
    else waiter?.reject(revive(message.error))
  }

  #failAll(cause: Error): void {
    this.#dead = new JobyardError('store-unavailable', `The output thread ended: ${cause.message}`, { cause })
    for (const waiter of this.#waiters.values()) waiter.reject(this.#dead)
    this.#waiters.clear()
  }
}
