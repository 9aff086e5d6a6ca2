import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getuid } from 'node:process'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { GuardianOptions, GuardianReply, GuardianRequest } from './postgres-guardian.ts'

/** A PostgreSQL server of one's own. */
export interface Cluster {
  /** Address of a database on it, with user and password; the server's own database without a name. */
  url(database?: string): string
  /** The port it listens on, on 127.0.0.1; stays the same over stops and starts. */
  readonly port: number
  createDatabase(): Promise<Database>
  /** Ends all connections and shuts down in good order. */
  stop(): Promise<void>
  /** SIGKILLs the postmaster; its backends end themselves. */
  kill(): Promise<void>
  /** Starts it again after {@link stop} or {@link kill}. */
  start(): Promise<void>
  /** Stops and starts it. */
  restart(): Promise<void>
  /** Ends everything and removes the folder. */
  close(): Promise<void>
}

/** A database for one test file. */
export interface Database {
  readonly url: string
  /** Ends its connections and removes it. */
  drop(): Promise<void>
}

/** How a cluster is to be. */
export interface ClusterOptions {
  /** True: commits reach the disk. Default: only the system's cache, which outlives a kill but no power cut. */
  readonly fsync?: boolean
  /** Further settings by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts a PostgreSQL server that ends when this process does, however it ends, and leaves no folder behind. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(openTemporaryFolder(), 'jobyard-pg-'))
  const password = randomBytes(12).toString('hex')
  const guardian = new Guardian({ folder, password, settings: settingsOf(options) })
  try {
    await guardian.ask('init')
    await guardian.ask('start')
  } catch (error) {
    await guardian.close()
    throw error
  }
  return clusterOf(guardian, password)
}

function clusterOf(guardian: Guardian, password: string): Cluster {
  const url = (database = 'postgres') => `postgres://postgres:${password}@127.0.0.1:${guardian.port}/${database}`
  return {
    url,
    get port() {
      return guardian.port
    },
    createDatabase: () => createDatabaseOn(url()),
    stop: () => guardian.ask('stop'),
    kill: () => guardian.ask('kill'),
    start: () => guardian.ask('start'),
    async restart() {
      await guardian.ask('stop')
      await guardian.ask('start')
    },
    close: () => guardian.close(),
  }
}

/** Makes a fresh database, a clone of `template`, on the server behind an administrator's address. */
export async function createDatabaseOn(admin: string, template = 'template1'): Promise<Database> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await runOn(admin, `create database ${name} template ${template}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => runOn(admin, `drop database if exists ${name} with (force)`) }
}

/** Runs one statement on a connection of its own. */
export async function runOn(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  // A connection that breaks fails its query; between two it has nothing to say.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

function settingsOf({ fsync = false, settings = {} }: ClusterOptions): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // In the data folder instead of /dev/shm, so that a kill leaves nothing there.
    dynamic_shared_memory_type: 'mmap',
    max_connections: '200',
    shared_buffers: '64MB',
    ...(fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...settings,
  }
}

/** The system's folder for temporary files, or /tmp when the user that PostgreSQL runs as could not get there. */
function openTemporaryFolder(): string {
  const folder = tmpdir()
  if (getuid?.() !== 0) return folder
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) break
    if (at === dirname(at)) return folder
  }
  accessSync('/tmp', constants.W_OK)
  return '/tmp'
}

/** Our end of the process that owns the cluster. */
class Guardian {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, (reply: GuardianReply) => void>()
  #lastId = 0
  port = 0

  constructor(options: GuardianOptions) {
    const program = fileURLToPath(new URL('./postgres-guardian.ts', import.meta.url))
    // A group of its own: what ends the tests' group must leave it time to clean up.
    this.#process = fork(program, [JSON.stringify(options)], {
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#exited = once(this.#process, 'exit').then(() => this.#failAll())
    this.#process.on('message', (reply: GuardianReply) => {
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
    this.#process.unref()
    this.#process.channel?.unref()
  }

  ask(action: GuardianRequest['action']): Promise<void> {
    const id = ++this.#lastId
    this.#process.channel?.ref()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, port }) => {
        this.#process.channel?.unref()
        this.port = port ?? this.port
        if (error === undefined) resolve()
        else reject(new Error(error))
      })
      if (this.#process.connected) this.#process.send({ id, action } satisfies GuardianRequest)
      else this.#failAll()
    })
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return
    this.#process.ref()
    if (this.#process.connected) this.#process.disconnect()
    await this.#exited
  }

  #failAll(): void {
    for (const [id, settle] of this.#waiting) settle({ id, error: 'The process that owns the cluster is gone.' })
    this.#waiting.clear()
  }
}
