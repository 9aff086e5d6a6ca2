import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Jobyard, JobyardProblem, type Run } from '@jobyard/client'
import { onTestFinished } from 'vitest'
import { readResident } from '../../../../chaos/processes.ts'
import { listProcesses, readLogTail, ServerProcess } from '../../../../chaos/server.ts'
import { eventually } from '../support/eventually.ts'

/** A real server in a folder of its own, with a client of it. */
export interface LoneServer {
  readonly jobyard: Jobyard
  readonly address: string
  readonly dataFolder: string
  /** Uploads a shell script and makes a job of it; `spec` and `policy` as the interface takes them. */
  makeJob(name: string, script: string, more?: { readonly spec?: object; readonly policy?: object }): Promise<void>
  /** Starts the job and waits for the end of its run. */
  run(name: string, withinMs?: number): Promise<Run>
  /** Fails unless the server lives and says so. */
  requireAlive(): Promise<void>
  /** Resident memory of the server process now, in bytes. */
  memory(): number
}

/**
 * Starts a server; it ends with the test, and nothing may be left of it then. `dataFolder`: default, one in the folder for
 * temporary files.
 */
export async function startLoneServer(options: { readonly dataFolder?: string } = {}): Promise<LoneServer> {
  const root = mkdtempSync(join(tmpdir(), 'jobyard-lone-'))
  // Jobs may run as another user, who must come through here.
  chmodSync(root, 0o711)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const dataFolder = options.dataFolder ?? join(root, 'data')
  const token = randomBytes(24).toString('hex')
  const server = new ServerProcess({
    name: 'lone',
    dataFolder,
    logFile: join(root, 'server.log'),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: root,
      TMPDIR: makeFolder(join(root, 'tmp')),
      JOBYARD_DATA: dataFolder,
      JOBYARD_PORT: '0',
      JOBYARD_ADMIN_TOKEN: token,
      JOBYARD_DRAIN: '1s',
    },
  })
  onTestFinished(async () => {
    server.signal('SIGTERM')
    const late = setTimeout(() => server.signal('SIGKILL'), 15_000)
    await server.exited
    clearTimeout(late)
    await eventually('nothing is left of the server', () => listProcesses(server.place).length === 0)
  })
  const address = await server.ready
  if (address === undefined) throw new Error(`The server does not start: ${readLogTail(server.place).join('\n')}`)
  const jobyard = new Jobyard({ url: address, token })
  return {
    jobyard,
    address,
    dataFolder,
    async makeJob(name, script, { spec = {}, policy = {} } = {}) {
      const { hash } = await jobyard.packages.upload(new TextEncoder().encode(script), 'run.sh')
      await jobyard.jobs.create({ name, package: hash, spec: { ...spec }, policy: { ...policy } })
    },
    async run(name, withinMs = 30_000) {
      const { id } = await jobyard.runs.create(name)
      return await jobyard.runs.wait(id, { timeoutMs: withinMs })
    },
    async requireAlive() {
      const response = await fetch(new URL('/health/live', address))
      if (!response.ok || server.ended) throw new Error(`The server is not alive: ${response.status}`)
    },
    memory: () => readResident(server.pid) ?? 0,
  }
}

function makeFolder(path: string): string {
  mkdirSync(path)
  return path
}

/** The code of the problem that a call ends with; undefined when it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (error instanceof JobyardProblem) return error.code
    throw error
  }
}
