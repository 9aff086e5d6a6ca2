import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, startCluster } from '../packages/jobyard/test/support/postgres-cluster.ts'
import { Availability } from './availability.ts'
import { type Answer, type Call, send } from './client.ts'
import { type Inspector, inspectPostgres, inspectSqlite } from './database.ts'
import { Instance } from './instance.ts'
import { JOBS, jobInput, readScript } from './jobs.ts'
import type { InstancePlace } from './server.ts'
import type { Violations } from './violations.ts'

/** A database that campaigns run on. */
export type DatabaseName = 'sqlite' | 'postgres'

/** How the servers of a campaign are set up. Durations in milliseconds. */
export interface StageOptions {
  readonly database: DatabaseName
  /** Servers at a time; SQLite takes one. */
  readonly instances: number
  readonly leaseMs: number
  readonly drainMs: number
  /** In which the processes of a dead server must be gone. */
  readonly goneWithinMs: number
}

/** Folders, database and instances of a campaign. */
export interface Stage {
  readonly options: StageOptions
  readonly root: string
  /** Folder for temporary files of the servers and wardens, to see what they leave. */
  readonly temporary: string
  readonly marks: string
  readonly locks: string
  readonly adminToken: string
  readonly availability: Availability
  readonly instances: readonly Instance[]
  readonly inspector: Inspector
  readonly cluster: Cluster | undefined
  /** Ends everything that still runs; the folder stays with `keep`. */
  close(keep: boolean): Promise<void>
}

/** Prepares the folders and the database. No server runs yet. */
export async function openStage(options: StageOptions, violations: Violations): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'jobyard-chaos-'))
  // Jobs may run as another user, who must get through here to their folders, their locks and the file of marks.
  chmodSync(root, 0o711)
  const temporary = makeFolder(join(root, 'tmp'), 0o711)
  const locks = makeFolder(join(root, 'locks'), 0o1777)
  const scratch = makeFolder(join(root, 'scratch'), 0o700)
  const marks = join(root, 'marks')
  writeFileSync(marks, '')
  chmodSync(marks, 0o666)
  const adminToken = randomBytes(24).toString('hex')
  const cluster = options.database === 'postgres' ? await startCluster() : undefined
  const url = (await cluster?.createDatabase())?.url
  const availability = new Availability()
  const instances = Array.from({ length: options.instances }, (_, index) => {
    const place = placeOf({ root, temporary, adminToken, url, options, name: `i${index + 1}` })
    return new Instance({ place, availability, violations, goneWithinMs: options.goneWithinMs })
  })
  const [first] = instances
  if (first === undefined) throw new Error('A campaign needs an instance.')
  const inspector = url === undefined ? inspectSqlite(first.place.dataFolder, scratch) : inspectPostgres(url)
  return {
    ...{ options, root, temporary, marks, locks, adminToken, availability, instances, inspector, cluster },
    async close(keep) {
      await inspector.close()
      for (const instance of instances) {
        if (instance.server?.ended === false) await instance.killAll()
      }
      await cluster?.close()
      if (!keep) rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

function makeFolder(path: string, mode: number): string {
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

interface PlaceParts {
  readonly root: string
  readonly temporary: string
  readonly adminToken: string
  readonly url: string | undefined
  readonly options: StageOptions
  readonly name: string
}

function placeOf({ root, temporary, adminToken, url, options, name }: PlaceParts): InstancePlace {
  const dataFolder = join(root, `data-${name}`)
  return {
    name,
    dataFolder,
    logFile: join(root, `server-${name}.log`),
    env: {
      PATH: process.env.PATH ?? '',
      // Where Node keeps what it compiled: not in the home of whoever tries this.
      XDG_CACHE_HOME: root,
      HOME: root,
      TMPDIR: temporary,
      JOBYARD_DATA: dataFolder,
      JOBYARD_PORT: '0',
      JOBYARD_INSTANCE: name,
      JOBYARD_ADMIN_TOKEN: adminToken,
      JOBYARD_KEY_FILE: join(root, 'key'),
      JOBYARD_CONCURRENCY: '12',
      JOBYARD_DRAIN: `${options.drainMs}ms`,
      JOBYARD_LEASE: `${options.leaseMs}ms`,
      ...(url === undefined ? {} : { JOBYARD_DATABASE_URL: url }),
    },
  }
}

/** Sends a request that must succeed. */
async function insist(stage: Stage, address: string, call: Call): Promise<Answer> {
  const answer = await send(address, stage.adminToken, call)
  if (answer.status === 200 || answer.status === 201) return answer
  throw new Error(`${call.method} ${call.path} was answered with ${JSON.stringify(answer)}`)
}

/** Starts all instances, gives each of them the scripts, and makes the jobs. Answers the jobs' ids by name. */
export async function deployJobs(stage: Stage): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>()
  for (const instance of stage.instances) {
    instance.launch()
    if (!(await instance.ready()))
      throw new Error(`The server ${instance.name} does not start; see ${instance.place.logFile}`)
    for (const script of ['step.sh', 'forever.sh'] as const) {
      const bytes = await readScript(script)
      const call: Call = { method: 'POST', path: `/v1/packages?filename=${script}`, bytes }
      const { body } = requireBody(await insist(stage, instance.address ?? '', call))
      hashes.set(script, String(body.hash))
    }
  }
  const ids = new Map<string, string>()
  for (const job of JOBS) {
    const body = jobInput(job, hashes.get(job.script) ?? '', stage)
    const call: Call = { method: 'POST', path: '/v1/jobs', body }
    const made = requireBody(await insist(stage, addressOf(stage), call))
    ids.set(job.name, String(made.body.id))
  }
  return ids
}

/** The address of an instance that answers. */
export function addressOf(stage: Stage): string {
  const address = stage.instances.map((instance) => instance.address).find((each) => each !== undefined)
  if (address === undefined) throw new Error('No server answers.')
  return address
}

function requireBody(answer: Answer): Extract<Answer, { status: number }> {
  if (answer.status === 'none') throw new Error(answer.why)
  return answer
}

/** Stops or starts the triggers of a job; the request must succeed. */
export async function switchJob(stage: Stage, name: string, verb: 'start' | 'stop'): Promise<void> {
  await insist(stage, addressOf(stage), { method: 'POST', path: `/v1/jobs/${name}/${verb}` })
}
