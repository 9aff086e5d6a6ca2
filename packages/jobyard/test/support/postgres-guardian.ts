/**
 * The process that owns a test cluster. It outlives whoever asked for the cluster by a moment: when the channel to
 * the asker closes, for whatever reason, it ends PostgreSQL and removes the folder.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Binaries, findBinaries, findUnprivilegedUser, programEnv, type RunAs } from './postgres-binaries.ts'

/** What the asker may want. */
export interface GuardianRequest {
  readonly id: number
  readonly action: 'init' | 'start' | 'stop' | 'kill'
}

/** How it went; `init` and `start` give the port. */
export interface GuardianReply {
  readonly id: number
  readonly error?: string
  readonly port?: number
}

/** What the guardian is started with, as JSON in its first argument. */
export interface GuardianOptions {
  readonly folder: string
  readonly password: string
  readonly settings: Readonly<Record<string, string>>
}

/** How often another port is tried when somebody took the free one in between, and how often a start after a kill. */
const START_ATTEMPTS = 20

const { folder, password, settings } = JSON.parse(process.argv[2] ?? '{}') as GuardianOptions
const runAs: RunAs | undefined = findUnprivilegedUser()
const data = join(folder, 'data')

let binaries: Binaries | undefined
let server: ChildProcess | undefined
let exited: Promise<void> = Promise.resolve()
let port = 0

async function init(): Promise<void> {
  if (runAs !== undefined) chownSync(folder, runAs.uid, runAs.gid)
  mkdirSync(data, { mode: 0o700 })
  if (runAs !== undefined) chownSync(data, runAs.uid, runAs.gid)
  binaries = findBinaries(folder, runAs)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (runAs !== undefined) chownSync(passwordFile, runAs.uid, runAs.gid)
  const options = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-sync']
  // Linguistic order as most installations have it, so that a column that must be compared by bytes has to say so.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  // A connection costs two derivations of the key: 4096 rounds would be most of a short test.
  const quick = ['--set=scram_iterations=1', '--wal-segsize=4']
  const args = [`--pgdata=${data}`, ...options, ...locale, ...quick]
  await promisify(execFile)(binaries.initdb, args, { ...runAs, cwd: folder, env: programEnv() })
}

async function start(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    if (port === 0) port = await findFreePort()
    const problem = await startOnce()
    if (problem === undefined) return
    if (attempt === START_ATTEMPTS) throw new Error(`PostgreSQL does not start: ${problem}`)
    if (/could not create any TCP\/IP sockets/.test(problem) && !startedBefore) port = 0
    // Backends of a killed postmaster take a moment to notice that they are alone.
    else await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

let startedBefore = false

/** Starts the server; resolves with nothing when it takes connections, else with what it said. */
function startOnce(): Promise<string | undefined> {
  if (binaries === undefined) throw new Error('The cluster was not initialised.')
  const all = { ...settings, port: String(port) }
  const args = ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const child = spawn(binaries.postgres, args, {
    ...runAs,
    cwd: folder,
    env: programEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  server = child
  return new Promise((resolve) => {
    let log = ''
    exited = new Promise((done) => {
      child.once('exit', () => {
        server = undefined
        done()
        resolve(log)
      })
    })
    child.once('error', (error) => resolve(error.message))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-8192)
      if (!text.includes('ready to accept connections')) return
      startedBefore = true
      resolve(undefined)
    })
  })
}

async function end(signal: NodeJS.Signals): Promise<void> {
  server?.kill(signal)
  await exited
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** A killed server leaves its key segment behind (the last line but one of its lock file names it). */
async function removeSharedMemory(): Promise<void> {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return // An orderly end removes the file and the segment with it.
  }
  const segment = lines[6]?.trim().split(/\s+/)[1]
  if (segment === undefined) return
  await promisify(execFile)('ipcrm', ['-m', segment]).catch(() => undefined)
}

async function perform(action: GuardianRequest['action']): Promise<void> {
  if (action === 'init') await init()
  else if (action === 'start') await start()
  // Fast shutdown: connections are ended, everything is written.
  else if (action === 'stop') await end('SIGINT')
  else await end('SIGKILL')
}

let queue: Promise<void> = Promise.resolve()

process.on('message', ({ id, action }: GuardianRequest) => {
  queue = queue.then(async () => {
    const reply: GuardianReply = await perform(action).then(
      () => ({ id, port }),
      (error: unknown) => ({ id, error: error instanceof Error ? error.message : String(error) }),
    )
    if (process.connected) process.send?.(reply)
  })
})

process.once('disconnect', async () => {
  // Immediate shutdown, whatever is under way: nobody will look at the data again.
  const urgent = setInterval(() => server?.kill('SIGQUIT'), 200)
  server?.kill('SIGQUIT')
  await queue
  await end('SIGQUIT')
  clearInterval(urgent)
  await removeSharedMemory()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  process.exit(0)
})

// The terminal's signals go to the whole group; the asker's end is what counts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
