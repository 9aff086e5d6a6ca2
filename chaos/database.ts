/** Looks into the database of the program from outside: SQLite in a copy of its files, PostgreSQL on a connection. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import type {
  InstanceRecord,
  JobRecord,
  Leftovers,
  OccurrenceRecord,
  RunRecord,
  Snapshot,
  TaskRecord,
} from './records.ts'

/** Reads what the checks need. */
export interface Inspector {
  /**
   * The state of one moment. `live`: a server may be at work in it. Rejects when the database cannot be reached.
   */
  read(live: boolean): Promise<Snapshot>
  /** The rest, for the end. */
  readLeftovers(): Promise<Leftovers>
  close(): Promise<void>
}

const QUERIES = {
  instances: 'select id, name, pid, state, started_at as "startedAt", expires_at as "expiresAt" from instance',
  jobs: 'select id, name, enabled, run_count as "runCount" from job',
  runs: `select id, job_id as "jobId", number, why, detail, args, state, wanted, plan_closed as "planClosed", owner, fence,
    crashes, dispatch_at as "dispatchAt", queued, scheduled_for as "scheduledFor", created_at as "createdAt",
    started_at as "startedAt", finished_at as "finishedAt", reason_code as "reasonCode", exit_code as "exitCode",
    n_pending as "nPending", n_running as "nRunning", n_blocked as "nBlocked", n_disconnected as "nDisconnected",
    n_suspended as "nSuspended", n_completed as "nCompleted", n_failed as "nFailed", n_stopped as "nStopped"
    from run order by id`,
  tasks: `select id, run_id as "runId", target, attempt, latest, state, owner, fence, parked_until as "parkedUntil",
    reason_code as "reasonCode", exit_code as "exitCode", created_at as "createdAt", started_at as "startedAt",
    finished_at as "finishedAt" from task order by id`,
  occurrences: `select job_id as "jobId", due, outcome, run_id as "runId", more, recorded_at as "recordedAt"
    from occurrence order by job_id, due`,
} as const satisfies Record<keyof Snapshot, string>

/** Opens the inspector of a data folder with SQLite. `scratch`: where copies may be made. */
export function inspectSqlite(dataFolder: string, scratch: string): Inspector {
  return {
    read: async (live) => {
      const path = join(dataFolder, 'jobyard.db')
      return live ? onLive(path, readSnapshot) : onCopy(path, scratch, readSnapshot)
    },
    readLeftovers: async () => readSqliteLeftovers(dataFolder, scratch),
    close: async () => undefined,
  }
}

function readSnapshot(database: DatabaseSync): Snapshot {
  const all = <Row>(text: string): Row[] => database.prepare(text).all() as Row[]
  return {
    instances: all<InstanceRecord>(QUERIES.instances),
    jobs: all<JobRecord>(QUERIES.jobs),
    runs: all<RunRecord>(QUERIES.runs),
    tasks: all<TaskRecord>(QUERIES.tasks),
    occurrences: all<OccurrenceRecord>(QUERIES.occurrences),
  }
}

/** Opens the database beside the server that works in it; a copy made now could be torn. */
function onLive<T>(path: string, use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    database.exec('begin')
    return use(database)
  } finally {
    database.close()
  }
}

/**
 * Opens a copy of the files as they lie on the disk. Opening the database itself would do the recovery after a crash that
 * the next server shall do.
 */
function onCopy<T>(path: string, scratch: string, use: (database: DatabaseSync) => T): T {
  const folder = mkdtempSync(join(scratch, 'copy-'))
  try {
    const copy = join(folder, 'copy.db')
    for (const ending of ['', '-wal']) if (existsSync(path + ending)) copyFileSync(path + ending, copy + ending)
    const database = new DatabaseSync(copy)
    try {
      return use(database)
    } finally {
      database.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const COUNTED = ['instance', 'run', 'task', 'occurrence', 'payload', 'idempotency', 'audit', 'package', 'continuous']

function readSqliteLeftovers(dataFolder: string, scratch: string): Leftovers {
  const main = onCopy(join(dataFolder, 'jobyard.db'), scratch, (database) => ({
    integrity: checkIntegrity(database, 'jobyard.db'),
    tasks: new Set(column(database, 'select id as value from task union select task_id from output_trash')),
    trash: column(database, 'select task_id as value from output_trash').length,
    rows: Object.fromEntries(COUNTED.map((table) => [table, countRows(database, table)])),
  }))
  const output = onCopy(join(dataFolder, 'output.db'), scratch, (database) => ({
    integrity: checkIntegrity(database, 'output.db'),
    logs: column(database, 'select task_id as value from logs'),
    rows: { chunks: countRows(database, 'chunks'), logs: countRows(database, 'logs') },
  }))
  return {
    integrity: [...main.integrity, ...output.integrity],
    messages: 0,
    orphanLogs: output.logs.filter((id) => !main.tasks.has(id)).length,
    outputBytes: statSync(join(dataFolder, 'output.db')).size,
    trash: main.trash,
    rows: { ...main.rows, ...output.rows },
  }
}

function column(database: DatabaseSync, text: string): string[] {
  return database
    .prepare(text)
    .all()
    .map(({ value }) => String(value))
}

function countRows(database: DatabaseSync, table: string): number {
  return Number(column(database, `select count(*) as value from ${table}`)[0])
}

function checkIntegrity(database: DatabaseSync, file: string): string[] {
  return database
    .prepare('pragma integrity_check')
    .all()
    .map((row) => String(row.integrity_check))
    .filter((text) => text !== 'ok')
    .map((text) => `${file}: ${text}`)
}

/** Numbers of 64 bits come as text otherwise; all of ours are small enough. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid) => (oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid)),
}

/** Opens the inspector of a PostgreSQL database. It connects anew after the database was away. */
export function inspectPostgres(url: string): Inspector {
  const pool = new pg.Pool({ connectionString: url, max: 1, types: TYPES, options: '-c search_path=jobyard,public' })
  // A connection that dies while nobody uses it is replaced by the next use.
  pool.on('error', () => undefined)
  // One that is in use, but between two queries, tells of a killed database by itself; the next query says so, too.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return {
    read: () => inOneMoment(pool, readPostgres),
    readLeftovers: () => inOneMoment(pool, readPostgresLeftovers),
    close: () => pool.end(),
  }
}

async function inOneMoment<T>(pool: pg.Pool, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken = true
  try {
    await client.query('begin isolation level repeatable read read only')
    const result = await use(client)
    await client.query('commit')
    broken = false
    return result
  } finally {
    client.release(broken)
  }
}

async function readPostgres(client: pg.ClientBase): Promise<Snapshot> {
  const all = async <Row extends object>(text: string): Promise<Row[]> => (await client.query<Row>(text)).rows
  return {
    instances: await all<InstanceRecord>(QUERIES.instances),
    jobs: await all<JobRecord>(QUERIES.jobs),
    runs: await all<RunRecord>(QUERIES.runs),
    tasks: await all<TaskRecord>(QUERIES.tasks),
    occurrences: await all<OccurrenceRecord>(QUERIES.occurrences),
  }
}

async function readPostgresLeftovers(client: pg.ClientBase): Promise<Leftovers> {
  const one = async (text: string): Promise<number> => Number((await client.query(text)).rows[0]?.value)
  const rows: Record<string, number> = {}
  for (const table of [...COUNTED, 'output_logs', 'output_chunks']) {
    rows[table] = await one(`select count(*) as value from ${table}`)
  }
  return {
    integrity: [],
    messages: await one('select count(*) as value from graphile_worker.jobs'),
    orphanLogs: await one(`select count(*) as value from output_logs l where not exists
      (select 1 from task t where t.id = l.task_id) and not exists
      (select 1 from output_trash o where o.task_id = l.task_id)`),
    outputBytes: await one(`select pg_total_relation_size('output_chunks') as value`),
    trash: await one('select count(*) as value from output_trash'),
    rows,
  }
}
