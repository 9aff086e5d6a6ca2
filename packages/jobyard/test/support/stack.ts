import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dispatcher } from '../../src/dispatch/contract.ts'
import { createGraphileDispatcher } from '../../src/dispatch/graphile.ts'
import { createLocalDispatcher } from '../../src/dispatch/local.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { createIds } from '../../src/domain/ids.ts'
import type { Policy, RunRow, TriggerSpec } from '../../src/domain/model.ts'
import { AppSettings } from '../../src/engine/app-settings.ts'
import { Engine } from '../../src/engine/engine.ts'
import { Events, type NumberedEvent } from '../../src/engine/events.ts'
import { type JobInput, Jobs } from '../../src/engine/jobs.ts'
import type { JobKind } from '../../src/engine/kind.ts'
import type { EngineParts } from '../../src/engine/parts.ts'
import { migrateUp } from '../../src/store/migrate.ts'
import type { OutputStore } from '../../src/store/output/contract.ts'
import { createOutputStore } from '../../src/store/output/store.ts'
import { createPostgresNotifier } from '../../src/store/postgres/notifier.ts'
import { createPostgresStore } from '../../src/store/postgres/store.ts'
import { type Repository, reads, writes } from '../../src/store/procedures/index.ts'
import { ATTEMPTS_CHANNEL } from '../../src/store/procedures/resolve-tasks.ts'
import { SETTINGS_CHANNEL } from '../../src/store/procedures/settings.ts'
import { Sealer } from '../../src/store/seal.ts'
import { sqliteDialect } from '../../src/store/sql.ts'
import { SqliteDatabase } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/store.ts'
import { eventually } from './eventually.ts'
import { createMigratedDatabase } from './postgres.ts'

/** Who the tests act as. */
export const ACTOR = { name: 'tester', role: 'admin', address: null } as const

/** The databases that every behaviour of the engine must hold on. */
export const DATABASES = ['sqlite', 'postgres'] as const

/** One of {@link DATABASES}. */
export type DatabaseName = (typeof DATABASES)[number]

/** A database that stacks can share and that outlives them. */
export interface Place {
  readonly folder: string
  /** Absent: SQLite in the folder. */
  readonly url?: string
  drop(): Promise<void>
}

/** Makes an empty database with its schema. */
export async function makePlace(name: DatabaseName): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-engine-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  if (name === 'sqlite') {
    migrate(folder)
    return { folder, drop: removeFolder }
  }
  const database = await createMigratedDatabase()
  return {
    folder,
    url: database.url,
    async drop() {
      await database.drop()
      await removeFolder()
    },
  }
}

/** How a stack differs from the usual one. */
export interface StackOptions {
  readonly kinds: readonly JobKind[]
  readonly clock?: Clock
  /** A database to go on with; absent: a new one of SQLite, dropped at the stop. */
  readonly place?: Place
  readonly concurrency?: number
  readonly drainMs?: number
  readonly leaseMs?: number
  /** False: other instances may share the database. Default true. */
  readonly alone?: boolean
  readonly instance?: string
  /** Default `production`. */
  readonly slot?: string
}

/** A whole engine on real parts: SQLite, output store, dispatcher. */
export interface Stack {
  readonly place: Place
  readonly parts: EngineParts
  readonly engine: Engine
  readonly jobs: Jobs
  readonly settings: AppSettings
  readonly store: Repository
  readonly events: NumberedEvent[]
  readonly collectionId: string
  /** Makes a job of the first kind. */
  job(
    name: string,
    input?: Partial<Omit<JobInput, 'policy'>> & { policy?: Partial<Policy>; triggers?: TriggerSpec[] },
  ): Promise<string>
  /** Asks for a run by hand and gives its id. */
  run(jobId: string): Promise<string>
  /** Waits until a run is in a state. */
  reach(runId: string, state: RunRow['state']): Promise<RunRow>
  /** Stops the engine and closes the databases; a second time, or after {@link close}, it does nothing more. */
  stop(): Promise<void>
  /** Closes the databases alone, for a stack whose engine has been stopped already. */
  close(): Promise<void>
}

/** Prepares an empty database in a folder. */
export function migrate(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'jobyard.db'), { readOnly: false })
  database.run(migrateUp({ dialect: sqliteDialect, at: 0 }))
  database.close()
}

/** Starts an engine on real parts. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const place = options.place ?? (await makePlace('sqlite'))
  const clock = options.clock ?? systemClock
  const ids = createIds(clock)
  const problems: Error[] = []
  const events = new Events(() => clock.now())
  const seen: NumberedEvent[] = []
  events.listen((event) => seen.push(event))
  const identity = { id: ids.next(), name: options.instance ?? 'here' }
  const base = { clock, ids, random: () => 0.5, events, onFatal: (error: Error) => problems.push(error) }
  const slot = options.slot ?? 'production'
  const { store, output, dispatcher, onSettings, onAttempts, close } = await openDatabase(
    place,
    base,
    identity.name,
    slot,
  )
  const kinds = new Map(options.kinds.map((kind) => [kind.name, kind]))
  const alone = options.alone ?? true
  const settings = new AppSettings({ ...base, store, sealer: new Sealer(Buffer.alloc(32, 7)), slot, alone })
  const parts: EngineParts = { store, output, ...base, kinds, appSettings: settings }
  const lease = { leaseMs: options.leaseMs ?? 15_000, host: 'test', pid: process.pid, version: '0' }
  const engine = new Engine(parts, {
    identity,
    dispatcher,
    lease: { ...lease, alone },
    concurrency: options.concurrency ?? 16,
    drainMs: options.drainMs ?? 0,
  })
  await settings.start()
  await onSettings(() => settings.look())
  await onAttempts((runId) => engine.lookAgain(runId))
  await engine.start()
  const jobs = new Jobs(parts, engine)
  const collectionId = await defaultCollection(store, ids.next(), clock.now())
  const [first] = options.kinds
  let closed = false
  return {
    place,
    parts,
    engine,
    jobs,
    settings,
    store,
    events: seen,
    collectionId,
    async job(name, input = {}) {
      const saved = await jobs.save({ collectionId, kind: first?.name ?? '', name, ...input }, 'either', ACTOR)
      return saved.job.id
    },
    async run(jobId) {
      const outcome = await engine.request({ id: ids.next(), jobId, why: 'manual', detail: {}, args: [] })
      if (!outcome.ok) throw new Error(outcome.text)
      return outcome.id
    },
    reach: (runId, state) =>
      eventually(`run ${runId} is ${state}`, async () => {
        const run = await store.read('getRun', { id: runId })
        return run?.state === state && run
      }),
    stop: once(async () => {
      if (closed) return
      await engine.stop()
      await settings.stop()
      await close()
      if (options.place === undefined) await place.drop()
      if (problems.length > 0) throw problems[0]
    }),
    async close() {
      closed = true
      await settings.stop()
      await close()
    },
  }
}

interface Opened {
  readonly store: Repository
  readonly output: OutputStore
  readonly dispatcher: Dispatcher
  onSettings(look: () => void): Promise<void>
  onAttempts(look: (runId: string) => void): Promise<void>
  close(): Promise<void>
}

type Base = Pick<EngineParts, 'clock' | 'ids' | 'random' | 'events'> & { onFatal: (error: Error) => void }

async function openDatabase(place: Place, base: Base, name: string, slot: string): Promise<Opened> {
  const { clock, ids, random, events, onFatal } = base
  const report = (where: string) => (error: unknown) => events.emit({ type: 'error', where, error })
  const claims = { clock, random, onError: report('dispatch') }
  if (place.url === undefined) {
    const store: Repository = createSqliteStore({
      path: join(place.folder, 'jobyard.db'),
      onFatal,
      slot,
      instance: name,
    })
    const output = await createOutputStore({
      database: { kind: 'sqlite', path: join(place.folder, 'output.db') },
      onFatal,
    })
    const close = once(async () => {
      await output.stop()
      await store.stop()
    })
    const deaf = async () => undefined
    return { store, output, dispatcher: createLocalDispatcher(claims), onSettings: deaf, onAttempts: deaf, close }
  }
  const { url } = place
  const output = await createOutputStore({ database: { kind: 'postgres', url }, onFatal })
  const store: Repository = await createPostgresStore({
    url,
    writes,
    reads,
    clock,
    ids,
    random,
    slot,
    instance: name,
    onTrouble: report('database'),
  })
  // Connections are watched by the machine's clock, even where the test moves its own.
  const notifier = await createPostgresNotifier({ url, clock: systemClock, random, onTrouble: report('notifications') })
  const dispatcher = createGraphileDispatcher({ ...claims, url, name, notifier })
  const close = once(async () => {
    await notifier.stop()
    await output.stop()
    await store.stop()
  })
  const onSettings = async (look: () => void) => {
    notifier.onGap(look)
    await notifier.on(SETTINGS_CHANNEL, look)
  }
  const onAttempts = async (look: (runId: string) => void) => void (await notifier.on(ATTEMPTS_CHANNEL, look))
  return { store, output, dispatcher, onSettings, onAttempts, close }
}

function once(act: () => Promise<void>): () => Promise<void> {
  let acting: Promise<void> | undefined
  return () => {
    acting ??= act()
    return acting
  }
}

async function defaultCollection(store: Repository, id: string, at: number): Promise<string> {
  const [existing] = await store.read('listCollections', undefined)
  if (existing !== undefined) return existing.id
  try {
    return (await store.write('addCollection', { id, name: 'default', actor: ACTOR, at })).id
  } catch (error) {
    // Another stack on the same database was quicker.
    const [made] = await store.read('listCollections', undefined)
    if (made === undefined) throw error
    return made.id
  }
}
