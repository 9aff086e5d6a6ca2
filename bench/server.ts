import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { type ServerProcess, startServerProcess } from '../scripts/server.ts'

/** A request to /v1 that must succeed. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly path: string
  /** Sent as JSON, bytes as they are. */
  readonly body?: object | Uint8Array
  /** Default: JSON. */
  readonly accept?: string
  /** The header Range. Default: none. */
  readonly range?: string
}

/** What Linux counts processor time in, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100

/** A folder of its own below the system's folder for temporary files. */
export interface Folder extends AsyncDisposable {
  readonly path: string
}

/** Makes a folder that goes with its disposal. */
export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'jobyard-bench-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A real server on a folder, with a client whose connections stay open. */
export class BenchServer implements AsyncDisposable {
  readonly folder: string
  readonly #process: ServerProcess
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #token: string

  constructor(folder: string, process: ServerProcess, token: string) {
    this.folder = folder
    this.#process = process
    this.#token = token
  }

  /** Starts a server in a folder of an earlier one, whose admin token is needed then, or in a new one. */
  static async start(folder: string, flags: readonly string[] = [], token?: string): Promise<BenchServer> {
    const process = await startServerProcess({ data: folder, flags })
    return new BenchServer(folder, process, token ?? process.adminToken)
  }

  get token(): string {
    return this.#token
  }

  /** Such as `http://127.0.0.1:41234`. */
  get address(): string {
    return this.#process.address
  }

  /** The server's own process. */
  get pid(): number {
    return this.#process.pid
  }

  /** The server's process and all that descend from it at this moment: its warden, and what that one runs. */
  get pids(): number[] {
    const parents = readParents()
    const found = [this.#process.pid]
    for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child)
    return found
  }

  /** Processor time so far of the server and its descendants, those that have ended included, in seconds. */
  get cpuSeconds(): number {
    return this.pids.reduce((sum, pid) => sum + readCpuTicks(pid), 0) / TICKS_PER_SECOND
  }

  /**
   * Resident memory in MB: of the server, and of it and its descendants together, where the pages of files, which are
   * mostly those of the one program that all of them run, count once.
   */
  get residentMb(): { readonly server: number; readonly all: number } {
    const sizes = this.pids.map((pid) => {
      const status = readProc(pid, 'status')
      return { own: readMb(status, 'RssAnon') + readMb(status, 'RssShmem'), file: readMb(status, 'RssFile') }
    })
    const [server] = sizes
    const all = sizes.reduce((sum, { own }) => sum + own, 0) + Math.max(...sizes.map(({ file }) => file))
    return { server: server === undefined ? 0 : server.own + server.file, all }
  }

  /** Sends a request; resolves with the answer once its head is there. */
  open({ method, path, body, accept = 'application/json', range }: Call): Promise<IncomingMessage> {
    const isBytes = body instanceof Uint8Array
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.#process.address), {
        method,
        agent: this.#agent,
        headers: {
          accept,
          authorization: `Bearer ${this.#token}`,
          ...(range === undefined ? {} : { range }),
          ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        },
      })
      sent.once('response', resolve).once('error', reject)
      sent.end(isBytes ? body : JSON.stringify(body))
    })
  }

  /** Sends a request and gives the text of its answer. Throws when it is refused. */
  async text(call: Call): Promise<string> {
    const answer = await this.open(call)
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const { statusCode = 0 } = answer
    if (statusCode >= 300) throw new Error(`${call.method} ${call.path} was answered with ${statusCode}: ${text}`)
    return text
  }

  /** Sends a request and gives the JSON of its answer. Throws when it is refused. */
  async json<T>(call: Call): Promise<T> {
    return JSON.parse(await this.text(call))
  }

  /** Uploads a script called `run.sh`; answers the hash of the package. */
  async upload(script: string): Promise<string> {
    const body = Buffer.from(script)
    const { hash } = await this.json<{ hash: string }>({ method: 'POST', path: '/v1/packages?filename=run.sh', body })
    return hash
  }

  /** Makes a job of a script; answers its id. */
  async makeJob(name: string, hash: string, more: object = {}): Promise<string> {
    const body = { name, package: hash, ...more }
    return (await this.json<{ id: string }>({ method: 'POST', path: '/v1/jobs', body })).id
  }

  /** Asks for a run; answers its id. */
  async run(job: string): Promise<string> {
    return (await this.json<{ id: string }>({ method: 'POST', path: `/v1/jobs/${job}/runs`, body: {} })).id
  }

  /** Waits until the answer is yes. Throws when the server ends meanwhile, or after five minutes in vain. */
  async until(what: string, ask: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
    await until(
      what,
      () => {
        if (readProc(this.#process.pid, 'stat') === '') throw new Error(`The server ended before ${what}.`)
        return ask()
      },
      everyMs,
    )
  }

  /** The database of the server, to be read beside it. */
  readDatabase(): DatabaseSync {
    return new DatabaseSync(join(this.folder, 'jobyard.db'), { readOnly: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#process.stop()
  }
}

function readMb(status: string, name: string): number {
  return (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6
}

/** Writes the script beside, for whoever runs it without a server. Answers its path. */
export async function writeScript(folder: string, script: string): Promise<string> {
  const file = join(folder, 'run.sh')
  await writeFile(file, script)
  return file
}

/** Asks again every few milliseconds until the answer is yes. Throws after a while without. */
export async function until(what: string, ask: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  const began = performance.now()
  while (!(await ask())) {
    if (performance.now() - began > 300_000) throw new Error(`Waited five minutes in vain until ${what}.`)
    await pause(everyMs)
  }
}

function readParents(): Map<number, number> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = readProc(Number(name), 'status')
    if (status !== '') parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]))
  }
  return parents
}

/** A file of a process in /proc; empty when the process has ended meanwhile. */
export function readProc(pid: number, name: 'status' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}

/** utime, stime, and those of children that were waited for: fields 14 to 17 of proc(5). */
function readCpuTicks(pid: number): number {
  const stat = readProc(pid, 'stat')
  // The second field is a name in parentheses, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}
