import type { Clock, Timer } from '../../domain/clock.ts'
import { listTree, readMemory, readRunMs, readStat } from '../proc.ts'

/** Milliseconds between two looks: at first and at the most. In between it is this share of the time since the start. */
const FIRST_MS = 1
const LONGEST_MS = 1000
const SHARE = 0.25

/** What was seen of a process tree so far; null before anything was. */
export interface Sample {
  readonly cpuMs: number | null
  readonly peakBytes: number | null
}

interface Watched {
  readonly since: number
  cpuMs: number
  peakBytes: number
  /** Memory that no other process shares, at the last look. */
  ownBytes: number
  seen: boolean
  timer: Timer | undefined
}

const NOTHING: Sample = { cpuMs: null, peakBytes: null }

/**
 * Stands in for control groups, for good or until a process is in one: looks at process trees in /proc, first within a
 * millisecond and then ever more rarely. What happens between the last look and the end is not seen, a fifth of the
 * time or a second, nor are processes that have left their parents.
 */
export class Sampler {
  readonly #clock: Clock
  readonly #watched = new Map<number, Watched>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins to look at a process that was started this moment, and at what it starts. */
  watch(pid: number): void {
    this.finish(pid)
    const since = this.#clock.elapsed()
    const watched: Watched = { since, cpuMs: 0, peakBytes: 0, ownBytes: 0, seen: false, timer: undefined }
    this.#watched.set(pid, watched)
    this.#lookAgain(pid, watched)
  }

  /** A fresh look. */
  sample(pid: number): Sample {
    const watched = this.#watched.get(pid)
    if (watched === undefined) return NOTHING
    look(pid, watched)
    return told(watched)
  }

  /** What was seen until now, and the end of looking. `ownBytes`: memory that it still had then and shares with nobody. */
  finish(pid: number): Sample & { readonly ownBytes: number } {
    const watched = this.#watched.get(pid)
    if (watched === undefined) return { ...NOTHING, ownBytes: 0 }
    watched.timer?.cancel()
    this.#watched.delete(pid)
    return { ...told(watched), ownBytes: watched.ownBytes }
  }

  #lookAgain(pid: number, watched: Watched): void {
    look(pid, watched)
    const age = this.#clock.elapsed() - watched.since
    const wait = Math.min(Math.max(age * SHARE, FIRST_MS), LONGEST_MS)
    watched.timer = this.#clock.after(wait, () => this.#lookAgain(pid, watched))
  }
}

function told({ seen, cpuMs, peakBytes }: Watched): Sample {
  return seen ? { cpuMs: Math.round(cpuMs), peakBytes: peakBytes || null } : NOTHING
}

function look(pid: number, watched: Watched): void {
  let cpuMs = 0
  let peakBytes = 0
  let ownBytes = 0
  let there = false
  for (const member of listTree(pid)) {
    const stat = readStat(member)
    // One that has ended but was not reaped has no memory any more, but still its CPU time.
    if (stat === null) continue
    there = true
    // The one is exact but of the first thread alone, the other of all threads but in hundredths of a second.
    cpuMs += Math.max(stat.ownMs, readRunMs(member) ?? 0) + stat.childrenMs
    const memory = readMemory(member)
    peakBytes += memory?.peakBytes ?? 0
    ownBytes += memory?.ownBytes ?? 0
  }
  if (!there) return
  watched.seen = true
  // A tree that has lost a member that nobody waited for counts less than before; what was used stays used.
  watched.cpuMs = Math.max(cpuMs, watched.cpuMs)
  watched.peakBytes = Math.max(peakBytes, watched.peakBytes)
  watched.ownBytes = ownBytes
}
