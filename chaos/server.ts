import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isWarden, listMarked, type MarkedProcess } from './processes.ts'

const LAUNCHER = fileURLToPath(new URL('../packages/jobyard/bin/jobyard.js', import.meta.url))

/** Where an instance lives, over all its lives. */
export interface InstancePlace {
  readonly name: string
  readonly dataFolder: string
  /** The whole environment of the server. */
  readonly env: Readonly<Record<string, string>>
  /** The log of all its servers, one after the other. */
  readonly logFile: string
}

/** How a server process ended. */
export interface ServerExit {
  readonly code: number | null
  readonly signal: string | null
}

/** One server process, from its start to its end. */
export class ServerProcess {
  readonly place: InstancePlace
  readonly startedAt = Date.now()
  /** Resolves with the address once it answers; undefined when it ends before. Never rejects. */
  readonly ready: Promise<string | undefined>
  readonly exited: Promise<ServerExit>
  /** Set once it answers. */
  address: string | undefined
  ended = false
  readonly #child: ChildProcess

  constructor(place: InstancePlace) {
    this.place = place
    const log = openSync(place.logFile, 'a')
    this.#child = spawn(process.execPath, [LAUNCHER, 'serve', '--json'], {
      cwd: '/',
      env: place.env,
      stdio: ['ignore', 'pipe', log],
    })
    closeSync(log)
    this.exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve({ code: null, signal: null }))
      this.#child.once('exit', (code, signal) => {
        this.ended = true
        resolve({ code, signal })
      })
    })
    this.ready = Promise.race([this.#readAddress(), this.exited.then(() => undefined)])
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Sends a signal; nothing happens when it has ended. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async #readAddress(): Promise<string | undefined> {
    const { stdout } = this.#child
    if (stdout === null) return undefined
    for await (const line of createInterface({ input: stdout })) {
      const { address } = JSON.parse(line) as { address: string }
      this.address = address
      // What else it prints is not wanted, but must not fill the pipe.
      stdout.resume()
      return address
    }
    return undefined
  }
}

/** The name of a data folder in the marks of processes; undefined until a server has made it. */
export function readDataFolderId({ dataFolder }: InstancePlace): string | undefined {
  const path = join(dataFolder, 'id')
  return existsSync(path) ? readFileSync(path, 'utf8').trim() || undefined : undefined
}

/** All that lives of an instance besides the server: wardens and the processes of jobs. */
export function listProcesses(place: InstancePlace): MarkedProcess[] {
  const id = readDataFolderId(place)
  return id === undefined ? [] : listMarked(`${id}.`)
}

/** The wardens of an instance: one, none in between, and two when one has just been replaced. */
export function listWardens(place: InstancePlace): MarkedProcess[] {
  return listProcesses(place).filter(isWarden)
}

/** The end of a server's log, for the evidence. */
export function readLogTail({ logFile }: InstancePlace, lines = 40): string[] {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines) : []
}
