import type { Availability } from './availability.ts'
import { instanceTime, isWarden, type MarkedProcess, stillLives } from './processes.ts'
import {
  type InstancePlace,
  listProcesses,
  listWardens,
  readLogTail,
  type ServerExit,
  ServerProcess,
} from './server.ts'
import type { Violations } from './violations.ts'
import { until } from './waiting.ts'

/** A server must answer within so many milliseconds of its start, also on a busy machine. */
const READY_MS = 60_000

/** What an instance is tormented with. */
export interface InstanceParts {
  readonly place: InstancePlace
  readonly availability: Availability
  readonly violations: Violations
  /** Milliseconds in which the processes of a dead server must be gone. */
  readonly goneWithinMs: number
}

/** Durations in milliseconds that were measured. */
export interface Measured {
  /** From the death of a server to that of its last process. */
  readonly gone: number[]
  /** From the start of a server to its answering. */
  readonly ready: number[]
}

/** One place of a server, over all the lives that it gets. */
export class Instance {
  readonly place: InstancePlace
  readonly measured: Measured = { gone: [], ready: [] }
  /** Server processes that were started. */
  lives = 0
  server: ServerProcess | undefined
  readonly #parts: InstanceParts
  /** What lived of the former server when the present one was started. */
  #survivors: readonly MarkedProcess[] = []
  #frozen = false
  #frozenWardens: readonly MarkedProcess[] = []

  constructor(parts: InstanceParts) {
    this.#parts = parts
    this.place = parts.place
  }

  get name(): string {
    return this.place.name
  }

  /** Where it answers now; undefined while it does not. */
  get address(): string | undefined {
    return this.server?.ended === false && !this.#frozen ? this.server.address : undefined
  }

  /** Starts a server; it may be killed before it answers. */
  launch(): ServerProcess {
    this.#survivors = listProcesses(this.place)
    this.lives++
    this.server = new ServerProcess(this.place)
    return this.server
  }

  /** Waits until the server answers, and sees to it that nothing of the former one lives. False when it does not. */
  async ready(): Promise<boolean> {
    const { server } = this
    if (server === undefined) return false
    const late = setTimeout(() => server.signal('SIGKILL'), READY_MS)
    const address = await server.ready
    clearTimeout(late)
    if (address === undefined) {
      const exit = await server.exited
      // Without its database a server cannot start, and says so.
      if (this.#parts.availability.wasAwaySince(server.startedAt)) return false
      this.#parts.violations.add(
        'books',
        `${this.name} did not start: ${JSON.stringify(exit)}`,
        readLogTail(this.place),
      )
      return false
    }
    this.measured.ready.push(Date.now() - server.startedAt)
    this.#parts.availability.up(this.name, Date.now())
    const alive = this.#survivors.filter(stillLives)
    if (alive.length > 0) {
      this.#parts.violations.add(5, `processes of a dead server live beside the next one of ${this.name}`, alive)
    }
    return true
  }

  /** Notes that the server is dead or frozen from now on. */
  noteDown(): void {
    this.#parts.availability.down(this.name, Date.now())
  }

  /** Kills the server and waits for its end. Answers when that was, epoch milliseconds. */
  async kill(): Promise<number> {
    const { server } = this
    this.#frozen = false
    if (server === undefined) return Date.now()
    server.signal('SIGKILL')
    await server.exited
    this.noteDown()
    return Date.now()
  }

  /** Kills the server and its wardens in one blow. */
  async killAll(): Promise<number> {
    const wardens = listWardens(this.place)
    this.server?.signal('SIGKILL')
    for (const warden of wardens) sendSignal(warden.pid, 'SIGKILL')
    return this.kill()
  }

  /** Kills the warden alone. Waits until all that it had started is gone. Answers whether there was one. */
  async killWarden(): Promise<boolean> {
    const processes = listProcesses(this.place)
    const wardens = processes.filter(isWarden)
    if (wardens.length === 0) return false
    for (const warden of wardens) sendSignal(warden.pid, 'SIGKILL')
    await this.#awaitGone(() => processes.filter(stillLives), 'its warden was killed')
    return true
  }

  /**
   * Waits until the warden of a dead server has ended everything, itself included. What lived before that server was
   * started, because the one before died together with its warden, is not its business if it did not come to answer.
   */
  async awaitEnd(why: string): Promise<void> {
    // By the marks and not by what was seen alive: such a process may start others, and may not have shown itself.
    const since = this.server?.address === undefined ? (this.server?.startedAt ?? 0) : 0
    await this.#awaitGone(() => listProcesses(this.place).filter((each) => instanceTime(each) >= since), why)
  }

  async #awaitGone(list: () => readonly MarkedProcess[], why: string): Promise<void> {
    const began = performance.now()
    let left: readonly MarkedProcess[] = []
    const gone = await until(() => {
      left = list()
      return left.length === 0
    }, this.#parts.goneWithinMs)
    this.measured.gone.push(Math.round(performance.now() - began))
    if (gone) return
    const text = `${left.length} processes of ${this.name} live ${this.#parts.goneWithinMs} ms after ${why}`
    this.#parts.violations.add(5, `${text} (${left[0]?.mark})`, left)
  }

  /** Freezes the warden alone. False when there is none. */
  freezeWarden(): boolean {
    this.#frozenWardens = listWardens(this.place)
    for (const { pid } of this.#frozenWardens) sendSignal(pid, 'SIGSTOP')
    return this.#frozenWardens.length > 0
  }

  /** Whether a warden that was frozen is still there. */
  hasFrozenWarden(): boolean {
    return this.#frozenWardens.some(stillLives)
  }

  /** Freezes the server. Whoever asks for its address is told none. */
  freeze(): void {
    this.#frozen = true
    this.server?.signal('SIGSTOP')
    this.noteDown()
  }

  /** Lets it go on. */
  thaw(): void {
    this.server?.signal('SIGCONT')
    this.#frozen = false
    if (this.server?.ended === false) this.#parts.availability.up(this.name, Date.now())
  }

  /** Asks the server to stop in good order. It takes nothing more from then on. */
  askToStop(): void {
    this.server?.signal('SIGTERM')
    this.noteDown()
  }

  /** Asks the server to stop in good order; kills it after `withinMs`, and says so. */
  async stop(withinMs: number): Promise<ServerExit | undefined> {
    const { server } = this
    if (server === undefined || server.ended) return undefined
    const askedAt = Date.now()
    this.askToStop()
    const ended = await until(() => server.ended, withinMs)
    if (!ended) {
      this.#parts.violations.add(6, `${this.name} does not stop within ${withinMs} ms`, readLogTail(this.place))
      await this.kill()
    }
    const exit = await server.exited
    // Without its database it cannot put the end of its runs on record, and says so.
    if (ended && exit.code !== 0 && !this.#parts.availability.wasAwaySince(askedAt)) {
      this.#parts.violations.add('books', `${this.name} stopped with ${JSON.stringify(exit)}`, readLogTail(this.place))
    }
    return exit
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!gone) throw error
  }
}
