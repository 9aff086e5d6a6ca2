import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { createApi } from './api/app.ts'
import { VERSION } from './cli/version.ts'
import { requireSafeListening } from './config/listening.ts'
import type { Config } from './config.ts'
import { createArm } from './dialects/arm/index.ts'
import { createKudu } from './dialects/kudu/index.ts'
import { systemClock } from './domain/clock.ts'
import { createIds } from './domain/ids.ts'
import { AppSettings } from './engine/app-settings.ts'
import { Engine } from './engine/engine.ts'
import { Events } from './engine/events.ts'
import { Jobs } from './engine/jobs.ts'
import type { JobKind } from './engine/kind.ts'
import { logEvents } from './engine/log-events.ts'
import type { EngineParts, Identity } from './engine/parts.ts'
import { startProcessHost } from './process/host.ts'
import { sweepStrays } from './process/strays.ts'
import { openDataFolder } from './server/data-folder.ts'
import { type Database, openDatabase } from './server/database.ts'
import { endNow } from './server/end.ts'
import { ensureDefaultCollection } from './server/first-start.ts'
import { openHookCalls } from './server/hook-calls.ts'
import { addressOf, listen, readTls } from './server/listen.ts'
import { createLogger } from './server/logger.ts'
import { checkPortal, findPortal } from './server/portal-folder.ts'
import { openScripts } from './server/scripts.ts'
import { Shutdown } from './server/shutdown.ts'
import { startWatchedFolder } from './server/watched-folder.ts'
import { ensureAdminToken } from './services/auth/token.ts'
import type { ApiSettings } from './services/services.ts'
import { Sealer } from './store/seal.ts'

/** How a server is started. */
export interface StartOptions {
  /**
   * Called when a part has died that the server cannot do without. Default: the process ends at once with exit code 1;
   * its warden ends the jobs, and whoever starts it again finds everything on record.
   */
  readonly onFatal?: (error: Error) => void
  /** Where the log goes, a line of JSON each. Default: standard error. */
  readonly logTo?: NodeJS.WritableStream
}

/** A server that runs. */
export interface RunningServer {
  /** Where it answers, such as `http://127.0.0.1:7780`. */
  readonly address: string
  /** The first administrator's token, when it was made at this start; shown once and stored nowhere. */
  readonly adminToken?: string
  /** What its owner should know: limits that cannot be kept, folders that jobs cannot reach. */
  readonly warnings: readonly string[]
  /**
   * Takes nothing more, lets runs end within the drain time, and closes everything, 35 s after the drain time and the
   * longest grace at the latest. Rejects with `stop-incomplete` when something was left.
   */
  stop(): Promise<void>
}

/** Puts all parts together, from the bottom to the top, and starts them. What was started is stopped when one fails. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  requireSafeListening(config)
  const shutdown = new Shutdown()
  const logger = createLogger(config.logLevel, options.logTo)
  const onFatal = options.onFatal ?? ((error: Error) => dieOf(error, logger))
  try {
    return await assemble(config, logger, onFatal, shutdown)
  } catch (error) {
    // Why it did not start is what its owner must know.
    await stopAll(shutdown, logger).catch(() => undefined)
    throw error
  }
}

function dieOf(error: Error, logger: Logger): void {
  logger.fatal({ err: error }, 'a part died that the server cannot do without')
  endNow(1)
}

/** What the start is told and works with from its first step on. */
interface Beginning {
  readonly config: Config
  readonly logger: Logger
  readonly onFatal: (error: Error) => void
  readonly shutdown: Shutdown
}

async function assemble(
  config: Config,
  logger: Logger,
  onFatal: (error: Error) => void,
  shutdown: Shutdown,
): Promise<RunningServer> {
  const beginning = { config, logger, onFatal, shutdown }
  const ground = await openGround(beginning)
  const work = await openWork(beginning, ground)
  return await openFront(beginning, ground, work)
}

type Ground = Awaited<ReturnType<typeof openGround>>

/** The data folder, the database, and the host of processes. */
async function openGround({ config, logger, onFatal, shutdown }: Beginning) {
  const clock = systemClock
  const ids = createIds(clock)
  const folder = openDataFolder(config, shutdown)
  // Before anything is leased: what an earlier server of this folder left behind must not run beside what comes.
  await sweepStrays({ marked: { dataFolderId: folder.id }, clock })
  const events = new Events(() => clock.now())
  shutdown.add('event log', logEvents(events, logger))
  const common = { clock, ids, random: Math.random, events }
  const database = await openDatabase({ config, ...common, onFatal }, shutdown)
  const identity = { id: ids.next(), name: config.instance }
  const onTrouble = (error: Error) => events.emit({ type: 'error', where: 'warden', error })
  const names = { dataFolderId: folder.id, instanceId: identity.id }
  const host = await startProcessHost({ ...names, channel: database.output.channel, clock, onFatal, onTrouble })
  shutdown.add('process host', () => host.stop())
  return { common, folder, database, identity, host, sealer: new Sealer(folder.key) }
}

type Work = Awaited<ReturnType<typeof openWork>>

/** The kinds of jobs, and the engine that works on them; it does not begin yet. */
async function openWork({ config, shutdown }: Beginning, { common, database, identity, host, sealer }: Ground) {
  const { store, output, alone } = database
  const appSettings = new AppSettings({ ...common, store, sealer, slot: config.slot, alone })
  const parts = { ...common, store, output, appSettings }
  const scripts = await openScripts({ config, ...parts, host, sealer, folder: config.dataFolder })
  shutdown.add('working folders', () => scripts.workspaces.close())
  const kinds = new Map<string, JobKind>([[scripts.kind.name, scripts.kind]])
  const engine = createEngine({ ...parts, kinds }, identity, config, database, VERSION)
  const { clock, ids } = common
  await ensureDefaultCollection(store, ids, clock)
  const admin = await ensureAdminToken({ store, clock, ids }, config.adminToken ?? undefined)
  await appSettings.start()
  shutdown.add('app settings', () => appSettings.stop())
  await database.listen({ settings: () => appSettings.look(), attempts: (runId) => engine.lookAgain(runId) })
  const jobs = new Jobs({ ...parts, kinds }, engine, { outputBytes: config.outputBytes })
  return { parts: { ...parts, kinds }, scripts, engine, jobs, adminToken: admin.created }
}

/** The interface, and everything set going in the order in which it is needed. */
async function openFront(
  { config, logger, shutdown }: Beginning,
  { folder, database: { alone }, identity, host, sealer }: Ground,
  { parts, scripts, engine, jobs, adminToken }: Work,
): Promise<RunningServer> {
  const state = { ready: false, address: '' }
  const services = {
    ...parts,
    engine,
    jobs,
    sealer,
    ...scripts.offered,
    hookCalls: openHookCalls(config, { ...parts, sealer, alone }, () => state.address, shutdown),
    limits: host.support,
    logger,
    version: VERSION,
    settings: apiSettings(config, folder.uploads, () => state.address),
    isReady: () => state.ready,
  }
  const api = await createApi(services, [createKudu(config), createArm(config)])
  const watching = await startWatchedFolder(config, { ...services, user: scripts.user }, logger)
  await engine.start()
  // Bounds itself, by the grace of the runs that it has then.
  shutdown.add('engine', () => engine.stop(), Number.POSITIVE_INFINITY)
  shutdown.add('watched folder', () => watching?.stop())
  await scripts.housekeeping.start()
  shutdown.add('housekeeping', () => scripts.housekeeping.stop())
  await listen(api, config)
  state.address = addressOf(config, api.server)
  state.ready = true
  await services.hookCalls.start()
  // No new requests while runs come to their end, but the answers of those that are under way.
  shutdown.add('interface', () => api.close(), config.drainMs + 5000)
  shutdown.add('readiness', () => {
    state.ready = false
    // Whose answers the interface waits for.
    services.hookCalls.endTrials()
    // Runs are told at once; what comes of it is asked when it is the engine's turn.
    engine.stop().catch(() => undefined)
  })
  logger.info({ address: state.address, instance: identity.id, version: VERSION }, 'the server is up')
  const ofPortal = await checkPortal().catch((err: unknown) => {
    logger.warn({ err }, 'the pages of the portal cannot be looked at')
    return undefined
  })
  const warnings = [...scripts.warnings, ...host.support.notes, ...(ofPortal === undefined ? [] : [ofPortal])]
  const created = adminToken === null ? {} : { adminToken }
  return { address: state.address, ...created, warnings, stop: () => stopAll(shutdown, logger) }
}

async function stopAll(shutdown: Shutdown, logger: Logger): Promise<void> {
  try {
    await shutdown.run()
  } catch (err) {
    logger.error({ err }, 'the server has not ended in good order')
    throw err
  }
}

function createEngine(
  parts: EngineParts,
  identity: Identity,
  { leaseMs, concurrency, drainMs }: Config,
  { dispatcher, alone }: Database,
  version: string,
): Engine {
  const lease = { leaseMs, alone, host: hostname(), pid: process.pid, version }
  return new Engine(parts, { identity, dispatcher, lease, concurrency, drainMs })
}

function apiSettings(config: Config, uploadFolder: string, address: () => string): ApiSettings {
  const { dataFolder, concurrency, behindProxy, publicUrl, slot } = config
  const { bodyBytes, payloadBytes, uploadBytes, liveStreams, liveStreamsPerToken } = config
  const bounds = { bodyBytes, payloadBytes, uploadBytes, liveStreams, liveStreamsPerToken }
  const facts = { dataFolder, uploadFolder, concurrency, behindProxy, slot, pagesFolder: findPortal() }
  return { ...facts, ...bounds, publicUrl: () => publicUrl ?? address(), ...readTls(config) }
}
