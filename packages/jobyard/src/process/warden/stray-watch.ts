import { existsSync } from 'node:fs'
import type { Clock } from '../../domain/clock.ts'
import { pause } from '../pause.ts'
import { listPids, readLastPid } from '../proc.ts'
import { Doubts, killStrays, type Look, lookClosely, settleDoubts } from '../strays.ts'

/** Processes with so many ids after the leader's are looked at one by one. */
const NEAR = 256
/** And those of runs that are no older, milliseconds: in a longer life the ids may have gone round to the leader's again. */
const YOUNG_MS = 2000
/** How long the end of a run waits for what was sent SIGKILL: who hangs in the kernel dies before it does anything more. */
const PATIENCE_MS = 5000
/** Between two looks at processes that are to die, milliseconds. */
const LOOK_AGAIN_MS = 2
/** A look at all processes is followed by at least this many times its own duration without one. */
const REST_FACTOR = 10

/** A run whose leader has ended, while it is being looked for what it left. */
interface Leaving {
  readonly mark: string
  readonly sessions: Set<number>
  /** When it is waited for no longer, on the clock that only grows. */
  readonly until: number
  readonly gone: () => void
}

/**
 * Finds what runs left behind outside their group where no control group holds it together. What a run has started bears
 * an id that was given after its leader's, which for a short run are few. Looking at every process of the machine for
 * each long one that ends would cost more than the runs, so one such look serves many of them.
 */
export class StrayWatch {
  readonly #clock: Clock
  readonly #prefix: string
  readonly #isRunning: (taskId: string) => boolean
  readonly #leaving = new Set<Leaving>()
  #planned = false
  #restUntil = 0

  /** `prefix`: what every marker of this instance begins with. `isRunning`: the task has a process that may have others. */
  constructor(prefix: string, isRunning: (taskId: string) => boolean, clock: Clock) {
    this.#prefix = prefix
    this.#isRunning = isRunning
    this.#clock = clock
  }

  /**
   * Kills what a run whose leader has ended left behind: its session, and whatever bears its mark. Resolves when nothing
   * is left, or after five seconds; undefined when there was nothing, which is the usual case. `startedAt`: when the
   * leader was started, on the clock that only grows.
   */
  clear(leader: number, mark: string, startedAt: number): Promise<void> | undefined {
    const now = this.#clock.elapsed()
    const until = now + PATIENCE_MS
    const near = now - startedAt < YOUNG_MS ? listNear(leader) : null
    if (near === null) {
      return new Promise((gone) => {
        this.#leaving.add({ mark, sessions: new Set([leader]), until, gone })
        this.#plan()
      })
    }
    const sessions = new Set([leader])
    const accepts = (found: string): boolean => found === mark
    const doubts = new Doubts()
    const found = killStrays(accepts, sessions, doubts, near)
    if (found.length === 0 && !doubts.open) return undefined
    return this.#lookOn({ accepts, sessions, list: () => listNear(leader) ?? listPids() }, doubts, found, until)
  }

  /** Looks at once for what bears the mark of a task that is not running any more. */
  look(): void {
    const began = this.#clock.elapsed()
    killStrays((mark) => this.#isStray(mark), new Set(), new Doubts())
    this.#rest(began)
  }

  /** After a look that found something, or may have missed something: until a look finds nothing. */
  async #lookOn(look: Look, doubts: Doubts, found: number[], until: number): Promise<void> {
    const { accepts, sessions } = look
    await settleDoubts(this.#clock, doubts, (pids) => found.push(...killStrays(accepts, sessions, doubts, pids)))
    for (let left = found.length; left > 0 && this.#clock.elapsed() < until; ) {
      await pause(this.#clock, LOOK_AGAIN_MS)
      left = (await lookClosely(this.#clock, look)).length
    }
  }

  #plan(): void {
    if (this.#planned || this.#leaving.size === 0) return
    this.#planned = true
    const delay = Math.max(0, this.#restUntil - this.#clock.elapsed())
    this.#clock.after(delay, () => void this.#lookForAll())
  }

  /** One look for everybody who waits; where it finds something, another for each, to see whose it is. */
  async #lookForAll(): Promise<void> {
    const began = this.#clock.elapsed()
    const leaving = [...this.#leaving]
    const marks = new Set(leaving.map(({ mark }) => mark))
    const sessions = new Set(leaving.flatMap((each) => [...each.sessions]))
    const accepts = (mark: string): boolean => marks.has(mark)
    const found = await lookClosely(this.#clock, { accepts, sessions, list: listPids })
    for (const each of leaving) {
      if (began < each.until && found.length > 0 && isLeft(each)) continue
      this.#leaving.delete(each)
      each.gone()
    }
    this.#rest(began)
    this.#planned = false
    this.#plan()
  }

  #rest(began: number): void {
    const now = this.#clock.elapsed()
    this.#restUntil = now + (now - began) * REST_FACTOR
  }

  #isStray(mark: string): boolean {
    return mark.startsWith(this.#prefix) && !this.#isRunning(mark.slice(this.#prefix.length))
  }
}

/** True when something of the run is still there. */
function isLeft({ mark, sessions }: Leaving): boolean {
  return killStrays((found) => found === mark, sessions, new Doubts()).length > 0
}

/** Living processes with ids from the leader's on; null when that are too many, or ids have begun anew. */
function listNear(leader: number): number[] | null {
  const last = readLastPid()
  if (last < leader || last - leader > NEAR) return null
  const pids: number[] = []
  for (let pid = leader; pid <= last; pid++) if (existsSync(`/proc/${pid}`)) pids.push(pid)
  return pids
}
