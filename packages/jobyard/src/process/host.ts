import type { Clock, Timer } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import type { LimitSupport, ProcessExit, ProcessHost, ProcessRequest, RunningProcess } from './contract.ts'
import { type LaunchedWarden, launchWarden } from './launch.ts'
import type { Order, Report } from './link.ts'
import { pause } from './pause.ts'
import { sendSignal } from './proc.ts'
import { WardenProcess } from './running.ts'
import { sweepStrays } from './strays.ts'

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
/** How long a warden may take to end everything when it is asked to stop, milliseconds. */
const STOP_MS = 6000
/** How long a warden may take to get ready, milliseconds. */
const READY_MS = 20_000
/** A warden that has worked this long was a good one: the next is started at once. */
const GOOD_LIFE_MS = 1000
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5000
const MOST_FAILURES = 5

const LOST: ProcessExit = { code: null, signal: null, cpuMs: null, peakBytes: null, limit: null, lost: true }

const STOPPING = new Error('the server is stopping')

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
  readonly #clock: Clock
  readonly #starting = new Map<number, PendingStart>()
  readonly #running = new Map<number, WardenProcess>()
  #warden: LaunchedWarden | undefined
  #waiting: PromiseWithResolvers<LaunchedWarden> = patientPromise()
  #lastId = 0
  #unanswered = 0
  #failures = 0
  #beat: Timer | undefined
  #stopping = false
  #stopped: Promise<void> | undefined

  constructor(options: ProcessHostOptions) {
    this.#options = options
    this.#clock = options.clock
  }

  async open(): Promise<void> {
    await this.#launch()
    this.#beatLoop()
  }

  async start(request: ProcessRequest): Promise<RunningProcess> {
    const warden = this.#warden ?? (await this.#nextWarden(request.file))
    const id = ++this.#lastId
    return await new Promise((resolve, reject) => {
      const say = (order: Order): void => warden.link.send(order)
      this.#starting.set(id, { file: request.file, say, resolve, reject })
      say({ do: 'start', id, ...request })
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#stopping = true
    this.#beat?.cancel()
    const warden = this.#warden
    this.#warden = undefined
    this.#waiting.reject(STOPPING)
    this.#waiting = patientPromise()
    this.#waiting.reject(STOPPING)
    if (!warden) return
    const timer = this.#clock.after(STOP_MS, () => warden.kill())
    warden.link.send({ do: 'stop' })
    await warden.ended
    timer.cancel()
    await this.#endProcesses()
  }

  async #nextWarden(file: string): Promise<LaunchedWarden> {
    try {
      return await this.#waiting.promise
    } catch (error) {
      throw spawnFailed(file, error instanceof Error ? error.message : String(error))
    }
  }

  async #launch(): Promise<void> {
    const { dataFolderId, instanceId, channel, silentAfterMs = SILENT_AFTER_MS } = this.#options
    const ready = Promise.withResolvers<void>()
    const warden = await launchWarden(
      { do: 'begin', dataFolderId, instanceId, ...channel, silentAfterMs },
      (report) => {
        if (report.is !== 'ready') return this.#take(report)
        this.support = report.support
        ready.resolve()
      },
    )
    const timer = this.#clock.after(READY_MS, () => warden.kill())
    const words = await Promise.race([ready.promise, warden.ended])
    timer.cancel()
    if (words !== undefined) throw new Error(`The warden, which starts all processes, cannot be started: ${words}`)
    if (this.#stopping) return warden.kill()
    this.#warden = warden
    this.#unanswered = 0
    this.#waiting.resolve(warden)
    void this.#watch(warden)
  }

  /** Waits for the end of a warden, ends what it was responsible for, and gets another one. */
  async #watch(warden: LaunchedWarden): Promise<void> {
    const began = this.#clock.elapsed()
    const words = await warden.ended
    if (this.#stopping) return
    this.#options.onTrouble?.(new Error(`The warden, which starts all processes, was lost: ${words}`))
    this.#warden = undefined
    this.#waiting = patientPromise()
    if (this.#clock.elapsed() - began >= GOOD_LIFE_MS) this.#failures = 0
    await this.#endProcesses()
    await this.#replaceLoop()
  }

  async #replaceLoop(): Promise<void> {
    while (!this.#stopping) {
      const delay = this.#failures === 0 ? 0 : FIRST_DELAY_MS * 2 ** (this.#failures - 1)
      this.#failures++
      await pause(this.#clock, Math.min(delay, LONGEST_DELAY_MS))
      if (this.#stopping) return
      try {
        return await this.#launch()
      } catch (error) {
        this.#giveUpFor(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }

  /** Another failure to get a warden. From the fifth on, whoever waits is told instead of waiting longer. */
  #giveUpFor(error: Error): void {
    if (this.#failures < MOST_FAILURES) return
    this.#waiting.reject(error)
    this.#waiting = patientPromise()
    if (this.#failures === MOST_FAILURES) this.#options.onFatal?.(error)
  }

  /** The warden is gone, so its work is done here: nothing that it started may go on. */
  async #endProcesses(): Promise<void> {
    const pids = [...this.#running.values()].map((process) => process.pid)
    for (const pid of pids) sendSignal(-pid, 'SIGKILL')
    const { dataFolderId } = this.#options
    await sweepStrays({ marked: { dataFolderId }, sessions: pids, clock: this.#clock })
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
      case 'beat':
        this.#unanswered = 0
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
      case 'ready':
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

  /** Tells the warden that the server lives, and ends a warden that does not answer: it must be frozen. */
  #beatLoop(): void {
    const { beatMs = BEAT_MS, silentAfterMs = SILENT_AFTER_MS } = this.#options
    this.#beat = this.#clock.after(beatMs, () => {
      const warden = this.#warden
      if (warden) {
        if (++this.#unanswered > silentAfterMs / beatMs) warden.kill()
        else warden.link.send({ do: 'beat' })
      }
      this.#beatLoop()
    })
  }
}

/** A promise that may be rejected while nobody waits for it. */
function patientPromise(): PromiseWithResolvers<LaunchedWarden> {
  const waiting = Promise.withResolvers<LaunchedWarden>()
  waiting.promise.catch(() => undefined)
  return waiting
}

function spawnFailed(file: string, reason: string): JobyardError {
  return new JobyardError('spawn-failed', `${file} cannot be started: ${reason}.`, { data: { file } })
}
