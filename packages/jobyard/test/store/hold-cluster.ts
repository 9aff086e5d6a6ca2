/** As a program: starts a cluster, tells where it is, and holds it until it is killed. */
import pg from 'pg'
import { startCluster } from '../support/postgres.ts'

const cluster = await startCluster()
const client = new pg.Client({ connectionString: cluster.url() })
await client.connect()
const { rows } = await client.query(`select current_setting('data_directory') as data`)
await client.end()
process.send?.({ port: cluster.port, data: rows[0].data })
setInterval(() => undefined, 60_000)
