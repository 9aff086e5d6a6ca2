import { JobyardError } from '../domain/errors.ts'
import { isPassing } from './persist.ts'

/** The longest batch: enough to spread a commit thin, short enough to keep the database free for others. */
const LONGEST_BATCH = 512
/** Batches under way at once: one is written while the next is gathered and on its way. */
const UNDER_WAY = 2
/** So many items are worth a commit beside the one that is under way; fewer are gathered until that is through. */
const WORTH_ANOTHER = 64

/** So many items may wait, as for a database that does not answer; others are refused at once. */
const MOST_WAITING = 50_000

interface Waiting<I, O> {
  readonly item: I
  readonly resolve: (output: O) => void
  readonly reject: (error: unknown) => void
}

/** Gathers what is asked for in the same moment into one call over a set. */
export class Batcher<I, O> {
  readonly #send: (items: I[]) => Promise<readonly O[]>
  readonly #waiting: Waiting<I, O>[] = []
  #underWay = 0
  #scheduled = false

  /** `send` answers each item in its place; when it rejects for no passing reason, each is sent by itself. */
  constructor(send: (items: I[]) => Promise<readonly O[]>) {
    this.#send = send
  }

  /** Adds an item to the next batch. */
  add(item: I): Promise<O> {
    if (this.#waiting.length >= MOST_WAITING) {
      return Promise.reject(new JobyardError('store-unavailable', 'Too many changes wait for the database.'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    if (this.#underWay >= (this.#waiting.length < WORTH_ANOTHER ? 1 : UNDER_WAY)) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  /** One item that cannot be written must not keep the others from it. */
  async #sendSingly(batch: readonly Waiting<I, O>[]): Promise<void> {
    for (const { item, resolve, reject } of batch) {
      try {
        resolve((await this.#send([item]))[0] as O)
      } catch (error) {
        reject(error)
      }
    }
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.splice(0, LONGEST_BATCH)
    if (batch.length === 0) return
    this.#underWay++
    this.#schedule()
    try {
      const outputs = await this.#send(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index] as O)
    } catch (error) {
      if (batch.length === 1 || isPassing(error)) for (const { reject } of batch) reject(error)
      else await this.#sendSingly(batch)
    } finally {
      this.#underWay--
      this.#schedule()
    }
  }
}
