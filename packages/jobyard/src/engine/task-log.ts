import type { LogFacts, OutputOptions, OutputStore, Stream } from '../store/output/contract.ts'

/** A task's log, opened when the first byte or a channel is asked for: most no-op tasks never need one. */
export class TaskLog {
  readonly #store: OutputStore
  readonly #taskId: string
  readonly #options: OutputOptions
  #facts: LogFacts = {}
  #opened: Promise<number> | undefined
  #channelUsed = false

  constructor(store: OutputStore, taskId: string, options: OutputOptions) {
    this.#store = store
    this.#taskId = taskId
    this.#options = options
  }

  /** Keeps facts with the log, unless it is open already. */
  describe(facts: LogFacts): void {
    this.#facts = { ...this.#facts, ...facts }
  }

  /** Adds to the log. Messages to the output store keep their order, so nothing needs to be waited for. */
  write(stream: Stream, data: string | Uint8Array): void {
    void this.#open()
    this.#store.append(this.#taskId, stream, data)
  }

  /** The number for a process host; the log then ends only after the channel's end frame. */
  async openChannel(): Promise<number> {
    const channel = await this.#open()
    this.#channelUsed = true
    return channel
  }

  /** Nothing will come by the channel, not even its end. */
  channelUnused(): void {
    this.#channelUsed = false
  }

  /** Ends the log, if there is one, and tells how many bytes are kept. Rejects with `store-full` when that is not all. */
  async close(): Promise<number> {
    if (this.#opened === undefined) return 0
    await this.#opened
    const { bytes, dropped } = await this.#store.close(this.#taskId, this.#channelUsed)
    return bytes - dropped
  }

  #open(): Promise<number> {
    if (this.#opened === undefined) {
      const facts = Object.keys(this.#facts).length === 0 ? {} : { facts: this.#facts }
      this.#opened = this.#store.open(this.#taskId, { ...this.#options, ...facts })
      // Whoever waits for it sees the failure; one that nobody waits for shows again at the close.
      this.#opened.catch(() => undefined)
    }
    return this.#opened
  }
}
