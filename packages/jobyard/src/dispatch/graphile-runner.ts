import { EventEmitter } from 'node:events'
import { Logger, type Runner, run, type WorkerEvents } from 'graphile-worker'
import type pg from 'pg'
import type { Clock, Timer } from '../domain/clock.ts'
import { type GrowingWait, waitAfter, within } from '../domain/waits.ts'
import { RUN_TASK } from '../store/postgres/send.ts'

/** What a runner of Graphile Worker needs. */
export interface GraphileRunnerOptions {
  readonly pool: pg.Pool
  /** What it locks is locked by this name. */
  readonly name: string
  readonly clock: Clock
  readonly random: () => number
  readonly onError: (error: unknown) => void
  /** Gets the run of every message. Must not throw. */
  readonly hear: (runId: string) => void
}

/** Before Graphile Worker is started again after it gave up. */
const WAIT: GrowingWait = { first: 250, longest: 15_000 }

/** How long its end may take when the database does not answer, in milliseconds. */
const STOP_TIMEOUT = 5000

/**
 * Settings, measured with no-op messages on two cores: messages are fetched in sets of up to 500 and ended in sets of
 * whatever comes together within 20 ms. Ending them in sets is also a must: Graphile Worker does not wait for the end
 * of a single message, and its failure would end our process. What arrives without a NOTIFY, because the listening
 * connection has just been lost, is found within 5 s.
 */
const SETTINGS = {
  schema: 'graphile_worker',
  concurrentJobs: 16,
  localQueue: { size: 500 },
  completeJobBatchDelay: 20,
  failJobBatchDelay: 20,
  pollInterval: 5000,
} as const

/** Nobody is told of an unlocked message: say that there is something to look for. */
const UNLOCK = `select graphile_worker.force_unlock_workers($1::text[]), pg_notify('jobs:insert', '{"count":1}')`

/** Frees what the workers of these names have locked. */
export async function unlockMessages(pool: pg.Pool, names: readonly string[]): Promise<void> {
  await pool.query(UNLOCK, [names])
}

/** Keeps Graphile Worker running: it gives up for good when the database fails it at the wrong moment. */
export class GraphileRunner {
  readonly #options: GraphileRunnerOptions
  #runner: Runner | undefined
  #starting: Promise<void> | undefined
  #timer: Timer | undefined
  #failures = 0
  #stopped = false

  constructor(options: GraphileRunnerOptions) {
    this.#options = options
  }

  /** Resolves when it listens for messages; rejects when it cannot. */
  async start(): Promise<void> {
    this.#starting = this.#start()
    await this.#starting
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    // How a start under way fails is told to whoever asked for it.
    await this.#starting?.catch(() => undefined)
    const runner = this.#runner
    this.#runner = undefined
    if (runner !== undefined) await this.#end(runner)
  }

  async #start(): Promise<void> {
    const { pool, name, onError } = this.#options
    // What an earlier process of this name, or an earlier start of this one, has left locked.
    await unlockMessages(pool, [name])
    // Its log is for its developers; of what it says only errors concern us.
    const logger = new Logger(() => (level, message, meta) => {
      if (level === 'error') onError(new Error(`Graphile Worker: ${message}`, { cause: meta?.error }))
    })
    const runner = await run(
      { pgPool: pool, noHandleSignals: true, logger, events: this.#listen(), preset: { worker: SETTINGS } },
      { [RUN_TASK]: (payload) => this.#hear(payload) },
      // No schedule of its own: without this it would read a file called crontab in the working folder.
      [],
    )
    this.#runner = runner
    const ended = () => this.#startAgain(runner)
    runner.promise.then(ended, ended)
  }

  /** Ends it in good order, or leaves it behind when the database does not answer. */
  async #end(runner: Runner): Promise<void> {
    const { clock, onError } = this.#options
    await within(clock, STOP_TIMEOUT, runner.stop().catch(onError))
  }

  /** Gives its pool our name before it locks anything by the random one that it has made up. */
  #listen(): WorkerEvents {
    const events: WorkerEvents = new EventEmitter()
    events.on('pool:create', ({ workerPool }) => {
      workerPool.id = this.#options.name
    })
    events.on('pool:listen:success', () => {
      this.#failures = 0
    })
    return events
  }

  #hear(payload: unknown): void {
    const { runId } = payload as { runId?: unknown }
    if (typeof runId === 'string') this.#options.hear(runId)
  }

  #startAgain(runner: Runner): void {
    if (this.#stopped || this.#runner !== runner) return
    this.#runner = undefined
    this.#restLater()
  }

  #restLater(): void {
    const { clock, random, onError } = this.#options
    this.#timer = clock.after(waitAfter(WAIT, this.#failures++, random()), () => {
      this.start().catch((error: unknown) => {
        onError(error)
        if (!this.#stopped) this.#restLater()
      })
    })
  }
}
