import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Announcer } from './announcer.ts'
import type { OutputOptions, OutputSummary } from './contract.ts'
import { type CommitListener, GroupCommit } from './group-commit.ts'
import type { Host, Intake, IntakeListener } from './intake.ts'
import type { Lines } from './lines.ts'
import { type LogBatch, OpenLog } from './open-log.ts'
import { SecretSearches } from './secret-searches.ts'
import { Session } from './session.ts'
import type { ChunkStorage } from './storage.ts'

/** Above the first nothing is read from process hosts any more, until the second is reached; in weight. */
const PAUSE_WEIGHT = 64 * 1024 * 1024
const RESUME_WEIGHT = 32 * 1024 * 1024

/** After a task's processes are gone its end frame is under way; without a sign of it for this long it was lost. */
const SILENCE_MS = 10_000

/** A log that is silent for so long after its opening is entered in the database all the same, for its facts. */
const TELL_MS = 500

/** What {@link OpenLogs} works with. */
export interface OpenLogsParts {
  readonly storage: ChunkStorage
  readonly clock: Clock
  readonly announcer: Announcer
  readonly intake: Pick<Intake, 'pause' | 'paused' | 'hostCount'>
  /** Counts the lines of logs that go on. */
  readonly lines: Lines
  /** Called with an error that is a defect. */
  readonly crash: (error: unknown) => void
}

/** All logs that are written here: from what arrives for a task or a channel to what the group commit makes of it. */
export class OpenLogs implements IntakeListener, CommitListener {
  readonly #parts: OpenLogsParts
  readonly #commit: GroupCommit
  readonly #searches = new SecretSearches()
  /** By task; a promise while the log is looked up. */
  readonly #tasks = new Map<string, Session | Promise<Session>>()
  readonly #channels = new Map<number, Session>()
  readonly #sessions = new Map<OpenLog, Session>()
  #lastChannel = 0

  constructor(parts: OpenLogsParts) {
    this.#parts = parts
    this.#commit = new GroupCommit(parts.storage, parts.clock, this, parts.crash)
  }

  /** True when the task's log is open here, so that every change to it is announced. */
  has(taskId: string): boolean {
    return this.#tasks.has(taskId)
  }

  /** What is known here better than in the database: that a log goes on, or how it ended if that is not written yet. */
  known(taskId: string): Partial<OutputSummary> {
    const session = this.#tasks.get(taskId)
    if (!(session instanceof Session)) return {}
    const { ended, bytes, dropped } = session.log.summary
    if (!ended) return { ended }
    return session.trouble ? { ended, bytes, dropped } : {}
  }

  /** Opens a task's log and gives its channel; the same channel again while the log is open. */
  async open(taskId: string, options: OutputOptions): Promise<number> {
    for (let known = this.#tasks.get(taskId); known; known = this.#tasks.get(taskId)) {
      const session = await known
      if (!session.closed) return session.channel
      await Promise.allSettled([session.closed])
      // Still there only when its end could not be recorded; it now goes on instead.
      if (this.#tasks.get(taskId) === session) this.#forget(session)
    }
    const beginning = this.#begin(taskId, options)
    this.#tasks.set(taskId, beginning)
    return (await beginning).channel
  }

  /** Adds to a log that is open; what comes for another is dropped. */
  append(taskId: string, stream: number, bytes: Buffer): void {
    const known = this.#tasks.get(taskId)
    const time = this.#parts.clock.now()
    const take = (session: Session): void => {
      if (!session.closed) this.#commit.update(session.log, () => session.log.take(stream, bytes, time, 0))
    }
    if (known instanceof Session) take(known)
    // When the log cannot be opened, whoever opens it is told.
    else known?.then(take, () => undefined)
  }

  /** Ends a task's log; one that is not open here is ended as it stands. */
  async close(taskId: string, channelUsed: boolean): Promise<OutputSummary> {
    const known = this.#tasks.get(taskId)
    if (!known) return this.#closeStored(taskId)
    const session = await known
    if (session.closed) return session.closed
    const closed = session.beginClose()
    if (channelUsed) {
      this.#watchSilence(session)
      await session.untilChannelEnd()
    }
    if (this.#sessions.has(session.log)) {
      this.#commit.update(session.log, () => session.log.end(this.#parts.clock.now()), true)
    }
    return closed
  }

  /** Forgets these tasks' logs and takes them out of sight in the database. */
  async remove(taskIds: readonly string[]): Promise<void> {
    for (const taskId of taskIds) {
      // A log that cannot be opened needs no forgetting; whoever opens it is told.
      const [known] = await Promise.allSettled([this.#tasks.get(taskId)])
      if (known.status === 'fulfilled' && known.value) this.#forget(known.value)
    }
    await this.#commit.between(() => this.#parts.storage.remove(taskIds))
    for (const taskId of taskIds) this.#parts.announcer.grown(taskId)
  }

  /** Writes what is there. Logs that were not closed stay unended. The intake must be stopped. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#tasks.values())
    const time = this.#parts.clock.now()
    for (const { log } of this.#sessions.values()) this.#commit.update(log, () => log.letOut(time))
    await this.#commit.stop()
    for (const session of this.#sessions.values()) {
      session.trouble ??= new JobyardError('store-unavailable', 'The output store was stopped.')
      session.settleClose()
    }
  }

  data(host: Host, channel: number, stream: number, bytes: Buffer): void {
    const session = this.#channels.get(channel)
    if (!session || session.log.summary.ended) {
      // The log is closed or removed, and its process shall not wait for ever.
      host.credit(channel, bytes.length)
      return
    }
    const { clock, intake } = this.#parts
    session.hear(host, clock.elapsed())
    this.#commit.update(session.log, () => session.log.take(stream, bytes, clock.now(), bytes.length))
    session.credit(session.log.takeCredit())
    if (this.#commit.weight > PAUSE_WEIGHT) intake.pause(true)
  }

  end(host: Host, channel: number): void {
    const session = this.#channels.get(channel)
    if (!session) return
    session.hear(host, this.#parts.clock.elapsed())
    this.#endChannel(session)
  }

  lost(host: Host): void {
    const orphaned = this.#parts.intake.hostCount === 0
    for (const session of this.#sessions.values()) {
      if (session.host === host || (orphaned && !session.host)) this.#endChannel(session)
    }
  }

  committed(log: OpenLog, batch: LogBatch, gone: boolean): void {
    const session = this.#sessions.get(log)
    if (!session) return
    session.credit(batch.credit)
    const { chunks, log: stored } = batch.change
    if (chunks.length > 0 || stored.ended) this.#parts.announcer.grown(log.taskId)
    if (gone || stored.ended) this.#forget(session)
  }

  refused(log: OpenLog, batch: LogBatch, error: JobyardError): void {
    const session = this.#sessions.get(log)
    if (!session) return
    session.credit(batch.credit)
    session.trouble ??= error
    if (log.summary.ended && log.weight === 0) session.settleClose()
  }

  settled(): void {
    if (this.#commit.weight < RESUME_WEIGHT) this.#parts.intake.pause(false)
  }

  async #begin(taskId: string, { capBytes, rolling, secrets, facts }: OutputOptions): Promise<Session> {
    const { storage, clock, lines } = this.#parts
    try {
      const told = facts === undefined ? null : JSON.stringify(facts)
      const stored = await storage.open(taskId, { capBytes, rolling, openedAt: clock.now(), facts: told })
      const counter = await lines.counterOf(stored)
      const shared = this.#searches.acquire(secrets)
      const log = new OpenLog(stored, { capBytes, rolling, search: shared?.search }, counter)
      const session = new Session(log, this.#nextChannel(), shared?.key, clock.elapsed())
      this.#tasks.set(taskId, session)
      this.#channels.set(session.channel, session)
      this.#sessions.set(log, session)
      // A log that goes on has not ended any more.
      if (stored.ended) this.#commit.update(log, () => undefined, true)
      else if (told !== null && !storage.shared) this.#tellSoon(session)
      return session
    } catch (error) {
      this.#tasks.delete(taskId)
      throw error
    }
  }

  /** What is known of a task can be seen after a moment, although it prints nothing. Most that print nothing end sooner. */
  #tellSoon({ log }: Session): void {
    this.#parts.clock.after(TELL_MS, () => {
      if (this.#sessions.has(log) && log.summary.lastSeq === 0) this.#commit.update(log, () => undefined, true)
    })
  }

  #nextChannel(): number {
    do this.#lastChannel = this.#lastChannel === 0xffffffff ? 1 : this.#lastChannel + 1
    while (this.#channels.has(this.#lastChannel))
    return this.#lastChannel
  }

  async #closeStored(taskId: string): Promise<OutputSummary> {
    const stored = await this.#parts.storage.find(taskId)
    if (!stored) return { bytes: 0, dropped: 0, lastSeq: 0, ended: true }
    if (stored.ended) return { bytes: stored.bytes, dropped: stored.dropped, lastSeq: stored.lastSeq, ended: true }
    await this.open(taskId, { capBytes: stored.capBytes, rolling: stored.rolling, secrets: [] })
    return this.close(taskId, false)
  }

  #endChannel(session: Session): void {
    this.#commit.update(session.log, () => session.log.letOut(this.#parts.clock.now()))
    session.endChannel()
  }

  /** Counts the channel as ended when no end frame comes although nothing here holds it up. */
  #watchSilence(session: Session): void {
    const { clock, intake } = this.#parts
    clock.after(SILENCE_MS, () => {
      if (session.channelEnded || !this.#sessions.has(session.log)) return
      const quiet = clock.elapsed() - session.heard >= SILENCE_MS && session.log.weight === 0 && !intake.paused
      if (quiet) this.#endChannel(session)
      else this.#watchSilence(session)
    })
  }

  #forget(session: Session): void {
    const { log, channel, secretsKey } = session
    this.#commit.forget(log)
    this.#sessions.delete(log)
    this.#channels.delete(channel)
    if (this.#tasks.get(log.taskId) === session) this.#tasks.delete(log.taskId)
    if (secretsKey !== undefined) this.#searches.release(secretsKey)
    session.endChannel()
    session.settleClose()
  }
}
