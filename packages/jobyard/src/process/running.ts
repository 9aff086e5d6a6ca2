import type { ProcessExit, RunningProcess } from './contract.ts'
import type { Order } from './link.ts'

type Sample = Awaited<ReturnType<RunningProcess['sample']>>

/** The server's side of a process that the warden has started: what is asked of it goes to the warden by its number. */
export class WardenProcess implements RunningProcess {
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  readonly #id: number
  readonly #say: (order: Order) => void
  #settle: (exit: ProcessExit) => void = () => undefined
  #over = false
  #outputBytes = 0
  #cpuMs: number | null = null
  #freezing: (() => void)[] = []
  #thawing: (() => void)[] = []
  #sampling: ((sample: Sample) => void)[] = []

  /** `say` sends an order to the warden that started the process. */
  constructor(id: number, pid: number, say: (order: Order) => void) {
    this.#id = id
    this.pid = pid
    this.#say = say
    this.exited = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void {
    if (!this.#over) this.#say({ do: 'signal', id: this.#id, name })
  }

  kill(): void {
    if (!this.#over) this.#say({ do: 'kill', id: this.#id })
  }

  async freeze(): Promise<void> {
    if (this.#over) return
    await new Promise<void>((resolve) => {
      this.#freezing.push(resolve)
      this.#say({ do: 'freeze', id: this.#id })
    })
  }

  async thaw(): Promise<void> {
    if (this.#over) return
    await new Promise<void>((resolve) => {
      this.#thawing.push(resolve)
      this.#say({ do: 'thaw', id: this.#id })
    })
  }

  async sample(): Promise<Sample> {
    if (this.#over) return this.#lastSample()
    return await new Promise<Sample>((resolve) => {
      this.#sampling.push(resolve)
      this.#say({ do: 'sample', id: this.#id })
    })
  }

  /** The warden says that the group has stopped. */
  frozen(): void {
    this.#freezing.shift()?.()
  }

  /** The warden says that the group goes on. */
  thawed(): void {
    this.#thawing.shift()?.()
  }

  /** The warden answers {@link sample}. */
  sampled(cpuMs: number | null, outputBytes: number): void {
    this.#cpuMs = cpuMs
    this.#outputBytes = outputBytes
    this.#sampling.shift()?.({ cpuMs, outputBytes })
  }

  /** The process is over; whoever still waits for an answer gets the last one known. */
  end(exit: ProcessExit): void {
    if (this.#over) return
    this.#over = true
    this.#cpuMs = exit.cpuMs ?? this.#cpuMs
    for (const answer of [...this.#freezing.splice(0), ...this.#thawing.splice(0)]) answer()
    for (const sampled of this.#sampling.splice(0)) sampled(this.#lastSample())
    this.#settle(exit)
  }

  #lastSample(): Sample {
    return { cpuMs: this.#cpuMs, outputBytes: this.#outputBytes }
  }
}
