import type { Clock } from '../domain/clock.ts'
import { messageOf } from '../domain/error-message.ts'
import { JobyardError } from '../domain/errors.ts'
import type { LimitSupport, ProcessExit, ProcessHost, ProcessRequest, RunningProcess } from './contract.ts'
import type { LaunchedWarden } from './launch.ts'
import type { Order, Report } from './link.ts'
import { sendSignal } from './proc.ts'
import { WardenProcess } from './running.ts'
import { sweepStrays } from './strays.ts'
import { WardenKeeper } from './warden-keeper.ts'

/** How a process host is set up. */
export interface ProcessHostOptions {
  /** Names the data folder; letters, digits and hyphens. Every process can be found by it ({@link sweepStrays}). */
  readonly dataFolderId: string
  /** Names this instance of the server; letters, digits and hyphens. */
  readonly instanceId: string
  /** Where the output store listens, and its secret. */
  readonly channel: { readonly address: string; readonly secret: string }
  readonly clock: Clock
  /** Milliseconds without a word from the server after which its warden ends everything. Default 10,000. */
  readonly silentAfterMs?: number
  /** Milliseconds between two words to the warden. Default 1,000. */
  readonly beatMs?: number
  /** Told when output can no longer be delivered, and when the warden could not be replaced five times in a row. */
  readonly onFatal?: (error: Error) => void
  /** Told when a warden was lost, with the last that it said; it is being replaced. */
  readonly onTrouble?: (error: Error) => void
}

const SILENT_AFTER_MS = 10_000
const BEAT_MS = 1000

const LOST: ProcessExit = { code: null, signal: null, cpuMs: null, peakBytes: null, limit: null, lost: true }

/** A start that was asked for and not answered yet. */
interface PendingStart {
  readonly file: string
  /** Speaks to the warden that was asked. */
  readonly say: (order: Order) => void
  readonly resolve: (running: RunningProcess) => void
  readonly reject: (error: Error) => void
}

/**
 * Starts a process host with its warden. The caller has the data folder to himself and has called
 * {@link sweepStrays} for it. Rejects when the warden cannot be started.
 */
export async function startProcessHost(options: ProcessHostOptions): Promise<ProcessHost> {
  const host = new WardenHost(options)
  await host.open()
  return host
}

class WardenHost implements ProcessHost {
  support: LimitSupport = { memory: 'none', processes: 'none', notes: [] }
  readonly #options: ProcessHostOptions
  readonly #keeper: WardenKeeper
  readonly #starting = new Map<number, PendingStart>()
  readonly #running = new Map<number, WardenProcess>()
  #lastId = 0
  #stopped: Promise<void> | undefined

  constructor(options: ProcessHostOptions) {
    this.#options = options
    const { dataFolderId, instanceId, channel, silentAfterMs = SILENT_AFTER_MS, beatMs = BEAT_MS } = options
    const begin = { do: 'begin', dataFolderId, instanceId, ...channel, silentAfterMs } as const
    this.#keeper = new WardenKeeper(begin, beatMs, options.clock, {
      report: (report) => this.#take(report),
      fatal: (error) => options.onFatal?.(error),
      lost: (words) => {
        options.onTrouble?.(new Error(`The warden, which starts all processes, was lost: ${words}`))
        return this.#endProcesses()
      },
    })
  }

  open(): Promise<void> {
    return this.#keeper.open()
  }

  async start(request: ProcessRequest, unless?: AbortSignal): Promise<RunningProcess> {
    const { link } = this.#keeper.current ?? (await this.#nextWarden(request.file))
    unless?.throwIfAborted()
    const id = ++this.#lastId
    return await new Promise((resolve, reject) => {
      const say = (order: Order): void => link.send(order)
      this.#starting.set(id, { file: request.file, say, resolve, reject })
      say({ do: 'start', id, ...request })
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#keeper.stop().then(() => this.#endProcesses())
    return this.#stopped
  }

  async #nextWarden(file: string): Promise<LaunchedWarden> {
    try {
      return await this.#keeper.next
    } catch (error) {
      throw spawnFailed(file, messageOf(error))
    }
  }

  /** The warden is gone, so its work is done here: nothing that it started may go on. */
  async #endProcesses(): Promise<void> {
    const pids = [...this.#running.values()].map((process) => process.pid)
    for (const pid of pids) sendSignal(-pid, 'SIGKILL')
    const { dataFolderId, clock } = this.#options
    await sweepStrays({ marked: { dataFolderId }, sessions: pids, clock })
    for (const [id, pending] of this.#starting) {
      // Whether it ran is not known. It does not run any more, and that is what "lost" says.
      const process = new WardenProcess(id, 0, () => undefined)
      pending.resolve(process)
      process.end(LOST)
    }
    this.#starting.clear()
    for (const process of this.#running.values()) process.end(LOST)
    this.#running.clear()
  }

  #take(report: Report): void {
    switch (report.is) {
      case 'ready':
        this.support = report.support
        return
      case 'started':
        this.#started(report.id, report.pid)
        return
      case 'refused': {
        const pending = this.#starting.get(report.id)
        this.#starting.delete(report.id)
        pending?.reject(spawnFailed(pending.file, report.reason))
        return
      }
      case 'exited': {
        const process = this.#running.get(report.id)
        this.#running.delete(report.id)
        process?.end(report.exit)
        return
      }
      case 'frozen':
        this.#running.get(report.id)?.frozen()
        return
      case 'thawed':
        this.#running.get(report.id)?.thawed()
        return
      case 'sample':
        this.#running.get(report.id)?.sampled(report.cpuMs, report.outputBytes)
        return
      case 'output-lost':
        this.#options.onFatal?.(new Error(`Output of processes cannot be kept any more: ${report.message}`))
        return
      case 'beat':
    }
  }

  #started(id: number, pid: number): void {
    const pending = this.#starting.get(id)
    if (!pending) return
    this.#starting.delete(id)
    const process = new WardenProcess(id, pid, pending.say)
    this.#running.set(id, process)
    pending.resolve(process)
  }
}

function spawnFailed(file: string, reason: string): JobyardError {
  return new JobyardError('spawn-failed', `${file} cannot be started: ${reason}.`, { data: { file } })
}
