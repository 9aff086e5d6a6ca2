import type { Cgroup, CgroupUsage } from '../cgroup/contract.ts'
import type { CgroupPool } from '../cgroup/pool.ts'
import type { ProcessLimits } from '../contract.ts'
import { isAlive, listPids, readLastPid, readMemory, readStat, sendSignal } from '../proc.ts'
import { Doubts, readMark } from '../strays.ts'
import type { Sampler } from './sampler.ts'

/** What a process can hardly take, and hardly start, before it is moved. */
const LOOSE_BYTES = 256 * 1024 * 1024
const LOOSE_PROCESSES = 256

/**
 * The control group of one run, and what it uses. Where there are no groups the run is sampled. Where there are, the process is put in after it was started, because Node cannot
 * start it there. One with tight limits waits at a gate until it is in. Any other goes on: mostly it is moved in an
 * instant, but the kernel may take its time (see {@link CgroupPool.quick}). Until then it is sampled, and afterwards
 * whatever the process has started meanwhile is fetched in.
 */
export class Confinement {
  readonly #pool: CgroupPool | null
  readonly #limits: ProcessLimits
  readonly #leased: Cgroup | null
  readonly #mark: string
  readonly #sampler: Sampler
  /** What was used before the process was in; undefined while it is still sampled. */
  #before: ReturnType<Sampler['finish']> | undefined
  #leader: number | undefined
  #inside = false
  #late = false
  /** Raised by processes that may have been started by this one before it was in, and that did not say whose they are. */
  readonly #doubts = new Doubts()
  #entering: Promise<void> | undefined

  /** `mark`: the marker of the run. Throws when there are control groups but none can be made with these limits. */
  constructor(pool: CgroupPool | null, limits: ProcessLimits, mark: string, sampler: Sampler) {
    this.#pool = pool
    this.#sampler = sampler
    this.#limits = limits
    this.#mark = mark
    try {
      this.#leased = pool?.lease(limits) ?? null
    } catch (error) {
      throw new Error(`its control group cannot be made (${String(error)})`, { cause: error })
    }
  }

  /** The control group once the process is in it. */
  get cgroup(): Cgroup | null {
    return this.#inside ? this.#leased : null
  }

  /** True when every process of the run is in the group, or was started by one that is. */
  get holdsAll(): boolean {
    return this.#inside && !this.#doubts.open
  }

  /** Resolves when it is settled whether the process is in. */
  get entered(): Promise<void> | undefined {
    return this.#entering
  }

  /** CPU milliseconds up to now; null where nothing was counted. */
  get cpuMs(): number | null {
    if (this.#leader === undefined) return null
    const { cpuMs } = this.#before ?? this.#sampler.sample(this.#leader)
    return this.#inside ? sum(cpuMs, this.#leased?.cpuMs()) : cpuMs
  }

  /** True when the process must not do anything before it is in: its limits are so tight that it could pass them. */
  get isTight(): boolean {
    const { memoryBytes = LOOSE_BYTES, processes = LOOSE_PROCESSES } = this.#limits
    return this.#leased !== null && (memoryBytes < LOOSE_BYTES || processes < LOOSE_PROCESSES)
  }

  /** Puts a process that was started this moment in, with what it may have started itself. Calls `entered` when it is. */
  enter(pid: number, entered: () => void): void {
    const pool = this.#pool
    const cgroup = this.#leased
    this.#leader = pid
    pool?.leaders.add(pid)
    if (!pool?.quick) this.#sampler.watch(pid)
    if (!pool || !cgroup) return
    if (!pool.quick) {
      this.#late = true
      this.#entering = this.#enterLater(pool, cgroup, pid, entered)
      return
    }
    // It has just begun: it has used no CPU time that counts, but has its first memory.
    this.#before = { cpuMs: null, peakBytes: null, ownBytes: 0, ...readMemory(pid) }
    try {
      this.#moveIn(pool, cgroup, pid)
      entered()
    } catch (error) {
      this.#fail(pid, error)
    }
  }

  #moveIn(pool: CgroupPool, cgroup: Cgroup, pid: number): void {
    this.#join(cgroup, pid)
    this.#usedBefore()
    pool.moved()
    this.#inside = true
  }

  /** The leader has ended; its id may be another process's from now on. */
  ended(): void {
    this.#usedBefore()
  }

  /** What the run used. Memory that it took before it was in is not counted there, for as long as it keeps it. */
  usage(failed: boolean): CgroupUsage {
    const { cpuMs, peakBytes, ownBytes } = this.#usedBefore()
    const inside = this.cgroup?.usage(failed)
    if (inside === undefined) return { cpuMs, peakBytes, limit: null }
    const inAll = Math.min((inside.peakBytes ?? 0) + ownBytes, this.#limits.memoryBytes ?? Number.POSITIVE_INFINITY)
    return { cpuMs: sum(cpuMs, inside.cpuMs), peakBytes: Math.max(inAll, peakBytes ?? 0) || null, limit: inside.limit }
  }

  /** The run is over: the empty group is given back. */
  leave(): void {
    this.#usedBefore()
    if (this.#leader !== undefined) this.#pool?.leaders.delete(this.#leader)
    if (this.#entering) void this.#entering.then(() => this.#giveBack())
    else this.#giveBack()
  }

  #usedBefore(): ReturnType<Sampler['finish']> {
    this.#before ??= this.#sampler.finish(this.#leader ?? 0)
    return this.#before
  }

  async #enterLater(pool: CgroupPool, cgroup: Cgroup, pid: number, entered: () => void): Promise<void> {
    try {
      if (!(await cgroup.joinLater(pid))) return
      this.#sampler.sample(pid)
      this.#moveIn(pool, cgroup, pid)
      entered()
    } catch (error) {
      this.#fail(pid, error)
    } finally {
      this.#entering = undefined
    }
  }

  #fail(pid: number, error: unknown): void {
    // Outside it would run without its limits. Without limits only the counting is lost.
    if (this.#isLimited) sendSignal(-pid, 'SIGKILL')
    process.emitWarning(`a process cannot be put into its control group: ${String(error)}`)
  }

  get #isLimited(): boolean {
    return this.#limits.memoryBytes !== undefined || this.#limits.processes !== undefined
  }

  /** Puts in the leader and everything that descends from it: processes with younger ids, which are few. */
  #join(cgroup: Cgroup, leader: number): void {
    cgroup.join(leader)
    const joined = new Set([leader])
    let looked = leader
    for (let last = readLastPid(); last !== looked; last = readLastPid()) {
      for (const pid of listBetween(looked, last)) {
        if (joined.has(pid) || this.#pool?.leaders.has(pid) || !this.#belongs(pid, leader, joined)) continue
        cgroup.join(pid)
        joined.add(pid)
      }
      looked = last
    }
  }

  #belongs(pid: number, leader: number, joined: ReadonlySet<number>): boolean {
    const stat = readStat(pid)
    if (!isAlive(stat)) return false
    return stat.session === leader || joined.has(stat.parent) || readMark(pid, this.#doubts) === this.#mark
  }

  #giveBack(): void {
    const cgroup = this.#leased
    if (!cgroup) return
    // What went in after its leader had ended is nobody's any more, and must not meet the next run.
    if (this.#late && cgroup.members().length > 0) cgroup.kill()
    this.#pool?.release(cgroup, this.#limits)
  }
}

function sum(one: number | null | undefined, other: number | null | undefined): number | null {
  return (one ?? null) === null ? (other ?? null) : (one ?? 0) + (other ?? 0)
}

/** The ids given after one and up to another; all there are when the machine has begun to count anew in between. */
function listBetween(after: number, last: number): number[] {
  if (last < after) return listPids()
  return Array.from({ length: last - after }, (_, index) => after + 1 + index)
}
