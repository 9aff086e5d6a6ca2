import type { Clock } from '../../domain/clock.ts'
import { isAlive, listTree, readPeakBytes, readStat } from '../proc.ts'

const SAMPLE_MS = 1000

/** What was seen of a process tree so far; null before the first sample. */
export interface Sample {
  readonly cpuMs: number | null
  readonly peakBytes: number | null
}

/**
 * Stands in for control groups: looks at process trees in /proc every second. What happens between the last look and
 * the end is not seen, nor are processes that have left their parents.
 */
export class Sampler {
  readonly #clock: Clock
  readonly #seen = new Map<number, Sample>()
  #running = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(pid: number): void {
    this.#seen.set(pid, { cpuMs: null, peakBytes: null })
    if (this.#running) return
    this.#running = true
    this.#sampleLoop()
  }

  /** A fresh look. */
  sample(pid: number): Sample {
    const before = this.#seen.get(pid)
    if (!before) return { cpuMs: null, peakBytes: null }
    let cpuMs = 0
    let peakBytes = 0
    let alive = false
    for (const member of listTree(pid)) {
      const stat = readStat(member)
      if (!isAlive(stat)) continue
      alive = true
      cpuMs += stat.cpuMs
      peakBytes += readPeakBytes(member) ?? 0
    }
    if (!alive) return before
    // A tree that has lost a member that nobody waited for counts less than before; what was used stays used.
    const now = { cpuMs: Math.max(cpuMs, before.cpuMs ?? 0), peakBytes: Math.max(peakBytes, before.peakBytes ?? 0) }
    this.#seen.set(pid, now)
    return now
  }

  /** The last look, and the end of looking. */
  finish(pid: number): Sample {
    const last = this.#seen.get(pid)
    this.#seen.delete(pid)
    return last ?? { cpuMs: null, peakBytes: null }
  }

  #sampleLoop(): void {
    this.#clock.after(SAMPLE_MS, () => {
      for (const pid of this.#seen.keys()) this.sample(pid)
      this.#running = this.#seen.size > 0
      if (this.#running) this.#sampleLoop()
    })
  }
}
