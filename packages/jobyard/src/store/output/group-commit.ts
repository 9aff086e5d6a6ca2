import type { Clock, Timer } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { LogBatch, OpenLog } from './open-log.ts'
import type { ChunkStorage } from './storage.ts'

/**
 * How long lines are gathered between two transactions, in milliseconds. One that comes after a longer quiet is written at
 * once: somebody may be waiting for it.
 */
const GATHER_MS = 20

/** How long numbers of dropped bytes, which nobody can see grow, may wait. */
const COUNTS_MS = 1000

/** What is written without further waiting, in weight (bytes and something for each entry). Half of a channel's window. */
const ENOUGH_WEIGHT = 512 * 1024

/** The most of one transaction, in all and of one log: between two of them others get their turn with the thread. */
const TRANSACTION_WEIGHT = 2 * 1024 * 1024
const LOG_WEIGHT = 512 * 1024
const TRANSACTION_LOGS = 1000

/** What counts as little. */
const LIGHT_WEIGHT = 16 * 1024

/** Chunks of a rolling log that are looked up at once. */
const SPANS = 4096

/** Between two attempts of the same transaction. */
const RETRY_MS = 200

/** How long jobs are made to wait, by withheld credit, for a disk with no room or a database that is away. */
const FULL_PATIENCE_MS = 2000
const AWAY_PATIENCE_MS = 10_000

/** Whom the group commit tells what became of a log's batch. */
export interface CommitListener {
  /** Written, or left alone because the log belongs to another writer by now (`gone`). */
  committed(log: OpenLog, batch: LogBatch, gone: boolean): void
  /** Not written; the log has taken it back. It is tried again with what comes. */
  refused(log: OpenLog, batch: LogBatch, error: JobyardError): void
  /** After each attempt: {@link GroupCommit.weight} has changed. */
  settled(): void
}

/** Writes what is pending in all logs, in one transaction at a time for as many of them as there are. */
export class GroupCommit {
  readonly #storage: ChunkStorage
  readonly #clock: Clock
  readonly #listener: CommitListener
  readonly #crash: (error: unknown) => void
  /** Logs with something to write, the longest waiting first. */
  readonly #waiting = new Set<OpenLog>()
  #weight = 0
  #timer: Timer | undefined
  /** True when somebody waits for the next transaction. */
  #hurried = false
  #due = Number.POSITIVE_INFINITY
  /** When the last transaction ended, on the clock's elapsed time. */
  #wroteAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  /** When the database began to refuse, on the clock's elapsed time. */
  #failingSince: number | undefined
  #stopping = false

  /** `crash` is called with errors that are no trouble of the database, so defects. */
  constructor(storage: ChunkStorage, clock: Clock, listener: CommitListener, crash: (error: unknown) => void) {
    this.#storage = storage
    this.#clock = clock
    this.#listener = listener
    this.#crash = crash
  }

  /** What is pending in all logs, those of the running transaction not counted. */
  get weight(): number {
    return this.#weight
  }

  /** Runs `change`, which adds to the log or ends it, and sees to it that it is written soon; at once when `hurry`. */
  update(log: OpenLog, change: () => void, hurry = false): void {
    const before = log.weight
    change()
    const added = log.weight - before
    this.#weight += added
    this.#waiting.add(log)
    this.#hurried ||= hurry || this.#weight >= ENOUGH_WEIGHT
    if (this.#hurried) this.#schedule(0)
    else this.#schedule(added > 0 ? this.#gatherMs : COUNTS_MS)
  }

  /** Writes no more for this log; what is pending in it is forgotten. */
  forget(log: OpenLog): void {
    if (this.#waiting.delete(log)) this.#weight -= log.weight
  }

  /** Runs `work` while no transaction is running or being tried again. Rejects as it does. */
  async between<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running) await this.#running
    const running = work()
    this.#occupy(Promise.allSettled([running]).then(() => undefined))
    return running
  }

  /** Writes everything, trying each log once. The updates must have ended before. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#timer?.cancel()
    await this.#running
    while (this.#waiting.size > 0 && this.#failingSince === undefined) await this.#commitOnce()
    this.#waiting.clear()
  }

  /** What is left of the time in which lines are gathered. */
  get #gatherMs(): number {
    return Math.max(0, this.#wroteAt + GATHER_MS - this.#clock.elapsed())
  }

  #schedule(delay: number): void {
    if (this.#stopping) return
    if (this.#failingSince !== undefined) delay = Math.max(delay, RETRY_MS)
    const due = this.#clock.elapsed() + delay
    if (due >= this.#due) return
    this.#timer?.cancel()
    this.#due = due
    if (delay > 0) {
      this.#timer = this.#clock.after(delay, () => this.#run())
      return
    }
    // After what else has arrived in this turn of the loop, so that it goes along.
    const immediate = setImmediate(() => this.#run())
    this.#timer = { cancel: () => clearImmediate(immediate) }
  }

  #run(): void {
    if (this.#running || this.#waiting.size === 0) return
    this.#hurried = false
    this.#occupy(this.#commitOnce().catch(this.#crash))
  }

  /** Nothing else is written until `work`, which never rejects, is over. */
  #occupy(work: Promise<void>): void {
    this.#running = work.finally(() => {
      this.#running = undefined
      this.#due = Number.POSITIVE_INFINITY
      this.#wroteAt = this.#clock.elapsed()
      const soon = this.#hurried || this.#weight >= ENOUGH_WEIGHT
      if (this.#waiting.size > 0) this.#schedule(soon ? 0 : GATHER_MS)
    })
  }

  async #commitOnce(): Promise<void> {
    const batches = await this.#gather()
    const outcome = await this.#write([...batches.values()])
    for (const [log, batch] of batches) {
      if (outcome instanceof JobyardError) this.#takeBack(log, batch, outcome)
      else this.#listener.committed(log, batch, outcome.has(log.id))
    }
    this.#listener.settled()
  }

  /** Takes batches from the logs that wait; those with more to write line up again, at the end. */
  async #gather(): Promise<Map<OpenLog, LogBatch>> {
    const batches = new Map<OpenLog, LogBatch>()
    // While the database refuses, all there is goes at once: to be written, or to be given up so that jobs go on.
    const failing = this.#failingSince !== undefined
    const most = failing ? Number.POSITIVE_INFINITY : LOG_WEIGHT
    let room = failing ? Number.POSITIVE_INFINITY : TRANSACTION_WEIGHT
    for (const log of this.#inTurn()) {
      if (room <= 0) break
      await this.#lookUpOldest(log)
      // It may have been forgotten while its oldest chunks were looked up.
      if (!this.#waiting.delete(log)) continue
      const before = log.weight
      batches.set(log, log.takeBatch(Math.min(room, most), this.#clock.now()))
      this.#weight -= before - log.weight
      room -= before - log.weight
      if (log.hasMore) this.#waiting.add(log)
    }
    return batches
  }

  /** Those with little to write go first: a lone line does not wait behind the floods of others. */
  #inTurn(): OpenLog[] {
    const light: OpenLog[] = []
    const heavy: OpenLog[] = []
    for (const log of this.#waiting) {
      const same = log.weight <= LIGHT_WEIGHT ? light : heavy
      if (same.length < TRANSACTION_LOGS) same.push(log)
    }
    return [...light, ...heavy].slice(0, TRANSACTION_LOGS)
  }

  async #lookUpOldest(log: OpenLog): Promise<void> {
    for (let from = log.wantsOldestFrom; from !== undefined; from = log.wantsOldestFrom) {
      const spans = await this.#storage.spans(log.id, from, SPANS)
      if (spans.length === 0) return
      log.learnOldest(spans)
    }
  }

  /** Tries for as long as patience allows. Gives the ids of logs that were left alone, or why nothing was written. */
  async #write(batches: readonly LogBatch[]): Promise<ReadonlySet<number> | JobyardError> {
    const changes = batches.map((batch) => batch.change)
    for (;;) {
      try {
        const gone = await this.#storage.write(changes)
        this.#failingSince = undefined
        return gone
      } catch (error) {
        if (!(error instanceof JobyardError)) throw error
        this.#failingSince ??= this.#clock.elapsed()
        const patience = error.code === 'store-full' ? FULL_PATIENCE_MS : AWAY_PATIENCE_MS
        if (this.#stopping || this.#clock.elapsed() - this.#failingSince >= patience) return error
        await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve))
      }
    }
  }

  #takeBack(log: OpenLog, batch: LogBatch, error: JobyardError): void {
    log.abandon(batch)
    this.#waiting.add(log)
    this.#listener.refused(log, batch, error)
  }
}
