import type { Clock } from '../../domain/clock.ts'
import type { LimitSupport, ProcessLimits } from '../contract.ts'
import type { Cgroup, CgroupFamily } from './contract.ts'
import { findMounts } from './mounts.ts'
import { openV1 } from './v1.ts'
import { openV2 } from './v2.ts'

/** Empty groups kept for the next run, over all limits. */
const MOST_IDLE = 64
/** So long after a move another one is quick, milliseconds. */
const QUICK_MS = 4
/** Between two attempts to remove groups that processes are still leaving, milliseconds. */
const REMOVE_AGAIN_MS = 50

/**
 * Control groups to be had and given back. Making one costs more than starting a process in it, and the kernel frees
 * removed ones late, so a group that can be used again waits for the next run with the same limits.
 */
export class CgroupPool {
  readonly support: Pick<LimitSupport, 'memory' | 'processes'>
  /** The first processes of all runs that groups are leased for: none of them can belong to another run. */
  readonly leaders = new Set<number>()
  readonly #family: CgroupFamily
  readonly #clock: Clock
  readonly #idle = new Map<string, Cgroup[]>()
  #idleCount = 0
  #made = 0
  #leaving: Cgroup[] = []
  #movedAt = Number.NEGATIVE_INFINITY

  constructor(family: CgroupFamily, clock: Clock) {
    this.#family = family
    this.#clock = clock
    this.support = family.support
  }

  /** The best family that this machine and user can have; null when there is none at all. */
  static open(dataFolderId: string, clock: Clock): CgroupPool | null {
    const mounts = findMounts()
    const v2 = openV2(mounts, dataFolderId)
    if (v2 && v2.support.memory !== 'none' && v2.support.processes !== 'none') return new CgroupPool(v2, clock)
    const v1 = openV1(mounts, dataFolderId)
    if (!v1) return v2 && new CgroupPool(v2, clock)
    v2?.remove()
    return new CgroupPool(v1, clock)
  }

  /**
   * True when moving a process into a group takes hundredths of a millisecond. After a pause the kernel waits for an
   * RCU grace period first: 5 to 17 ms were measured, during which the one who asks for it stands still. (The mount
   * option `favordynmods` of cgroups takes that away for the whole machine.)
   */
  get quick(): boolean {
    return this.#clock.elapsed() - this.#movedAt < QUICK_MS
  }

  /** A process was moved just now. */
  moved(): void {
    this.#movedAt = this.#clock.elapsed()
  }

  /** An empty group with these limits. Throws what the system says when it cannot be made. */
  lease(limits: ProcessLimits): Cgroup {
    const idle = this.#idle.get(keyOf(limits))?.pop()
    if (idle) {
      this.#idleCount--
      return idle
    }
    return this.#family.make(String(++this.#made), limits)
  }

  /** Takes an empty group back. */
  release(cgroup: Cgroup, limits: ProcessLimits): void {
    if (!cgroup.renew()) {
      this.#retire(cgroup)
      return
    }
    if (this.#idleCount >= MOST_IDLE) this.#dropIdle()
    const key = keyOf(limits)
    const idle = this.#idle.get(key)
    if (idle) idle.push(cgroup)
    else this.#idle.set(key, [cgroup])
    this.#idleCount++
  }

  /** Gives up an idle group of the limits that have been waiting longest. */
  #dropIdle(): void {
    for (const [key, groups] of this.#idle) {
      const cgroup = groups.pop()
      if (groups.length === 0) this.#idle.delete(key)
      if (!cgroup) continue
      this.#idleCount--
      this.#retire(cgroup)
      return
    }
  }

  #retire(cgroup: Cgroup): void {
    if (cgroup.remove()) return
    this.#leaving.push(cgroup)
    if (this.#leaving.length === 1) this.#removeLater()
  }

  #removeLater(): void {
    this.#clock.after(REMOVE_AGAIN_MS, () => {
      this.#leaving = this.#leaving.filter((cgroup) => {
        cgroup.kill()
        return !cgroup.remove()
      })
      if (this.#leaving.length > 0) this.#removeLater()
    })
  }
}

function keyOf(limits: ProcessLimits): string {
  return `${limits.memoryBytes ?? ''}/${limits.processes ?? ''}`
}
