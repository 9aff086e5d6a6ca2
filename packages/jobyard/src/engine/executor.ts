import type { Timer } from '../domain/clock.ts'
import type { JobRow, RunRow, TaskRow } from '../domain/model.ts'
import type { Claimed } from '../store/procedures/claim-runs.ts'
import type { OwnedRun } from '../store/procedures/instances.ts'
import type { NewAttempt } from '../store/procedures/resolve-tasks.ts'
import type { Settled } from '../store/procedures/settle.ts'
import { ActiveRun } from './active-run.ts'
import type { JobKind, Reason } from './kind.ts'
import { Lingering } from './lingering.ts'
import type { EngineParts, Identity } from './parts.ts'
import type { Absorb } from './persist.ts'
import { Records } from './recording.ts'
import { RunWork } from './run-work.ts'
import { reasonOf } from './work-task.ts'

/** Why nothing more is done for a run whose owner this instance no longer is. */
const STALE: Reason = { code: 'released', text: 'Another instance has the run now, or it has ended.' }
const LOST: Reason = { code: 'lost', text: 'This instance lost its lease.' }

/** Up to so many runs at a time, places are given away before the ends of runs are on record. */
const FEW = 64

/** How many runs, continuous ones apart, are worked on at a time. */
export interface Places {
  readonly count: number
  /** A place may have come free. */
  readonly onFree: () => void
}

/** Has the runs that this instance owns: takes them on, has them worked on, and lets go of them. */
export class Executor {
  readonly #parts: EngineParts
  readonly #identity: Identity
  readonly #runs = new Map<string, ActiveRun>()
  readonly #records: Records
  readonly #lingering: Lingering
  readonly #work: RunWork
  readonly #places: Places
  #seated = 0
  #vacated = 0
  #shut = false
  #emptied: (() => void)[] = []
  #limit: Timer | undefined
  /** Ids of runs that were given up within the drain, and of which nobody is known to have put the end on record. */
  readonly givenUp: string[] = []

  constructor(parts: EngineParts, identity: Identity, absorb: Absorb, places: Places) {
    this.#parts = parts
    this.#identity = identity
    this.#places = places
    this.#records = new Records(parts, absorb)
    this.#lingering = new Lingering(() => this.#goOn())
    this.#work = new RunWork(parts, this.#records, this.#lingering, {
      lose: (active) => this.#release(active, STALE),
      vacate: (active) => this.#vacate(active),
    })
  }

  /** Runs that take one of the instance's places: neither continuous ones nor those whose work is done. */
  get load(): number {
    return this.#runs.size - this.#seated - this.#vacated
  }

  /** True from the moment that the lease could not be renewed in time until it is held again. */
  get shut(): boolean {
    return this.#shut
  }

  /** The lease is held: runs may be taken, unless this is the end. */
  open(): void {
    if (!this.#shut || this.#limit !== undefined) return
    this.#shut = false
    this.#places.onFree()
  }

  /**
   * Takes on claimed runs; not without a lease. What was on its way then is ended by policy, by others as that of a dead
   * instance, or by this one when it renews its lease and does not know the runs.
   */
  take({ runs, jobs, tasks = [] }: Pick<Claimed, 'runs' | 'jobs'> & Partial<Pick<Claimed, 'tasks'>>): void {
    if (this.#shut) return
    const byId = new Map<string, JobRow>(jobs.map((job) => [job.id, job]))
    const left = tasks.length === 0 ? undefined : Map.groupBy(tasks, ({ runId }) => runId)
    for (const run of runs) {
      const job = byId.get(run.jobId)
      const kind = job && this.#parts.kinds.get(job.kind)
      if (job !== undefined && kind !== undefined) this.#takeOne(run, job, kind, left?.get(run.id) ?? [])
      else this.#refuse(run.id, `This program knows no kind of job called ${run.kind}.`)
    }
  }

  #takeOne(run: RunRow, job: JobRow, kind: JobKind, tasks: readonly TaskRow[]): void {
    let active: ActiveRun
    try {
      active = new ActiveRun(run, job, kind, tasks, this.#identity.id, this.#parts.clock)
    } catch (error) {
      this.#refuse(run.id, `The kind ${job.kind} cannot take it: ${reasonOf(error).text}`)
      return
    }
    this.#runs.set(run.id, active)
    if (active.seated) this.#seated++
    this.#work.go(active)
  }

  #refuse(runId: string, text: string): void {
    void this.#records.refuse(runId, { code: 'refused', text })
  }

  /** Takes note of where a run stands after a change that anybody made. */
  note(settled: Settled): void {
    const active = this.#runs.get(settled.id)
    if (active === undefined || settled.fence !== active.ownership.fence) return
    if (settled.owner !== active.ownership.owner) this.#release(active, STALE)
    // A stop is for good; an answer that says otherwise is older.
    else if (settled.wanted !== active.wanted && active.wanted !== 'stop') this.#work.follow(active, settled)
    else this.#work.go(active)
  }

  /** Goes on with attempts that were added to runs from outside. */
  queue(attempts: readonly NewAttempt[]): void {
    for (const { fence, task } of attempts) {
      const active = this.#runs.get(task.runId)
      if (active?.ownership.fence !== fence) continue
      active.enqueue(task)
      this.#work.go(active)
    }
  }

  /** Another instance may have added attempts to a run. */
  lookAgain(runId: string): void {
    const active = this.#runs.get(runId)
    if (active === undefined) return
    active.queue.lookAgain()
    this.#work.go(active)
  }

  /** The times of waiting attempts on record have been mended: those that are known here may be too late. */
  lookAgainAtAll(): void {
    for (const [id, { queue }] of this.#runs) if (!queue.isEmpty) this.lookAgain(id)
  }

  /**
   * Holds what is worked on here against what is on record: follows wishes that were missed, and lets go of runs that
   * are others' now. Answers the runs on record that nobody here works on.
   */
  reconcile(owned: readonly OwnedRun[]): OwnedRun[] {
    const fences = new Map(owned.map(({ id, fence }) => [id, fence]))
    for (const active of [...this.#runs.values()]) {
      const gone = fences.get(active.run.id) !== active.ownership.fence
      // A run that was taken a moment ago may be younger than the look at the record.
      if (gone && active.missed) this.#release(active, STALE)
      active.missed = gone
    }
    for (const run of owned) {
      const active = this.#runs.get(run.id)
      if (active?.ownership.fence !== run.fence || active.wanted === 'stop') continue
      if (active.wanted !== run.wanted) this.#work.follow(active, run)
      active.compare(run.pending)
      if (active.queue.isLow) this.#work.go(active)
    }
    return owned.filter(({ id, fence }) => this.#runs.get(id)?.ownership.fence !== fence)
  }

  /**
   * Ends everything at once without a word to the store: others own it now. Resolves when nothing of that runs any
   * longer, nor anything that was given up earlier. Until an attempt has ended, no other at its target is begun here.
   */
  async abandon(reason = LOST): Promise<void> {
    this.#shut = true
    this.#limit?.cancel()
    if (this.#limit !== undefined) this.givenUp.push(...this.#runs.keys())
    for (const active of [...this.#runs.values()]) this.#release(active, reason)
    await this.#lingering.ended()
  }

  /**
   * Begins nothing any more, stops continuous jobs now and the others when `drainMs` are over. Answers after how many
   * milliseconds the grace of all of them is over.
   */
  drain(drainMs: number): number {
    this.#work.drain()
    const reason = { code: 'shutdown', text: 'The server was shut down.' }
    let longestGrace = 0
    for (const active of this.#runs.values()) {
      longestGrace = Math.max(longestGrace, active.graceMs)
      if (active.seated) active.abortAll(reason)
      // What is frozen cannot end by itself: to wait for it would be in vain.
      else if (active.wanted === 'suspend') active.abortFrozen(reason)
      this.#work.go(active)
    }
    this.#limit = this.#parts.clock.after(drainMs, () => {
      for (const active of this.#runs.values()) active.abortAll(reason)
    })
    return drainMs + longestGrace
  }

  /** Resolves when this instance has no runs. */
  async emptied(): Promise<void> {
    if (this.#runs.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve))
  }

  /** A target has come free that some run may wait for. */
  #goOn(): void {
    for (const active of this.#runs.values()) if (!active.queue.isEmpty) this.#work.go(active)
  }

  /**
   * The next run is taken with the same write that puts the end of this one on record; of many that are worked on at once
   * the ends fill writes anyway. No more than there are places: a record that does not keep pace holds the runs back.
   */
  #vacate(active: ActiveRun): void {
    if (active.released || active.seated || active.vacated) return
    if (this.#vacated >= this.#places.count || this.load > FEW) return
    active.vacated = true
    this.#vacated++
    this.#places.onFree()
  }

  #release(active: ActiveRun, reason: Reason): void {
    if (active.released) return
    active.released = true
    this.#runs.delete(active.run.id)
    if (active.seated) this.#seated--
    if (active.vacated) this.#vacated--
    active.abortAll(reason, 0)
    this.#lingering.add(active)
    this.#work.leave(active)
    this.#places.onFree()
    if (this.#runs.size === 0) for (const resolve of this.#emptied.splice(0)) resolve()
  }
}
