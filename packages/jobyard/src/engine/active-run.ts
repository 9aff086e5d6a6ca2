import type { Timer } from '../domain/clock.ts'
import type { JobRow, RunRow, TaskRow } from '../domain/model.ts'
import type { Wanted } from '../domain/run-state.ts'
import type { Ownership } from '../store/procedures/run-core.ts'
import type { JobKind, Reason, StopRequest, TaskPlan } from './kind.ts'

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
  readonly running = new Map<string, ActiveTask>()
  /** Tasks that have ended here and whose end is not on record yet. */
  recording = 0
  /** Where the plan stands by what is on record. */
  cursor: string | null
  /** Tasks on record that are to be begun. */
  queue: TaskRow[]
  planned: boolean
  wanted: Wanted = 'run'
  /** True once somebody else has it, or nobody: nothing may be begun for it any longer. */
  released = false
  /** True when the last renewal of the lease did not find the run among those on record. */
  missed = false
  pumping = false
  pumpAgain = false
  planning = false
  /** Wakes the run when its next attempt may begin. */
  retryTimer: Timer | undefined
  #stop: StopRequest | undefined
  #step: Promise<IteratorResult<TaskPlan>> | IteratorResult<TaskPlan> | undefined
  #plan: AsyncIterator<TaskPlan> | Iterator<TaskPlan> | undefined

  constructor(run: RunRow, job: JobRow, kind: JobKind, tasks: readonly TaskRow[], owner: string) {
    this.run = run
    this.job = job
    this.kind = kind
    this.queue = [...tasks]
    this.planned = run.planClosed
    this.cursor = run.cursor
    this.ownership = { runId: run.id, owner, fence: run.fence }
  }

  /** The queued tasks that may be begun by now. */
  dueTasks(now: number): TaskRow[] {
    return this.queue.filter(({ notBefore }) => notBefore === null || notBefore <= now)
  }

  /** True for runs that do not take one of the instance's places. */
  get seated(): boolean {
    return this.run.why === 'continuous'
  }

  /**
   * The next targets of the plan, at most so many: those that the kind gives without waiting, and at least one. At the
   * plan's end `planned` is set.
   */
  async gather(limit: number): Promise<TaskPlan[]> {
    const plans: TaskPlan[] = []
    while (plans.length < limit) {
      this.#step ??= this.#nextStep()
      const result = plans.length === 0 ? await this.#step : await soon(this.#step)
      // A plan that takes its time holds up nothing that is planned already.
      if (result === undefined) break
      this.#step = undefined
      if (result.done) {
        this.planned = true
        break
      }
      plans.push(result.value)
    }
    return plans
  }

  #nextStep(): Promise<IteratorResult<TaskPlan>> | IteratorResult<TaskPlan> {
    if (this.#plan === undefined) {
      const plan = this.kind.plan(this.run, this.job.spec, this.cursor ?? undefined)
      this.#plan = Symbol.asyncIterator in plan ? plan[Symbol.asyncIterator]() : plan[Symbol.iterator]()
    }
    return this.#plan.next()
  }

  /** Forgets what was planned beyond the record; planning goes on from there. */
  forgetPlan(): void {
    this.planned = false
    this.#step = undefined
    const plan = this.#plan
    this.#plan = undefined
    void plan?.return?.()
  }

  /** Ends planning, and lets the kind close what it holds open for it. */
  async endPlan(): Promise<void> {
    this.planned = true
    const plan = this.#plan
    this.#plan = undefined
    await plan?.return?.()
  }

  /** Puts a task among those that are worked on; it is asked to end at once when all others were. */
  add(current: ActiveTask): void {
    this.running.set(current.task.id, current)
    if (this.#stop !== undefined) current.abort(this.#stop)
  }

  /** Asks every task to end, those too that are about to begin. */
  abortAll(reason: Reason, graceMs = this.graceMs): void {
    this.#stop = { reason, graceMs }
    for (const task of this.running.values()) task.abort(this.#stop)
  }

  /** Milliseconds that a task may take to end by itself. */
  get graceMs(): number {
    return this.job.policy.graceMs ?? this.kind.graceMs?.(this.job) ?? 0
  }
}

/** The value of a step that is there at once or within this turn of the loop; undefined when it takes longer. */
async function soon<T>(step: Promise<T> | T): Promise<T | undefined> {
  if (!(step instanceof Promise)) return step
  return await Promise.race([step, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}
