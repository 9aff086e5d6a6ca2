import type pg from 'pg'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { InputOf, OutputOf, Procedure, Procedures, Scope, Store } from '../contract.ts'
import { DEFAULT_SLOT } from '../slot.ts'
import { first, postgresDialect, type Steps, sql } from '../sql.ts'
import { type ConnectionOptions, connectionConfig } from './connection.ts'
import { explain, unavailable } from './errors.ts'
import { createPool } from './pool.ts'
import { createSend } from './send.ts'
import { Session } from './session.ts'
import { Writer } from './writer.ts'

/** What the repository on PostgreSQL is made of. */
export interface PostgresOptions<W extends Procedures, R extends Procedures> extends ConnectionOptions {
  readonly writes: W
  readonly reads: R
  readonly clock: Clock
  readonly ids: Ids
  /** A number from 0 to below 1, for the jitter of waits. */
  readonly random: () => number
  /** Connections that write at the same time. Default 4. */
  readonly writers?: number
  /** Writes that never wait behind others, on a connection of their own. Default: the renewal of the lease. */
  readonly urgent?: ReadonlySet<string>
  /** Connections that read at the same time. Default 4. */
  readonly readers?: number
  /** The deployment slot of this instance. Default `production`. */
  readonly slot?: string
  /** Name of this instance, for what logs tell of it. Default: none. */
  readonly instance?: string
  /** Told when a connection broke that nobody was using; it is replaced when one is needed. */
  readonly onTrouble: (error: Error) => void
}

/** An instance that could not renew its lease in time must end all that it runs: other writes must not be in its way. */
const URGENT = new Set(['renewInstance'])

/** The oldest PostgreSQL that has what we use, as server_version_num. */
const OLDEST_SERVER = 140_000

const serverVersion = sql(`select current_setting('server_version_num')::bigint as version`)

/**
 * The repository on PostgreSQL. Its schema must be up to date. A write that fails with `store-unavailable` changed
 * nothing, with one exception that no client can rule out: when the connection is lost while COMMIT is under way, the
 * error says `outcome: 'unknown'` in its data and the change may be there. It is not tried again by the store. A
 * transaction that the server dropped because we or the wire stalled within it is, once.
 */
export async function createPostgresStore<W extends Procedures, R extends Procedures>(
  options: PostgresOptions<W, R>,
): Promise<Store<W, R>> {
  const { writers = 4, readers = 4, urgent = URGENT, clock, random } = options
  const slot = (options.slot ?? DEFAULT_SLOT).toLowerCase()
  const { ids, instance = null } = options
  const scope: Scope = { dialect: postgresDialect, ids, slot, instance, leaseTime, send: createSend(clock) }
  const begin = (procedures: Procedures, name: string, input: unknown): Steps<unknown> => {
    const procedure: Procedure<unknown, unknown> | undefined = procedures[name]
    if (procedure === undefined) throw new Error(`There is no procedure ${name}.`)
    return procedure(input, scope)
  }
  // In pipeline mode the frame of a transaction travels with its first statement instead of ahead of it.
  const config = { ...connectionConfig(options), pipeline: true, idleTimeoutMillis: 60_000 }
  const [readPool, writePool, urgentPool] = [readers, writers, 1].map((max) =>
    createPool({ ...config, max }, options.onTrouble),
  ) as [pg.Pool, pg.Pool, pg.Pool]
  const writer = new Writer({ pool: writePool, lanes: writers, clock, random })
  const urgentWriter = new Writer({ pool: urgentPool, lanes: 1, clock, random })
  let stopping: Promise<void> | undefined
  const end = async () => {
    await Promise.all([writer.idle(), urgentWriter.idle()])
    await Promise.all([readPool.end(), writePool.end(), urgentPool.end()])
  }
  const refuseWhenStopped = () => {
    if (stopping !== undefined) throw new JobyardError('store-unavailable', 'The database is closed.')
  }
  const store: Store<W, R> = {
    dialect: postgresDialect,
    async write<N extends keyof W & string>(name: N, input: InputOf<W[N]>) {
      refuseWhenStopped()
      const lane = urgent.has(name) ? urgentWriter : writer
      return (await lane.write(() => begin(options.writes, name, input))) as OutputOf<W[N]>
    },
    async read<N extends keyof R & string>(name: N, input: InputOf<R[N]>) {
      refuseWhenStopped()
      return (await readOnce(readPool, () => begin(options.reads, name, input))) as OutputOf<R[N]>
    },
    stop() {
      stopping ??= end()
      return stopping
    },
  }
  try {
    await readOnce(readPool, checkServer)
  } catch (error) {
    await store.stop()
    throw error
  }
  return store
}

const databaseTime = sql('select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now')

function* leaseTime(): Steps<number> {
  const row = yield* first<{ now: number }>(databaseTime)
  if (row === undefined) throw new Error('The database does not tell the time.')
  return row.now
}

function* checkServer(): Steps<void> {
  const [row] = yield { query: serverVersion, params: [] }
  const version = Number(row?.version)
  if (version >= OLDEST_SERVER) return
  throw unavailable(`PostgreSQL ${Math.floor(version / 10_000)} is too old, 14 is the oldest that will do`, undefined)
}

/** Runs a looking procedure on a connection of its own, outside of any transaction: it sees what is committed. */
async function readOnce<T>(pool: pg.Pool, begin: () => Steps<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw explain(error)
  })
  const session = new Session(client)
  try {
    return await session.run(begin())
  } finally {
    client.release(!session.reusable)
  }
}
