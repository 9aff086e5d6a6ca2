import type { JobyardError } from '../../domain/errors.ts'
import type { OutputSummary } from './contract.ts'
import { WINDOW } from './frames.ts'
import type { Host } from './intake.ts'
import type { OpenLog } from './open-log.ts'

/** Credit is sent in portions of this many bytes; small enough that a channel always has most of its window. */
const CREDIT_PORTION = WINDOW / 16

/** A log that is open here, with its channel, and the close that waits for its end. */
export class Session {
  readonly log: OpenLog
  readonly channel: number
  /** Key of its secrets' search. */
  readonly secretsKey: string | undefined
  /** When something came for its channel last, or it was opened, on the clock's elapsed time. */
  heard: number
  /** Why something is missing in the log, if the database did not take it. */
  trouble: JobyardError | undefined
  #host: Host | undefined
  #credit = 0
  #channelEnded = false
  readonly #onChannelEnd: (() => void)[] = []
  #closing: PromiseWithResolvers<OutputSummary> | undefined

  constructor(log: OpenLog, channel: number, secretsKey: string | undefined, now: number) {
    this.log = log
    this.channel = channel
    this.secretsKey = secretsKey
    this.heard = now
  }

  /** The process host that sent something for the channel last. */
  get host(): Host | undefined {
    return this.#host
  }

  get channelEnded(): boolean {
    return this.#channelEnded
  }

  /** Settles when the log was closed; undefined while nobody has asked for that. */
  get closed(): Promise<OutputSummary> | undefined {
    return this.#closing?.promise
  }

  /** Something came from this host. Another one than before begins with a full window, so old credit is not owed to it. */
  hear(host: Host, now: number): void {
    this.heard = now
    if (host === this.#host) return
    this.#host = host
    this.#credit = 0
    this.#channelEnded = false
  }

  /** Gives credit for bytes that were written or dropped. */
  credit(bytes: number): void {
    this.#credit += bytes
    if (this.#credit < CREDIT_PORTION || this.#channelEnded) return
    this.#host?.credit(this.channel, this.#credit)
    this.#credit = 0
  }

  endChannel(): void {
    this.#channelEnded = true
    for (const resume of this.#onChannelEnd.splice(0)) resume()
  }

  /** Resolves when the channel has ended. */
  untilChannelEnd(): Promise<void> {
    if (this.#channelEnded) return Promise.resolve()
    return new Promise((resolve) => this.#onChannelEnd.push(resolve))
  }

  /** Begins to close; from now on nothing can be appended. */
  beginClose(): Promise<OutputSummary> {
    this.#closing ??= Promise.withResolvers()
    return this.#closing.promise
  }

  /** Settles the close, if there is one: rejects with the trouble there was. */
  settleClose(): void {
    if (this.trouble) this.#closing?.reject(this.trouble)
    else this.#closing?.resolve({ ...this.log.summary, ended: true })
  }
}
