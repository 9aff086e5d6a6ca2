import type { Clock, Timer } from '../domain/clock.ts'
import type { JobRow, RunRow, TaskRow } from '../domain/model.ts'
import type { Wanted } from '../domain/run-state.ts'
import type { Ownership } from '../store/procedures/run-core.ts'
import type { JobKind, Reason, StopRequest } from './kind.ts'
import { PlanSteps } from './plan-steps.ts'
import { TaskQueue } from './task-queue.ts'

/** A task that this instance works on now. */
export class ActiveTask {
  readonly task: TaskRow
  /** Why it is to end, once it is. */
  stop: StopRequest | undefined
  frozen = false
  /** True while it is being frozen or thawed. */
  adjusting = false
  /** Milliseconds of the time limit that are spent, those since `runningSince` apart. */
  spentMs = 0
  /** On the clock that only grows. */
  runningSince = 0
  /** Bytes that are kept of what it printed, once it has ended. */
  outputBytes = 0
  freeze: (() => Promise<void>) | undefined
  thaw: (() => Promise<void>) | undefined
  /** Called when the two above are known. */
  onFreezable: () => void = () => undefined
  /** Resolves when the task's end is on record, or will never be because the run was lost. */
  settled: Promise<void> = Promise.resolve()
  #controller: AbortController | undefined
  #urgent: AbortController | undefined
  #limit: Timer | undefined

  constructor(task: TaskRow) {
    this.task = task
  }

  /** Made when the kind asks for it: many tasks are over before anybody could want them stopped. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.stop !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.stop)
    return this.#controller.signal
  }

  /** Asks the task to end. The first request counts, unless a later one leaves less time. */
  abort(stop: StopRequest): void {
    if (this.stop !== undefined && this.stop.graceMs <= stop.graceMs) return
    this.stop = { ...stop, reason: this.stop?.reason ?? stop.reason }
    this.#controller?.abort(this.stop)
    if (stop.graceMs <= 0) this.#urgent?.abort(this.stop)
  }

  /** Made when the kind asks for it, as {@link signal}. */
  get urgent(): AbortSignal {
    this.#urgent ??= new AbortController()
    if (this.stop !== undefined && this.stop.graceMs <= 0) this.#urgent.abort(this.stop)
    return this.#urgent.signal
  }

  /** Keeps the task to a time limit; a new one takes the place of the old. */
  limit(timer: Timer | undefined): void {
    this.#limit?.cancel()
    this.#limit = timer
  }
}

/** A run that this instance owns, with what it has to do for it. */
export class ActiveRun {
  readonly run: RunRow
  readonly job: JobRow
  readonly kind: JobKind
  readonly ownership: Ownership
  readonly plan: PlanSteps
  /** Milliseconds that a task may take to end by itself. */
  readonly graceMs: number
  /** Tasks that are worked on, or are about to be: their place is taken before they are on record. */
  readonly running = new Map<string, ActiveTask>()
  /** Ids of tasks that have ended here and whose end is not on record yet. */
  readonly recording = new Set<string>()
  /** Tasks that have left the queue and are not on record as running yet. */
  beginning = 0
  /** True once it takes no place any longer: its work is done, and only the record of its end is still to come. */
  vacated = false
  /** Where the plan stands by what is on record. */
  cursor: string | null
  /** What is to be begun next. */
  readonly queue: TaskQueue
  wanted: Wanted
  /** How many wishes were followed. */
  wishes = 0
  /** True once somebody else has it, or nobody: nothing may be begun for it any longer. */
  released = false
  /** True when the last renewal of the lease did not find the run among those on record. */
  missed = false
  pumping = false
  pumpAgain = false
  planning = false
  /** How often in a row the record refused what was begun or planned here. */
  refusals = 0
  /** Wakes the run when its turn comes again after a refusal or a failure. */
  againTimer: Timer | undefined
  /** Wakes the run when its next attempt may begin. */
  retryTimer: Timer | undefined
  #stop: StopRequest | undefined

  /**
   * `tasks` are those pending on record, or none of them when they are many. Throws what the kind throws when it is asked
   * for its grace.
   */
  constructor(
    run: RunRow,
    job: JobRow,
    kind: JobKind,
    tasks: readonly TaskRow[],
    owner: string,
    clock: Pick<Clock, 'now' | 'elapsed'>,
  ) {
    this.run = run
    this.job = job
    this.kind = kind
    this.queue = new TaskQueue(clock, tasks.length >= run.counts.pending)
    for (const task of tasks) this.queue.add(task)
    this.wanted = run.wanted
    this.cursor = run.cursor
    this.plan = new PlanSteps(() => kind.plan(run, job.spec, this.cursor ?? undefined), run.planClosed)
    this.graceMs = job.policy.graceMs ?? kind.graceMs?.(job) ?? 0
    this.ownership = { runId: run.id, owner, fence: run.fence }
  }

  /** Queues a task that is on record as pending; word of it may come late, when it is worked on already. */
  enqueue(task: TaskRow): void {
    if (!this.running.has(task.id) && !this.recording.has(task.id)) this.queue.add(task)
  }

  /**
   * Holds the pending tasks on record against those known here: others may have added some. Of a run with more than are
   * kept here that is a page too many at each look, rather than an attempt whose word got lost and that nobody begins.
   */
  compare(pending: number): void {
    if (pending > this.queue.size + this.beginning) this.queue.lookAgain()
  }

  /**
   * True when it has, or had, more than one target that was planned here: of others a parked one may come back, or one that
   * an earlier owner left.
   */
  get hasOthers(): boolean {
    return this.plan.given !== 1 || Object.values(this.run.counts).some((count) => count > 0)
  }

  /** True for runs that do not take one of the instance's places. */
  get seated(): boolean {
    return this.run.why === 'continuous'
  }

  /** True when nothing of it is worked on, planned, or on its way to the record. */
  get idle(): boolean {
    return this.running.size + this.recording.size === 0 && !this.planning
  }

  /** True when nothing is left to be done for it here, whatever the record says. */
  get done(): boolean {
    return this.idle && (this.wanted !== 'run' || (this.plan.ended && this.queue.isEmpty))
  }

  /** Puts a task among those that are worked on; it is asked to end at once when all others were. */
  add(current: ActiveTask): void {
    this.running.set(current.task.id, current)
    if (this.#stop !== undefined) current.abort(this.#stop)
  }

  /** Asks the tasks to end that are frozen, or about to be. */
  abortFrozen(reason: Reason): void {
    for (const task of this.running.values()) if (task.frozen) task.abort({ reason, graceMs: this.graceMs })
  }

  /** Asks every task to end, those too that are about to begin. */
  abortAll(reason: Reason, graceMs = this.graceMs): void {
    this.#stop = { reason, graceMs }
    for (const task of this.running.values()) task.abort(this.#stop)
  }
}
