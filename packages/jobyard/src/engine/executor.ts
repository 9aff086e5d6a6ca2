import type { JobRow, TaskRow } from '../domain/model.ts'
import { unfinished } from '../domain/run-state.ts'
import type { Claimed } from '../store/procedures/claim-runs.ts'
import type { OwnedRun } from '../store/procedures/instances.ts'
import type { Settled } from '../store/procedures/settle.ts'
import type { Opened, OpenTasks, TaskChange } from '../store/procedures/work.ts'
import { ActiveRun, ActiveTask } from './active-run.ts'
import { Batcher } from './batcher.ts'
import { conclude } from './conclude.ts'
import type { Reason, TaskPlan } from './kind.ts'
import type { EngineParts, Identity } from './parts.ts'
import { type Absorb, isPassing, persist } from './persist.ts'
import { keepToLimit, pauseLimit, reasonOf, workTask } from './work-task.ts'

/** Targets that are planned, or wait to be begun, at once for one run. */
const PLAN_AHEAD = 100

/** Tasks kept in memory for one run at the most, those included that wait for their next attempt. */
const MOST_QUEUED = 10_000

/** Why nothing more is done for a run whose owner this instance no longer is. */
const STALE: Reason = { code: 'released', text: 'Another instance has the run now, or it has ended.' }

/** Works for the runs that this instance owns: plans them, begins their tasks, and puts on record how they end. */
export class Executor {
  readonly #parts: EngineParts
  readonly #identity: Identity
  readonly #runs = new Map<string, ActiveRun>()
  readonly #opening: Batcher<OpenTasks, Opened['added'][number]>
  readonly #changing: Batcher<TaskChange, boolean>
  readonly #onRoom: () => void
  readonly #absorb: Absorb
  #seated = 0
  #draining = false
  #emptied: (() => void)[] = []

  constructor(parts: EngineParts, identity: Identity, absorb: Absorb, onRoom: () => void) {
    this.#parts = parts
    this.#identity = identity
    this.#absorb = absorb
    this.#onRoom = onRoom
    this.#opening = new Batcher(async (items) => {
      const opened = await parts.store.write('openTasks', { items, at: parts.clock.now() })
      absorb(opened)
      return opened.added
    })
    this.#changing = new Batcher(async (items) => {
      const changed = await parts.store.write('changeTasks', { items, at: parts.clock.now() })
      absorb(changed)
      return changed.accepted
    })
  }

  /** Runs that take one of the instance's places. */
  get load(): number {
    return this.#runs.size - this.#seated
  }

  /** Takes on claimed runs. */
  take({ runs, jobs, tasks = [] }: Pick<Claimed, 'runs' | 'jobs'> & Partial<Pick<Claimed, 'tasks'>>): void {
    const byId = new Map<string, JobRow>(jobs.map((job) => [job.id, job]))
    const left = tasks.length === 0 ? undefined : Map.groupBy(tasks, ({ runId }) => runId)
    for (const run of runs) {
      const job = byId.get(run.jobId)
      const kind = job && this.#parts.kinds.get(job.kind)
      if (job === undefined || kind === undefined) {
        void this.#refuse(run.id, run.kind)
        continue
      }
      const active = new ActiveRun(run, job, kind, left?.get(run.id) ?? [], this.#identity.id)
      active.wanted = run.wanted
      this.#runs.set(run.id, active)
      if (active.seated) this.#seated++
      // All is done but the verdict, which had no owner to ask the kind when the last task was ended from outside.
      if (run.planClosed && unfinished(run.counts) === 0) void this.#close(active)
      else void this.#pump(active)
    }
  }

  /** Takes note of where a run stands after a change that anybody made. */
  note(settled: Settled): void {
    const active = this.#runs.get(settled.id)
    if (active === undefined || settled.fence !== active.ownership.fence) return
    if (settled.owner !== active.ownership.owner) {
      this.#release(active, STALE)
      return
    }
    if (settled.verdictDue) void this.#close(active)
    // A stop is for good; an answer that says otherwise is older.
    else if (settled.wanted !== active.wanted && active.wanted !== 'stop') this.#follow(active, settled)
    else void this.#pump(active)
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
      if (active?.ownership.fence === run.fence && active.wanted !== run.wanted && active.wanted !== 'stop')
        this.#follow(active, run)
    }
    return owned.filter(({ id, fence }) => this.#runs.get(id)?.ownership.fence !== fence)
  }

  /** Ends everything at once without a word to the store: others own it now. Resolves when nothing runs any longer. */
  async abandon(): Promise<void> {
    const reason = { code: 'lost', text: 'This instance lost its lease.' }
    const ending = [...this.#runs.values()].flatMap((active) => [...active.running.values()])
    for (const active of [...this.#runs.values()]) this.#release(active, reason)
    await Promise.all(ending.map(({ settled }) => settled))
  }

  /** Begins nothing any more, stops continuous jobs now and the others when `drainMs` are over. */
  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    const reason = { code: 'shutdown', text: 'The server was shut down.' }
    for (const active of this.#runs.values()) {
      if (active.seated) active.abortAll(reason)
      void this.#pump(active)
    }
    const limit = this.#parts.clock.after(drainMs, () => {
      for (const active of this.#runs.values()) active.abortAll(reason)
    })
    if (this.#runs.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve))
    limit.cancel()
  }

  async #refuse(runId: string, kind: string): Promise<void> {
    const reason = { code: 'refused', text: `This program knows no kind of job called ${kind}.` }
    const wish = { runIds: [runId], wanted: 'stop' as const, reason, at: this.#parts.clock.now() }
    await persist(this.#parts, 'refuse run', async () => this.#absorb(await this.#parts.store.write('wantRuns', wish)))
  }

  /** Begins what can be begun for a run: one turn at a time, again when something has happened meanwhile. */
  async #pump(active: ActiveRun): Promise<void> {
    if (active.pumping) {
      active.pumpAgain = true
      return
    }
    active.pumping = true
    try {
      do {
        active.pumpAgain = false
        await this.#advance(active)
      } while (active.pumpAgain && !active.released)
    } finally {
      active.pumping = false
    }
  }

  async #advance(active: ActiveRun): Promise<void> {
    if (active.released || active.wanted !== 'run') return
    if (this.#draining) return this.#giveBack(active)
    if (this.#mayPlan(active) && !active.planning) void this.#planAhead(active)
    await this.#beginQueued(active)
  }

  /** Plans until enough is planned; what is planned is begun meanwhile. */
  async #planAhead(active: ActiveRun): Promise<void> {
    active.planning = true
    let onRecord = true
    try {
      while (onRecord && this.#mayPlan(active)) onRecord = await this.#planNext(active)
    } finally {
      active.planning = false
    }
    if (onRecord) void this.#pump(active)
  }

  #mayPlan(active: ActiveRun): boolean {
    const open = !active.planned && !active.released && !this.#draining && active.wanted === 'run'
    return open && active.dueTasks(this.#parts.clock.now()).length < PLAN_AHEAD && active.queue.length < MOST_QUEUED
  }

  /** Begins pending tasks on record: what a crash or an earlier attempt left, and what had to wait for its turn. */
  async #beginQueued(active: ActiveRun): Promise<void> {
    const now = this.#parts.clock.now()
    const next = active.dueTasks(now).slice(0, Math.max(0, active.job.policy.parallel - active.running.size))
    this.#setRetryTimer(active, now)
    if (next.length === 0) return
    const chosen = new Set(next)
    active.queue = active.queue.filter((task) => !chosen.has(task))
    await Promise.all(next.map((task) => this.#beginPending(active, task)))
  }

  #setRetryTimer(active: ActiveRun, now: number): void {
    active.retryTimer?.cancel()
    const later = active.queue.flatMap(({ notBefore }) => (notBefore !== null && notBefore > now ? [notBefore] : []))
    if (later.length === 0) return
    active.retryTimer = this.#parts.clock.after(Math.min(...later) - now, () => void this.#pump(active))
  }

  async #beginPending(active: ActiveRun, task: TaskRow): Promise<void> {
    // Reserved before the write, so that a stop that comes meanwhile finds it.
    const current = new ActiveTask(task)
    active.add(current)
    const change: TaskChange = { ...active.ownership, taskId: task.id, to: 'running' }
    const begun = await persist(
      this.#parts,
      'begin task',
      () => this.#changing.add(change),
      () => !active.released,
    )
    if (begun === true) return this.#work(active, current)
    active.running.delete(task.id)
    // Not taken because the run is to rest: the task waits here for its going on.
    if (active.wanted === 'suspend' && !active.released) active.queue.unshift(task)
  }

  /** Gathers the next planned targets, puts them on record, and only then begins the first of them. False: not now. */
  async #planNext(active: ActiveRun): Promise<boolean> {
    let plans: TaskPlan[]
    try {
      plans = await active.gather(PLAN_AHEAD)
    } catch (error) {
      await this.#failPlan(active, reasonOf(error))
      return false
    }
    const room = Math.max(0, active.job.policy.parallel - active.running.size - active.queue.length)
    const tasks = plans.map((plan, index) => this.#toTask(active, plan, index < room))
    const opening: OpenTasks = {
      ...active.ownership,
      tasks: tasks.map(({ id, target, detail, startedAt }) => ({ id, target, detail, start: startedAt !== null })),
      cursor: plans.at(-1)?.cursor ?? null,
      planClosed: active.planned,
    }
    const added = await this.#open(active, opening)
    if (added === null) return false
    active.cursor = opening.cursor ?? active.cursor
    for (const task of tasks) {
      if (!added.has(task.id)) continue
      if (task.startedAt === null) active.queue.push(task)
      else this.#begin(active, task)
    }
    return true
  }

  /** Puts planned tasks on record and tells which are new; null when the run is another's, or is not to go on now. */
  async #open(active: ActiveRun, opening: OpenTasks): Promise<Set<string> | null> {
    const wanted = () => !active.released
    const added = await persist(this.#parts, 'open tasks', () => this.#opening.add(opening), wanted)
    if (added === 'stale') this.#release(active, STALE)
    // What was planned beyond the record is planned again when the run goes on.
    if (added === 'unwanted') active.forgetPlan()
    return Array.isArray(added) ? new Set(added) : null
  }

  /** A plan that cannot be made is a task of its own that failed, so that people see where and why. */
  async #failPlan(active: ActiveRun, reason: Reason): Promise<void> {
    await active.endPlan()
    const task = this.#toTask(active, { target: 'plan' }, true)
    const opening = { ...active.ownership, tasks: [{ ...task, start: true }], cursor: null, planClosed: true }
    const added = await this.#open(active, opening)
    if (!added?.has(task.id)) return
    const change: TaskChange = { ...active.ownership, taskId: task.id, to: 'failed', reason }
    const wanted = () => !active.released
    await persist(this.#parts, 'fail plan', () => this.#changing.add(change), wanted)
  }

  #toTask({ run, ownership }: ActiveRun, { target, detail }: TaskPlan, start: boolean): TaskRow {
    const now = this.#parts.clock.now()
    return {
      id: this.#parts.ids.next(),
      runId: run.id,
      target,
      attempt: 1,
      crashes: 0,
      state: start ? 'running' : 'pending',
      detail: detail ?? null,
      owner: start ? ownership.owner : null,
      fence: start ? ownership.fence : 0,
      notBefore: null,
      parkedUntil: null,
      reasonCode: null,
      reasonText: null,
      result: null,
      exitCode: null,
      cpuMs: null,
      peakBytes: null,
      createdAt: now,
      startedAt: start ? now : null,
      finishedAt: null,
    }
  }

  #begin(active: ActiveRun, task: TaskRow): void {
    const current = new ActiveTask(task)
    active.add(current)
    this.#work(active, current)
  }

  #work(active: ActiveRun, current: ActiveTask): void {
    this.#announce(active, current.task.id, 'running')
    // A run may have been suspended while its task was about to begin.
    current.onFreezable = () => void this.#freezeOrThaw(active, current)
    current.settled = this.#finish(active, current)
  }

  async #finish(active: ActiveRun, current: ActiveTask): Promise<void> {
    const ended = await workTask(this.#parts, active, current)
    active.running.delete(current.task.id)
    if (active.released) return
    const change = conclude(this.#parts, active, current, ended)
    // What a task did must get on record, however long the database takes to have room or to come back.
    active.recording++
    const write = () => this.#record(change)
    const wanted = () => !active.released
    const accepted = await persist(this.#parts, 'end task', write, wanted)
    active.recording--
    if (accepted === false) return this.#release(active, STALE)
    this.#announce(active, current.task.id, change.to)
    if (active.released) return
    if (change.retry !== undefined && active.wanted !== 'stop') this.#queueRetry(active, current.task, change.retry)
    void this.#pump(active)
  }

  #queueRetry(active: ActiveRun, task: TaskRow, { id, notBefore, crashed }: NonNullable<TaskChange['retry']>): void {
    const crashes = task.crashes + (crashed ? 1 : 0)
    active.queue.push({ ...task, id, crashes, attempt: task.attempt + 1, state: 'pending', notBefore, startedAt: null })
  }

  /** Records a task's end; what of it cannot be stored is not worth the run: the task is failed for it then. */
  async #record(change: TaskChange): Promise<boolean> {
    try {
      return await this.#changing.add(change)
    } catch (error) {
      if (isPassing(error)) throw error
      this.#parts.events.emit({ type: 'error', where: 'end task', error })
      const { runId, owner, fence, taskId } = change
      const reason = { code: 'internal', text: `How it ended could not be stored: ${reasonOf(error).text}` }
      return await this.#changing.add({ runId, owner, fence, taskId, to: 'failed', reason })
    }
  }

  #announce({ run }: ActiveRun, taskId: string, state: TaskChange['to']): void {
    this.#parts.events.emit({ type: 'task.changed', taskId, runId: run.id, jobId: run.jobId, state })
  }

  /** Does what is wanted of a run now. */
  #follow(active: ActiveRun, wish: Pick<Settled, 'wanted' | 'reasonCode' | 'reasonText'>): void {
    active.wanted = wish.wanted
    if (wish.wanted === 'stop') {
      active.queue = []
      void active.endPlan()
      active.abortAll({ code: wish.reasonCode ?? 'user', text: wish.reasonText ?? 'Somebody stopped it.' })
      return
    }
    for (const current of active.running.values()) void this.#freezeOrThaw(active, current)
    void this.#pump(active)
  }

  /** Freezes or thaws a task until it is as it is wanted, one step at a time, each put on record. */
  async #freezeOrThaw(active: ActiveRun, current: ActiveTask): Promise<void> {
    if (current.adjusting) return
    current.adjusting = true
    while (this.#adjustable(active, current)) {
      const freeze = !current.frozen
      current.frozen = freeze
      await (freeze ? current.freeze?.() : current.thaw?.())
      if (freeze) pauseLimit(this.#parts, current)
      else keepToLimit(this.#parts, active, current)
      await this.#recordFreeze(active, current, freeze ? 'suspended' : 'running')
    }
    current.adjusting = false
  }

  #adjustable(active: ActiveRun, current: ActiveTask): boolean {
    const known = current.freeze !== undefined && current.thaw !== undefined
    const wanted = active.wanted !== 'stop' && current.frozen !== (active.wanted === 'suspend')
    return known && wanted && active.running.has(current.task.id)
  }

  async #recordFreeze(active: ActiveRun, { task }: ActiveTask, to: 'suspended' | 'running'): Promise<void> {
    const change: TaskChange = { ...active.ownership, taskId: task.id, to }
    const write = () => this.#changing.add(change)
    await persist(this.#parts, 'freeze task', write, () => active.running.has(task.id))
    this.#announce(active, task.id, to)
  }

  /** Asks the kind how the run ended, now that all its work is done. */
  async #close(active: ActiveRun): Promise<void> {
    const run = await this.#parts.store.read('getRun', { id: active.run.id })
    if (run === null || active.released) return
    const verdict = active.kind.verdict?.(run.counts) ?? 'completed'
    const input = { items: [{ ...active.ownership, verdict }], at: this.#parts.clock.now() }
    const close = async () => this.#absorb(await this.#parts.store.write('closeRuns', input))
    await persist(this.#parts, 'close run', close, () => !active.released)
  }

  /** Gives a run back whose work this instance does not go on with. */
  async #giveBack(active: ActiveRun): Promise<void> {
    if (active.running.size + active.recording > 0) return
    const input = { items: [active.ownership], at: this.#parts.clock.now() }
    const release = async () => this.#absorb(await this.#parts.store.write('releaseRuns', input))
    const wanted = () => !active.released
    await persist(this.#parts, 'release run', release, wanted)
  }

  #release(active: ActiveRun, reason: Reason): void {
    if (active.released) return
    active.released = true
    active.retryTimer?.cancel()
    active.abortAll(reason, 0)
    void active.endPlan()
    this.#runs.delete(active.run.id)
    if (active.seated) this.#seated--
    this.#onRoom()
    if (this.#runs.size === 0) for (const resolve of this.#emptied.splice(0)) resolve()
  }
}
