import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import type { CgroupPool } from '../cgroup/pool.ts'
import type { LimitSupport, ProcessExit } from '../contract.ts'
import type { Report, StartOrder } from '../link.ts'
import { errorCode } from '../proc.ts'
import { spawnReason } from '../spawn-failure.ts'
import { MARK_VARIABLE } from '../strays.ts'
import { Confinement } from './confinement.ts'
import { Members } from './members.ts'
import { Output } from './output.ts'
import type { PipePool } from './pipes.ts'
import type { Relay } from './relay.ts'
import type { Sampler } from './sampler.ts'
import { GATE_FD, prepareCommand } from './start-command.ts'
import type { StrayWatch } from './stray-watch.ts'

/** Pipes still open this long after the last known process has died say that somebody escaped, milliseconds. */
const ESCAPE_MS = 20

/** What the groups of a warden have in common. */
export interface Yard {
  readonly clock: Clock
  readonly relay: Relay
  readonly pipes: PipePool
  readonly support: LimitSupport
  readonly cgroups: CgroupPool | null
  /** Counts CPU time and memory where and while control groups do not. */
  readonly sampler: Sampler
  readonly strays: StrayWatch
  /** What every marker of this instance begins with. */
  readonly markPrefix: string
  report(report: Report): void
  /** The group is over and done with. */
  ended(group: Group): void
}

/** One process that was started, with everything that it starts. */
export class Group {
  readonly id: number
  readonly taskId: string
  readonly output: Output
  readonly #order: Pick<StartOrder, 'id' | 'file' | 'cwd'>
  readonly #yard: Yard
  readonly #startedAt: number
  readonly #confinement: Confinement
  readonly #child: ChildProcess
  readonly #members: Members | undefined
  #leaderEnded = false
  #steps = Promise.resolve()

  /**
   * Starts the process. Throws when the system refuses; a refusal that Node only tells of later is reported, and the
   * group ended, in the next turn.
   */
  constructor(order: StartOrder, yard: Yard) {
    this.id = order.id
    this.taskId = order.taskId
    // Not all of it: environments are large, and a process may run for months.
    this.#order = { id: order.id, file: order.file, cwd: order.cwd }
    this.#yard = yard
    this.#startedAt = yard.clock.elapsed()
    const mark = yard.markPrefix + order.taskId
    this.#confinement = new Confinement(yard.cgroups, order.limits, mark, yard.sampler)
    try {
      this.output = new Output(order.channel, yard.pipes, yard.relay, order.user?.uid)
    } catch (error) {
      this.#confinement.leave()
      throw error
    }
    try {
      this.#child = spawnLeader(order, this.output.writers, this.#confinement.isTight, yard)
    } catch (error) {
      this.#abandon()
      throw error
    }
    const pid = this.#child.pid
    if (pid === undefined) {
      this.#child.once('error', (error) => this.#refuse(error))
      return
    }
    this.#members = new Members(pid, mark, this.#confinement, yard.clock)
    this.#child.once('exit', (code, signal) => {
      this.#leaderEnded = true
      this.#confinement.ended()
      void this.#end(pid, code, signal)
    })
    this.output.begin()
    this.#confinement.enter(pid, () => openGate(this.#child))
    yard.report({ is: 'started', id: this.id, pid })
  }

  /** The leader's process id, which is also the group's and the session's; undefined when none was started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** True until the leader has ended. */
  get running(): boolean {
    return !this.#leaderEnded
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.#members?.signal(name)
  }

  kill(): void {
    if (!this.running) return
    this.#members?.signal('SIGKILL')
    this.#members?.kill()
  }

  /** Freezing and thawing happen in the order in which they are asked for. */
  freeze(): void {
    this.#inOrder(async () => {
      await this.#confinement.entered
      if (this.running) await this.#members?.freeze()
      this.#yard.report({ is: 'frozen', id: this.id })
    })
  }

  thaw(): void {
    this.#inOrder(async () => {
      await this.#confinement.entered
      if (this.running) this.#members?.thaw()
      this.#yard.report({ is: 'thawed', id: this.id })
    })
  }

  #inOrder(step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step)
  }

  sample(): void {
    const { cpuMs } = this.#confinement
    this.#yard.report({ is: 'sample', id: this.id, cpuMs, outputBytes: this.output.bytes })
  }

  /** The leader has ended: everything that it left behind goes too, and then its end is told. */
  async #end(pid: number, code: number | null, signal: string | null): Promise<void> {
    const yard = this.#yard
    const dying = this.#members?.killAll()
    if (dying) await dying
    const clearing = this.#clear(pid)
    if (clearing) await clearing
    if (!this.output.closed && !(await this.output.closedWithin(ESCAPE_MS, yard.clock))) {
      if (!this.output.paused) yard.strays.look()
      await this.output.drain(yard.clock)
    }
    const usage = this.#confinement.usage(code !== 0)
    yard.relay.end(this.output.channel)
    const exit: ProcessExit = { code, signal, ...usage, lost: false }
    yard.report({ is: 'exited', id: this.id, exit })
    this.#confinement.leave()
    yard.ended(this)
  }

  #clear(leader: number): Promise<void> | undefined {
    if (this.#confinement.holdsAll) return undefined
    return this.#yard.strays.clear(leader, this.#yard.markPrefix + this.taskId, this.#startedAt)
  }

  #refuse(error: Error): void {
    this.#leaderEnded = true
    this.#abandon()
    this.#yard.report(refusal(this.#order, error))
    this.#yard.ended(this)
  }

  #abandon(): void {
    this.output.abandon()
    this.#confinement.leave()
  }
}

/** What the server is told when a process could not be started. */
export function refusal(order: Pick<StartOrder, 'id' | 'file' | 'cwd'>, error: unknown): Report {
  const code = errorCode(error)
  const reason = code === '' && error instanceof Error ? error.message : spawnReason(order.file, order.cwd, code)
  return { is: 'refused', id: order.id, reason }
}

function spawnLeader(order: StartOrder, writers: readonly number[], gated: boolean, yard: Yard): ChildProcess {
  const { file, args } = prepareCommand(order, { limits: order.limits, support: yard.support, gated })
  const child = spawn(file, args, {
    cwd: order.cwd,
    env: { ...order.env, [MARK_VARIABLE]: yard.markPrefix + order.taskId },
    stdio: ['ignore', ...writers, ...(gated ? ['pipe' as const] : [])],
    detached: true,
    ...order.user,
  })
  // A process that is killed at its gate breaks it; its end is told elsewhere.
  child.stdio[GATE_FD]?.on('error', () => undefined)
  return child
}

/** Lets a process go that waits at its gate, if it has one. */
function openGate(child: ChildProcess): void {
  const gate = child.stdio[GATE_FD]
  if (gate instanceof Socket) gate.end('go\n', () => gate.destroy())
}
