import pg from 'pg'
import { createGraphileDispatcher, type GraphileDispatcher } from '../../src/dispatch/graphile.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { connectionConfig } from '../../src/store/postgres/connection.ts'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { createPostgresNotifier, type Notifier } from '../../src/store/postgres/notifier.ts'
import { createSend } from '../../src/store/postgres/send.ts'
import { Session } from '../../src/store/postgres/session.ts'
import type { Bench, TestRun } from './exercise.ts'
import { INSERT_RUNS, messagesOf } from './run-table.ts'

/** A bench on PostgreSQL, and what tests of this dispatcher alone need besides. */
export interface GraphileBench extends Bench {
  readonly pool: pg.Pool
  createDispatcher(name: string, onError: (error: unknown) => void): Promise<GraphileDispatcher>
}

const TAKE = `update run set owner = $1, dispatch_at = null where id in (
    select id from run where dispatch_at <= $2 and ($3::text[] is null or id = any($3))
    order by dispatch_at, id limit $4 for update skip locked) returning id`

/** A bench on a database, which is brought up to date and emptied of runs and messages first. */
export async function openGraphileBench(url: string): Promise<GraphileBench> {
  await migratePostgres({ url, at: 1 })
  const pool = new pg.Pool({ ...connectionConfig({ url }), max: 4 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  await pool.query('truncate run; truncate graphile_worker._private_jobs')
  const notifiers: Notifier[] = []
  const send = createSend(systemClock)
  const write = async (runs: readonly TestRun[], inserts: boolean, sends: boolean) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      if (inserts) await client.query(INSERT_RUNS, [JSON.stringify(runs)])
      if (sends) await new Session(client).run(send(messagesOf(runs)))
      await client.query('commit')
    } finally {
      client.release()
    }
  }
  const bench: GraphileBench = {
    pool,
    insert: (runs) => write(runs, true, true),
    insertUnheard: (runs) => write(runs, true, false),
    repeat: (runs) => write(runs, false, true),
    async sweep() {
      const sweeper = await bench.createDispatcher('sweeper', () => undefined)
      await sweeper.resend(Date.now())
      await sweeper.stop()
    },
    async claim(owner, limit, runIds) {
      const { rows } = await pool.query(TAKE, [owner, Date.now(), runIds ?? null, limit])
      const next = await pool.query('select min(dispatch_at) as due from run where dispatch_at is not null')
      return { ids: rows.map(({ id }) => id), nextDue: next.rows[0].due }
    },
    async createDispatcher(name, onError) {
      const common = { url, clock: systemClock, random: Math.random }
      const notifier = await createPostgresNotifier({ ...common, onTrouble: onError })
      notifiers.push(notifier)
      return createGraphileDispatcher({ ...common, name, notifier, onError })
    },
    async close() {
      await Promise.all(notifiers.map((notifier) => notifier.stop()))
      await pool.end()
    },
  }
  return bench
}
