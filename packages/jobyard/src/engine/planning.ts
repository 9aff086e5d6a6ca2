import type { TaskRow } from '../domain/model.ts'
import { type ActiveRun, ActiveTask } from './active-run.ts'
import type { Reason, TaskPlan } from './kind.ts'
import type { EngineParts } from './parts.ts'
import { plainDetail, plannedTask } from './planned-task.ts'
import type { Records } from './recording.ts'
import { reasonOf } from './work-task.ts'

/** Targets that are planned, or wait to be begun, at once for one run. */
const PLAN_AHEAD = 100

/** What planning asks of the rest. */
export interface PlanningHooks {
  /** True when a target may be begun here now, for all that other runs do. */
  readonly isFree: (active: ActiveRun, target: string) => boolean
  /** Works on a task that is on record as running. */
  readonly work: (active: ActiveRun, current: ActiveTask) => void
  /** Looks what can be done for a run now. */
  readonly go: (active: ActiveRun) => void
  /** Another instance has the run. */
  readonly lose: (active: ActiveRun) => void
}

/** A target on its way to the record: to be begun at once, to wait, or to be failed because of its plan. */
interface Opening {
  readonly task: TaskRow
  readonly current?: ActiveTask
  readonly problem?: Reason
}

/** Asks kinds whom to work on, and puts that on record before anything is begun for it. */
export class Planner {
  readonly #parts: EngineParts
  readonly #records: Records
  readonly #hooks: PlanningHooks
  #halted = false

  constructor(parts: EngineParts, records: Records, hooks: PlanningHooks) {
    this.#parts = parts
    this.#records = records
    this.#hooks = hooks
  }

  /** Plans nothing more for any run. */
  halt(): void {
    this.#halted = true
  }

  /** Whether more is to be planned for a run now. */
  mayPlan(active: ActiveRun): boolean {
    const open = !active.plan.ended && !active.released && !this.#halted && active.wanted === 'run'
    return open && active.queue.due < PLAN_AHEAD && !active.queue.isBehind
  }

  /**
   * Plans until enough is planned; what is planned is begun meanwhile. False when the record refused it: the run is to
   * rest, or was to a moment ago.
   */
  async planAhead(active: ActiveRun): Promise<boolean> {
    active.planning = true
    try {
      while (this.mayPlan(active)) if (!(await this.#planNext(active))) return false
      return true
    } finally {
      active.planning = false
    }
  }

  /** Lets the kind close what it holds open for a plan; what goes wrong there concerns the plan no longer. */
  async end(active: ActiveRun): Promise<void> {
    await this.#reported(active.plan.end())
  }

  /** Gathers the next targets and puts them on record. False: not now. */
  async #planNext(active: ActiveRun): Promise<boolean> {
    let plans: TaskPlan[]
    let openings: Opening[]
    try {
      plans = await active.plan.gather(PLAN_AHEAD)
      openings = this.#prepareAll(active, plans)
    } catch (error) {
      return await this.#failPlan(active, reasonOf(error))
    }
    // Whoever goes on with the run plans it from what is on record.
    if (this.#halted) return false
    const cursor = plans.at(-1)?.cursor ?? null
    const added = await this.#record(active, openings, cursor)
    if (added === null) return false
    if (!(added instanceof Set)) {
      this.#report('open tasks', added.problem)
      const text = `What was planned could not be stored: ${reasonOf(added.problem).text}`
      return await this.#failPlan(active, { code: 'internal', text })
    }
    active.cursor = cursor ?? active.cursor
    for (const opening of openings) if (added.has(opening.task.id)) this.#begin(active, opening)
    // What had to wait for its turn may have got it while this was on its way.
    if (!active.queue.isEmpty) this.#hooks.go(active)
    return true
  }

  #prepareAll(active: ActiveRun, plans: readonly TaskPlan[]): Opening[] {
    const { queue, running, job } = active
    let room = queue.isBehind ? 0 : Math.max(0, job.policy.parallel - running.size - queue.due)
    return plans.map((plan) => {
      const start = room > 0 && this.#hooks.isFree(active, plan.target)
      if (start) room--
      try {
        const task = plannedTask(this.#parts, active, { ...plan, detail: plainDetail(plan.detail) }, start)
        return start ? { task, current: new ActiveTask(task) } : { task }
      } catch (error) {
        const text = `The detail planned for ${plan.target} is not plain JSON: ${reasonOf(error).text}.`
        return this.#failing(active, plan.target, { code: 'plan', text })
      }
    })
  }

  /** A target that is failed as soon as it is on record, so that people see where and why. */
  #failing(active: ActiveRun, target: string, problem: Reason): Opening {
    return { task: plannedTask(this.#parts, active, { target }, true), problem }
  }

  /**
   * Puts planned targets on record. Answers which are new, or what of them cannot be stored; null when the run is
   * another's, or is not to go on now.
   */
  async #record(
    active: ActiveRun,
    openings: readonly Opening[],
    cursor: string | null,
    planClosed = active.plan.ended,
  ): Promise<Set<string> | { readonly problem: unknown } | null> {
    const tasks = openings.map(({ task: { id, target, detail, startedAt } }) => {
      return { id, target, detail, start: startedAt !== null }
    })
    // Their places are taken before the write: what is begun meanwhile leaves them free, and a stop finds them.
    for (const { current } of openings) if (current !== undefined) active.add(current)
    const added = await this.#records.open(active, { tasks, cursor, planClosed })
    const fresh = new Set(Array.isArray(added) ? added : [])
    for (const { task } of openings) if (!fresh.has(task.id)) active.running.delete(task.id)
    if (added === 'stale') this.#hooks.lose(active)
    // What was planned beyond the record is planned again when the run goes on.
    if (added === 'unwanted' && active.wanted !== 'stop') void this.#reported(active.plan.forget())
    if (typeof added !== 'object') return null
    if ('problem' in added) return added
    active.refusals = 0
    return fresh
  }

  #begin(active: ActiveRun, { task, current, problem }: Opening): void {
    if (active.released) return
    if (problem !== undefined) void this.#fail(active, task, problem)
    else if (current !== undefined) this.#hooks.work(active, current)
    else if (active.wanted !== 'stop') active.enqueue(task)
  }

  /** A plan that cannot be made is a task of its own that failed; a run that cannot even have that is ended. */
  async #failPlan(active: ActiveRun, reason: Reason): Promise<boolean> {
    void this.end(active)
    // A kind may have a target of the first name; the plan is closed only with the failure on record.
    for (const target of ['plan', `plan ${this.#parts.ids.next()}`]) {
      const opening = this.#failing(active, target, reason)
      const added = await this.#record(active, [opening], null, false)
      if (added === null) return false
      if (!(added instanceof Set)) {
        this.#report('fail plan', added.problem)
        await this.#records.refuse(active.run.id, reason)
        return false
      }
      if (!added.has(opening.task.id)) continue
      this.#begin(active, opening)
      break
    }
    return (await this.#record(active, [], null)) !== null
  }

  async #fail(active: ActiveRun, task: TaskRow, reason: Reason): Promise<void> {
    active.recording.add(task.id)
    const change = { ...active.ownership, taskId: task.id, to: 'failed' as const, reason }
    const taken = await this.#records.end(active, change)
    active.recording.delete(task.id)
    if (taken === null) this.#hooks.lose(active)
    else this.#hooks.go(active)
  }

  async #reported(ending: Promise<void>): Promise<void> {
    try {
      await ending
    } catch (error) {
      this.#report('end plan', error)
    }
  }

  #report(where: string, error: unknown): void {
    this.#parts.events.emit({ type: 'error', where, error })
  }
}
