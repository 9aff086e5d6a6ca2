import type { Cgroup, CgroupUsage } from '../cgroup/contract.ts'
import type { CgroupPool } from '../cgroup/pool.ts'
import type { ProcessLimits } from '../contract.ts'
import { listTree, sendSignal } from '../proc.ts'

const NOT_COUNTED: CgroupUsage = { cpuMs: null, peakBytes: null, limit: null }

/**
 * The control group of one run, where there are any. When the kernel takes its time to move a process, a run with
 * limits is stopped until it is in, and one without limits goes on: what it uses meanwhile is not counted, and a run
 * that ends before is not counted at all.
 */
export class Confinement {
  readonly #pool: CgroupPool | null
  readonly #limits: ProcessLimits
  readonly #leased: Cgroup | null
  #inside = false
  #whole = false
  #left = false
  #entering: Promise<void> | undefined

  /** Throws when there are control groups but none can be made with these limits. */
  constructor(pool: CgroupPool | null, limits: ProcessLimits) {
    this.#pool = pool
    this.#limits = limits
    this.#leased = pool?.lease(limits) ?? null
  }

  /** The control group once the process is in it. */
  get cgroup(): Cgroup | null {
    return this.#inside ? this.#leased : null
  }

  /** True when the process went in at once, so that nothing of it can be elsewhere. */
  get whole(): boolean {
    return this.#whole
  }

  /** Resolves when it is settled whether the process is in. */
  get entered(): Promise<void> | undefined {
    return this.#entering
  }

  get cpuMs(): number | null {
    return this.cgroup?.cpuMs() ?? null
  }

  /** Puts a process that was started this moment in, with what it may have started itself. */
  enter(pid: number): void {
    const pool = this.#pool
    const cgroup = this.#leased
    if (!pool || !cgroup) return
    if (!pool.quick) {
      this.#entering = this.#enterLater(pool, cgroup, pid)
      return
    }
    joinTree(cgroup, pid)
    pool.moved()
    this.#inside = true
    this.#whole = true
  }

  /** What the run used; nothing where it was never in. */
  usage(failed: boolean): CgroupUsage {
    return this.cgroup?.usage(failed) ?? NOT_COUNTED
  }

  /** The run is over: the empty group is given back. */
  leave(): void {
    this.#left = true
    if (this.#entering) void this.#entering.then(() => this.#giveBack())
    else this.#giveBack()
  }

  async #enterLater(pool: CgroupPool, cgroup: Cgroup, pid: number): Promise<void> {
    const { memoryBytes, processes } = this.#limits
    const limited = memoryBytes !== undefined || processes !== undefined
    const held = limited && sendSignal(-pid, 'SIGSTOP')
    try {
      if (!(await cgroup.joinLater(pid))) return
      pool.moved()
      joinTree(cgroup, pid)
      this.#inside = !this.#left
      this.#whole = held
    } catch (error) {
      // Outside it would run without its limits. Without limits only the counting is lost.
      if (limited) sendSignal(-pid, 'SIGKILL')
      process.emitWarning(`a process cannot be put into its control group: ${String(error)}`)
    } finally {
      if (held) sendSignal(-pid, 'SIGCONT')
      this.#entering = undefined
    }
  }

  #giveBack(): void {
    if (this.#leased) this.#pool?.release(this.#leased, this.#limits)
  }
}

function joinTree(cgroup: Cgroup, pid: number): void {
  const joined = new Set<number>()
  for (let found = [pid]; found.length > 0; ) {
    for (const member of found) {
      cgroup.join(member)
      joined.add(member)
    }
    found = listTree(pid).filter((member) => !joined.has(member))
  }
}
