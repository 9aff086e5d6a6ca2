import type { Clock } from '../../domain/clock.ts'
import { pause } from '../pause.ts'
import { isAlive, listPids, readStat, sendSignal } from '../proc.ts'
import { readMark } from '../strays.ts'
import type { Confinement } from './confinement.ts'

/** Between two looks at processes that are to die or to stop, milliseconds. */
const LOOK_AGAIN_MS = 2
/** When looking becomes rarer, because something hangs in the kernel. */
const PATIENT_MS = 1000
const PATIENT_LOOK_MS = 100
/** How long processes are waited for that were told to stop, milliseconds. */
const STOP_MS = 500

/** The processes of one run, by whatever tells them here. */
export class Members {
  readonly #leader: number
  readonly #mark: string
  readonly #confinement: Confinement
  readonly #clock: Clock

  /** `leader`: the process id of the first one, which is also the id of its group and of its session. */
  constructor(leader: number, mark: string, confinement: Confinement, clock: Clock) {
    this.#leader = leader
    this.#mark = mark
    this.#confinement = confinement
    this.#clock = clock
  }

  /** Sends a signal to the process group. */
  signal(name: NodeJS.Signals): boolean {
    return sendSignal(-this.#leader, name)
  }

  /** SIGKILL to all of them, once. True when there were any. */
  kill(): boolean {
    const cgroup = this.#confinement.cgroup
    if (!cgroup) return this.signal('SIGKILL')
    if (cgroup.members().length === 0) return false
    cgroup.kill()
    return true
  }

  /** SIGKILL until none is left. Returns at once when there is none, which is the usual case after the leader's end. */
  killAll(): Promise<void> | undefined {
    return this.kill() ? this.#killLoop() : undefined
  }

  async #killLoop(): Promise<void> {
    const began = this.#clock.elapsed()
    do {
      await pause(this.#clock, this.#clock.elapsed() - began < PATIENT_MS ? LOOK_AGAIN_MS : PATIENT_LOOK_MS)
    } while (this.#confinement.cgroup ? this.kill() : this.#killSession())
  }

  /**
   * Without a control group: the group can be empty although the session is not. Zombies of the group, which nobody
   * reaps in some containers, are told from the living by /proc.
   */
  #killSession(): boolean {
    let found = false
    this.signal('SIGKILL')
    for (const pid of this.#list()) {
      found = true
      sendSignal(pid, 'SIGKILL')
    }
    return found
  }

  /** SIGSTOP to all of them, until all that were found stand still. */
  async freeze(): Promise<void> {
    const deadline = this.#clock.elapsed() + STOP_MS
    const told = new Set<number>()
    for (;;) {
      const pids = this.#list()
      const fresh = pids.filter((pid) => !told.has(pid))
      if (fresh.length === 0 && pids.every(standsStill)) return
      this.signal('SIGSTOP')
      for (const pid of fresh) {
        sendSignal(pid, 'SIGSTOP')
        told.add(pid)
      }
      if (this.#clock.elapsed() >= deadline) return
      await pause(this.#clock, LOOK_AGAIN_MS)
    }
  }

  /** SIGCONT to all of them. */
  thaw(): void {
    this.signal('SIGCONT')
    for (const pid of this.#list()) sendSignal(pid, 'SIGCONT')
  }

  #list(): number[] {
    const cgroup = this.#confinement.cgroup
    if (cgroup) return cgroup.members()
    return listPids().filter((pid) => {
      const stat = readStat(pid)
      return isAlive(stat) && (stat.session === this.#leader || readMark(pid) === this.#mark)
    })
  }
}

/** True for a process that was sent SIGSTOP and does nothing more: one waiting in the kernel stops on its way out. */
function standsStill(pid: number): boolean {
  const stat = readStat(pid)
  return !isAlive(stat) || stat.state === 'T' || stat.state === 't' || stat.state === 'D'
}
