import { requireSafeListening } from '../config/listening.ts'
import type { Config } from '../config.ts'
import { formatDuration } from '../domain/durations.ts'
import { endNow } from '../server/end.ts'
import type { RunningServer } from '../server.ts'
import { printJsonLine } from './answer.ts'
import { DEFAULT_URL } from './connection.ts'
import { EXIT, paint } from './failure.ts'
import { configOf } from './machine.ts'
import { programName } from './program-name.ts'
import type { SettingFlags } from './shape.ts'
import { printFacts } from './table.ts'
import type { Terminal } from './terminal.ts'
import { VERSION } from './version.ts'

/** Starts a server; see `startServer`, which is one. */
export type StartServer = (config: Config) => Promise<RunningServer>

/** How the system asks this process to end. `process` is one. */
export interface Signals {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** Runs the server until it is asked to stop. */
export async function serve(terminal: Terminal, options: SettingFlags): Promise<number> {
  const config = configOf(terminal, options)
  requireSafeListening(config)
  const { startServer } = await import('../server.ts')
  return await runServer(terminal, { config, startServer, json: options.json === true, signals: process, endNow })
}

/** What {@link runServer} works with. */
export interface ServerRun {
  readonly config: Config
  readonly startServer: StartServer
  readonly json: boolean
  readonly signals: Signals
  /** Ends the process at once. */
  readonly endNow: (code: number) => void
}

/** One press of Ctrl-C may arrive twice, from the terminal and from npm, which hands it on: so close it is one. */
const SAME_PRESS_MS = 500

/**
 * Starts the server, says where it is, and stops it gracefully at SIGINT or SIGTERM; a second one ends the process at
 * once. Resolves with the exit code when the server has stopped.
 */
export async function runServer(terminal: Terminal, run: ServerRun): Promise<number> {
  const asked = Promise.withResolvers<void>()
  let askedAt: number | undefined
  const ask = (): void => {
    const now = terminal.clock.elapsed()
    if (askedAt === undefined) {
      askedAt = now
      asked.resolve()
    } else if (now - askedAt >= SAME_PRESS_MS) run.endNow(EXIT.interrupted)
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) run.signals.on(name, ask)
  try {
    const server = await run.startServer(run.config)
    await announce(terminal, run, server)
    await asked.promise
    sayStopping(terminal, run)
    await server.stop()
    return EXIT.ok
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) run.signals.off(name, ask)
  }
}

async function announce(terminal: Terminal, { config, json }: ServerRun, server: RunningServer): Promise<void> {
  const { stdout, stderr } = terminal
  const { address, adminToken, warnings } = server
  if (json) {
    const token = adminToken === undefined ? {} : { adminToken }
    await printJsonLine(terminal, {
      address,
      dataFolder: config.dataFolder,
      ...token,
      warnings,
      version: VERSION,
      pid: process.pid,
    })
    return
  }
  stdout.write(`${paint(stdout, 'bold', `Jobyard ${VERSION}`)} is running.\n`)
  await printFacts(stdout, [
    ['  address', address],
    ['  data folder', config.dataFolder],
    ...(adminToken === undefined ? [] : [['  admin token', adminToken, 'bold'] as const]),
  ])
  if (adminToken !== undefined) {
    const url = address === DEFAULT_URL ? '' : ` --url ${address}`
    const login = `${programName(terminal)} login${url}`
    stdout.write(`  The token is shown this once. Log in with it from another terminal: ${login}\n`)
  }
  for (const warning of warnings) stderr.write(`${paint(stderr, 'yellow', 'warning:')} ${warning}\n`)
  stdout.write('Ctrl-C stops it.\n')
}

function sayStopping(terminal: Terminal, { config, json }: ServerRun): void {
  if (json) return
  const drain = formatDuration(config.drainMs)
  terminal.stdout.write(`Stopping. Runs may take up to ${drain} to end; another Ctrl-C ends everything at once.\n`)
}
