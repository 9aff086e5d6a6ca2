import pg from 'pg'
import { connectionConfig } from '../store/postgres/connection.ts'
import { explain } from '../store/postgres/errors.ts'
import type { Notifier } from '../store/postgres/notifier.ts'
import { createPool } from '../store/postgres/pool.ts'
import { ClaimLoop, type ClaimLoopOptions } from './claim-loop.ts'
import type { Claimer, Dispatcher } from './contract.ts'
import { GraphileRunner, unlockMessages } from './graphile-runner.ts'

/** What dispatch on PostgreSQL is made of. */
export interface GraphileOptions extends ClaimLoopOptions {
  /** Address of the database; its schema and Graphile Worker's must be there. */
  readonly url: string
  /** The instance's name, the same over restarts: what it locks is locked by this name. */
  readonly name: string
  readonly notifier: Notifier
}

/** Dispatch on PostgreSQL, with what the engine's sweep does for it. */
export interface GraphileDispatcher extends Dispatcher {
  /**
   * Sends the messages again of runs that were due more than ten seconds before `at` (epoch milliseconds) and that
   * nobody has, the oldest hundred: one is enough to make an instance with room look. Answers how many it sent.
   */
  resend(at: number): Promise<number>
  /** Frees the messages that instances of these names had locked when they died, and drops those that are of no use. */
  releaseDead(names: readonly string[]): Promise<void>
}

/** The channel on which an instance tells the others of due runs that it has no room for. */
const DUE_CHANNEL = 'jobyard_due'

/** The least time between two such messages of one instance, in milliseconds. */
const ANNOUNCE_EVERY = 50

/** A message is sent again when its run was due this long, in milliseconds. */
const LATE = 10_000

const RESEND = `select count(*)::int as sent from
  (select array(select row('jobyard_run', json_build_object('runId', id), null, null, null, 'run:' || id, null, null)
      ::graphile_worker.job_spec
    from (select id from run where dispatch_at <= $1 and owner is null order by dispatch_at limit 100) as late
    order by id) as specs) as messages,
  lateral graphile_worker.add_jobs(specs) where cardinality(specs) > 0`

/** A message that was replaced while its worker died is out of attempts: nobody will ever look at it. */
const DROP_USELESS = `select graphile_worker.complete_jobs(array(
  select id from graphile_worker.jobs where locked_at is null and attempts >= max_attempts))`

/**
 * Dispatch on PostgreSQL by Graphile Worker. Every instance hears of a message at once; who takes it asks for its run.
 * A message is done as soon as an instance has noted it: if that one dies before its claim, the sweep sends it again.
 * An instance without room does not keep messages from the others: it tells them all, by one NOTIFY for many runs,
 * that something is due, and whoever has room asks for whatever is due. When none has, the first to get room does.
 */
export function createGraphileDispatcher(options: GraphileOptions): GraphileDispatcher {
  return new PostgresDispatcher(options)
}

class PostgresDispatcher implements GraphileDispatcher {
  readonly #options: GraphileOptions
  readonly #loop: ClaimLoop
  readonly #pool: pg.Pool
  readonly #runner: GraphileRunner
  readonly #silence: (() => void)[] = []
  #stopping: Promise<void> | undefined
  #announcing = false
  #announceAgain = false

  constructor(options: GraphileOptions) {
    const { name, clock, random, onError } = options
    this.#options = options
    this.#loop = new ClaimLoop(options)
    this.#pool = openPool(options)
    const hear = (runId: string) => this.#hear(runId)
    this.#runner = new GraphileRunner({ pool: this.#pool, name, clock, random, onError, hear })
  }

  async start(claimer: Claimer): Promise<void> {
    const { notifier, name } = this.#options
    this.#silence.push(notifier.onGap(() => this.wake()))
    const hearOthers = await notifier.on(DUE_CHANNEL, (from) => {
      if (from !== name) this.wake()
    })
    this.#silence.push(hearOthers)
    await this.#runner.start()
    // Last, and with a claim of whatever is due: what was heard before this had nobody to ask.
    this.#loop.start(claimer)
  }

  wake(): void {
    this.#loop.wake()
  }

  useRoom(): void {
    this.#loop.useRoom()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end()
    return this.#stopping
  }

  async resend(at: number): Promise<number> {
    const { rows } = await this.#pool.query<{ sent: number }>(RESEND, [at - LATE]).catch(rethrow)
    return rows[0]?.sent ?? 0
  }

  async releaseDead(names: readonly string[]): Promise<void> {
    await unlockMessages(this.#pool, names).catch(rethrow)
    await this.#pool.query(DROP_USELESS).catch(rethrow)
  }

  async #end(): Promise<void> {
    for (const silence of this.#silence.splice(0)) silence()
    await Promise.all([this.#loop.stop(), this.#runner.stop()])
    await this.#pool.end()
  }

  #hear(runId: string): void {
    if (this.#loop.wakeFor(runId)) return
    // Whoever has room first takes it, and that may be this one.
    this.#loop.wake()
    this.#announce()
  }

  /** Tells the others that something is due here that they may have; once for all that comes within a moment. */
  #announce(): void {
    if (this.#announcing) {
      this.#announceAgain = true
      return
    }
    this.#announcing = true
    const { notifier, name, clock, onError } = this.#options
    notifier.notify(DUE_CHANNEL, name).catch(onError)
    clock.after(ANNOUNCE_EVERY, () => {
      this.#announcing = false
      if (!this.#announceAgain || this.#stopping !== undefined) return
      this.#announceAgain = false
      this.#announce()
    })
  }
}

/** What the database says, as an error of the catalogue where it has one. */
function rethrow(error: unknown): never {
  throw explain(error)
}

/** Connections of Graphile Worker: one listens, one fetches, the others end messages and serve the sweep. */
function openPool({ url, onError }: GraphileOptions): pg.Pool {
  const config = connectionConfig({ url, applicationName: 'jobyard-dispatch' })
  // Graphile Worker wants its values as the driver gives them by itself.
  return createPool({ ...config, types: pg.types, pipeline: true, max: 5 }, onError)
}
