import type { Clock } from '../../domain/clock.ts'
import { pause } from '../pause.ts'
import { isAlive, listPids, readStat, sendSignal } from '../proc.ts'
import { readMark } from '../strays.ts'
import type { Confinement } from './confinement.ts'
import { stopAll } from './standstill.ts'

/** Between two looks at processes that are to die, milliseconds. */
const LOOK_AGAIN_MS = 2
/** When looking becomes rarer, because something hangs in the kernel. */
const PATIENT_MS = 1000
const PATIENT_LOOK_MS = 100

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
      // One that has become another user's (set-user-id) cannot be ended, and is not waited for.
      if (sendSignal(pid, 'SIGKILL')) found = true
    }
    return found
  }

  /** Stops all of them where they are. */
  freeze(): Promise<void> {
    return stopAll(() => this.#list(), this.#clock)
  }

  /** Lets all of them go on. */
  thaw(): void {
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
