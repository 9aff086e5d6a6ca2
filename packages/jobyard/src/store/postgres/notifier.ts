import pg from 'pg'
import type { Clock, Timer } from '../../domain/clock.ts'
import { type GrowingWait, spread, waitAfter } from '../../domain/waits.ts'
import { type ConnectionOptions, connectionConfig } from './connection.ts'
import { explain } from './errors.ts'

/** What a notifier is made of. */
export interface NotifierOptions extends ConnectionOptions {
  readonly clock: Clock
  /** A number from 0 to below 1, for the jitter of waits. */
  readonly random: () => number
  /** Told each time the connection is lost or cannot be made; it is tried again by itself. */
  readonly onTrouble: (error: Error) => void
  /** Milliseconds after which a silent connection is asked whether it lives. Default 15,000. */
  readonly keepaliveMs?: number
}

/**
 * Messages between instances over PostgreSQL's NOTIFY. They are hints: one that is sent while a listener has no
 * connection never reaches it, so whoever listens must also look by himself, at the latest when `onGap` says so.
 */
export interface Notifier {
  /**
   * Calls `hear` with every payload that comes on the channel; resolves when the server knows that we listen, with how
   * to stop. Without a connection it resolves at once, and `onGap` tells when it has come true.
   */
  on(channel: string, hear: (payload: string) => void): Promise<() => void>
  /** Calls `look` when the connection is back after a time in which messages may have been missed. */
  onGap(look: () => void): () => void
  /** Sends a message outside of any transaction. Rejects with `store-unavailable` when there is no connection. */
  notify(channel: string, payload: string): Promise<void>
  /** Ends the connection. */
  stop(): Promise<void>
}

/** Before another attempt to connect. */
const WAIT: GrowingWait = { first: 100, longest: 15_000 }

/** How long the connection may take to answer that it lives, in milliseconds. */
const ANSWER_TIMEOUT = 5000

/** Opens the connection that listens; resolves when it does, rejects with `store-unavailable` when it cannot. */
export async function createPostgresNotifier(options: NotifierOptions): Promise<Notifier> {
  const notifier = new PostgresNotifier(options)
  await notifier.start()
  return notifier
}

class PostgresNotifier implements Notifier {
  readonly #options: NotifierOptions
  readonly #hearers = new Map<string, Set<(payload: string) => void>>()
  readonly #lookers = new Set<() => void>()
  #client: pg.Client | undefined
  #timer: Timer | undefined
  #failures = 0
  #stopped = false

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    try {
      await this.#connect()
    } catch (error) {
      throw explain(error)
    }
  }

  async on(channel: string, hear: (payload: string) => void): Promise<() => void> {
    const hearers = this.#hearers.get(channel) ?? new Set()
    this.#hearers.set(channel, hearers)
    hearers.add(hear)
    await this.#say('listen', channel)
    return () => {
      hearers.delete(hear)
      if (hearers.size > 0) return
      this.#hearers.delete(channel)
      void this.#say('unlisten', channel)
    }
  }

  onGap(look: () => void): () => void {
    this.#lookers.add(look)
    return () => this.#lookers.delete(look)
  }

  async notify(channel: string, payload: string): Promise<void> {
    if (this.#client === undefined) throw explain(new Error('there is no connection'))
    try {
      await this.#client.query('select pg_notify($1, $2)', [channel, payload])
    } catch (error) {
      throw explain(error)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    const client = this.#client
    this.#client = undefined
    await client?.end()
  }

  async #connect(): Promise<void> {
    const config = connectionConfig({
      applicationName: 'jobyard-listen',
      answerTimeoutMs: ANSWER_TIMEOUT,
      ...this.#options,
    })
    const client = new pg.Client({ ...config, pipeline: true })
    client.on('error', (error) => this.#lose(client, error))
    client.on('end', () => this.#lose(client, new Error('The connection ended.')))
    client.on('notification', ({ channel, payload }) => this.#hear(channel, payload ?? ''))
    try {
      await client.connect()
      await Promise.all([...this.#hearers.keys()].map((channel) => client.query(listening('listen', channel))))
    } catch (error) {
      client.end().catch(() => undefined)
      throw error
    }
    if (this.#stopped) return client.end()
    this.#client = client
    this.#failures = 0
    this.#keepAlive(client)
  }

  /** A connection that was cut without a word looks idle for ever: only a question shows it. */
  #keepAlive(client: pg.Client): void {
    const { clock, random, keepaliveMs = 15_000 } = this.#options
    this.#timer = clock.after(spread(keepaliveMs, random()), () => {
      client.query('select 1').then(
        () => {
          if (this.#client === client) this.#keepAlive(client)
        },
        (error: Error) => this.#lose(client, error),
      )
    })
  }

  #lose(client: pg.Client, error: Error): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#timer?.cancel()
    client.end().catch(() => undefined)
    this.#options.onTrouble(error)
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    if (this.#stopped) return
    const { clock, random, onTrouble } = this.#options
    this.#timer = clock.after(waitAfter(WAIT, this.#failures++, random()), () => {
      this.#connect().then(
        () => {
          for (const look of this.#lookers) look()
        },
        (error: Error) => {
          onTrouble(error)
          this.#reconnectLater()
        },
      )
    })
  }

  /** Without a connection there is nothing to say: the next one listens to all channels that are wanted then. */
  async #say(verb: 'listen' | 'unlisten', channel: string): Promise<void> {
    const client = this.#client
    await client?.query(listening(verb, channel)).catch((error: Error) => this.#lose(client, error))
  }

  #hear(channel: string, payload: string): void {
    for (const hear of this.#hearers.get(channel) ?? []) hear(payload)
  }
}

function listening(verb: 'listen' | 'unlisten', channel: string): string {
  return `${verb} ${pg.escapeIdentifier(channel)}`
}
