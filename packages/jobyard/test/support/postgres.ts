/**
 * One PostgreSQL for a whole test run, started when the first test file asks for a database. vitest calls
 * {@link setup} and {@link teardown} in its main process; test files call {@link createDatabase} in theirs.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { type Cluster, createDatabaseOn, type Database, startCluster } from './postgres-cluster.ts'

export { type Cluster, type ClusterOptions, type Database, runOn, startCluster } from './postgres-cluster.ts'

/** Environment variable that tells test processes where the desk is that hands out the server's address: port:secret. */
const DESK = 'JOBYARD_TEST_POSTGRES'

let desk: Server | undefined
let cluster: Promise<Cluster> | undefined

/** Opens the desk: a local port that answers whoever knows the secret with the server's address. */
export async function setup(): Promise<void> {
  const secret = randomBytes(16).toString('hex')
  desk = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', async (said) => socket.end(said.toString() === secret ? await answer() : ''))
  })
  desk.listen(0, '127.0.0.1').unref()
  await once(desk, 'listening')
  process.env[DESK] = `${(desk.address() as AddressInfo).port}:${secret}`
}

function answer(): Promise<string> {
  cluster ??= startCluster()
  return cluster.then(
    (started) => JSON.stringify({ url: started.url() }),
    (error: Error) => JSON.stringify({ error: error.message }),
  )
}

/** Ends the server, if a test asked for it, and removes its folder. */
export async function teardown(): Promise<void> {
  desk?.close()
  const started = await cluster?.catch(() => undefined)
  await started?.close()
}

/** A fresh, empty database on the run's server. Drop it when done, or let the run's end remove it. */
export async function createDatabase(): Promise<Database> {
  return createDatabaseOn(await administratorUrl())
}

/** As {@link createDatabase}, with the schema of the repository and of Graphile Worker: a clone, much quicker than migrating. */
export async function createMigratedDatabase(): Promise<Database> {
  const url = await administratorUrl()
  const template = await ensureTemplate(url)
  return createDatabaseOn(url, template)
}

/** Makes the database that others are cloned from, once in a test run. */
async function ensureTemplate(admin: string): Promise<string> {
  const name = 'migrated'
  const client = new pg.Client({ connectionString: admin })
  await client.connect()
  try {
    // Test files run at the same time: the first makes it, the others wait.
    await client.query('select pg_advisory_lock(1)')
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      await client.query(`create database ${name}`)
      const url = new URL(admin)
      url.pathname = `/${name}`
      // Only now: a mistake in there must not keep tests from running that need no database.
      const { migratePostgres } = await import('../../src/store/postgres/migrate.ts')
      await migratePostgres({ url: url.href, at: 0 })
    }
  } finally {
    await client.end()
  }
  return name
}

async function administratorUrl(): Promise<string> {
  const [port, secret] = (process.env[DESK] ?? '').split(':')
  if (secret === undefined) throw new Error('No PostgreSQL: these tests must be run by vitest with its globalSetup.')
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(secret)
  const answer = JSON.parse(await text(socket)) as { url: string } | { error: string }
  if ('error' in answer) throw new Error(answer.error)
  return answer.url
}
