import type { TaskRow } from '../domain/model.ts'
import { attemptAfter } from '../store/procedures/attempts.ts'
import type { Settled } from '../store/procedures/settle.ts'
import { NOTHING_YET } from '../store/procedures/tasks.ts'
import type { TaskChange } from '../store/procedures/work.ts'
import { type ActiveRun, ActiveTask } from './active-run.ts'
import { Closer } from './closing.ts'
import { conclude } from './conclude.ts'
import { Freezer } from './freezing.ts'
import type { Outcome, Parked } from './kind.ts'
import type { Lingering } from './lingering.ts'
import type { EngineParts } from './parts.ts'
import { Planner } from './planning.ts'
import type { Records } from './recording.ts'
import { reasonOf, workTask } from './work-task.ts'

/** First and longest wait before something is tried again that was refused or went wrong, in milliseconds. */
const FIRST_WAIT = 20
const LONGEST_WAIT = 5000

/** What working on runs asks of who has them. */
export interface RunWorkHooks {
  /** Lets go of a run that is another's. */
  readonly lose: (active: ActiveRun) => void
  /** Gives the place of a run away of which nothing is left to be done but to put its end on record. */
  readonly vacate: (active: ActiveRun) => void
}

/** Does for one run after the other what is to be done: plans it, begins its tasks, follows wishes, closes it. */
export class RunWork {
  readonly #parts: EngineParts
  readonly #records: Records
  readonly #lingering: Lingering
  readonly #lose: (active: ActiveRun) => void
  readonly #vacate: (active: ActiveRun) => void
  readonly #planner: Planner
  readonly #freezer: Freezer
  readonly #closer: Closer
  #draining = false

  constructor(parts: EngineParts, records: Records, lingering: Lingering, { lose, vacate }: RunWorkHooks) {
    this.#parts = parts
    this.#records = records
    this.#lingering = lingering
    this.#lose = lose
    this.#vacate = vacate
    this.#freezer = new Freezer(parts, records)
    this.#closer = new Closer(parts, records, { goAgain: (active) => this.#goAgain(active), lose })
    this.#planner = new Planner(parts, records, {
      isFree: (active, target) => !lingering.holds(active, target),
      work: (active, current) => this.#work(active, current),
      go: (active) => this.go(active),
      lose,
    })
  }

  /** Begins nothing any more: runs are given back as soon as nothing of them runs. */
  drain(): void {
    this.#draining = true
    this.#planner.halt()
  }

  /** Does what can be done for a run now: one turn at a time, again when something has happened meanwhile. */
  go(active: ActiveRun): void {
    if (active.pumping) active.pumpAgain = true
    else void this.#pump(active)
  }

  /** Does what is wanted of a run now. */
  follow(active: ActiveRun, wish: Pick<Settled, 'wanted' | 'reasonCode' | 'reasonText'>): void {
    active.wanted = wish.wanted
    if (wish.wanted === 'stop') {
      active.queue.close()
      void this.#planner.end(active)
      active.abortAll({ code: wish.reasonCode ?? 'user', text: wish.reasonText ?? 'Somebody stopped it.' })
    } else {
      for (const current of active.running.values()) void this.#freezer.adjust(active, current)
      void this.#confirm(active)
    }
    this.go(active)
  }

  /** Word of two wishes may come in the wrong order: what is on record after the last that was heard counts. */
  async #confirm(active: ActiveRun): Promise<void> {
    const heard = ++active.wishes
    const run = await this.#records.read(active)
    if (run === undefined || run === null || active.released || heard !== active.wishes) return
    const isOurs = run.owner === active.ownership.owner && run.fence === active.ownership.fence
    if (isOurs && run.wanted !== active.wanted && active.wanted !== 'stop') this.follow(active, run)
  }

  /** Forgets what was still to be done for a run that is another's now. */
  leave(active: ActiveRun): void {
    active.retryTimer?.cancel()
    active.againTimer?.cancel()
    void this.#planner.end(active)
  }

  async #pump(active: ActiveRun): Promise<void> {
    active.pumping = true
    try {
      do {
        active.pumpAgain = false
        await this.#advance(active)
      } while (active.pumpAgain && !active.released)
    } catch (error) {
      this.#failed(active, error)
    } finally {
      active.pumping = false
    }
  }

  async #advance(active: ActiveRun): Promise<void> {
    if (active.released) return
    if (active.done) return await this.#closer.settleUp(active)
    if (active.wanted !== 'run') return
    if (this.#draining) {
      if (active.running.size + active.recording.size === 0) await this.#closer.giveBack(active)
      return
    }
    if (active.queue.isLow) {
      await active.queue.readOn(() => this.#records.readPending(active))
      // Whatever else has come about meanwhile, what is to be done now follows from what was read.
      active.pumpAgain = true
      return
    }
    if (!active.planning && this.#planner.mayPlan(active)) void this.#plan(active)
    await this.#beginQueued(active)
  }

  async #plan(active: ActiveRun): Promise<void> {
    try {
      if (await this.#planner.planAhead(active)) this.go(active)
      else this.#refused(active)
    } catch (error) {
      this.#failed(active, error)
    }
  }

  /** Begins pending tasks on record: what a crash or an earlier attempt left, and what had to wait for its turn. */
  async #beginQueued(active: ActiveRun): Promise<void> {
    const room = Math.max(0, active.job.policy.parallel - active.running.size)
    const next = active.queue.take(room, ({ target }) => !this.#lingering.holds(active, target))
    this.#setRetryTimer(active)
    await Promise.all(next.map((task) => this.#beginPending(active, task)))
  }

  #setRetryTimer(active: ActiveRun): void {
    active.retryTimer?.cancel()
    const wait = active.queue.nextWait()
    if (Number.isFinite(wait)) active.retryTimer = this.#parts.clock.after(wait, () => this.go(active))
  }

  async #beginPending(active: ActiveRun, task: TaskRow): Promise<void> {
    // Reserved before the write, so that a stop that comes meanwhile finds it.
    const current = new ActiveTask(task)
    active.add(current)
    active.beginning++
    const begun = await this.#records.begin(active, task)
    active.beginning--
    if (begun === true && !active.released) {
      active.refusals = 0
      this.#work(active, current)
      return
    }
    active.running.delete(task.id)
    if (active.wanted === 'stop') return
    // Not taken because the run was to rest, or the task is not pending any longer: the record knows.
    active.queue.lookAgain()
    this.#refused(active)
  }

  /** Tries again what the record refused: a wish came between that is known here by now, or will be in a moment. */
  #refused(active: ActiveRun): void {
    if (active.wanted === 'run') this.#goAgain(active)
    else this.go(active)
  }

  #failed(active: ActiveRun, error: unknown): void {
    this.#parts.events.emit({ type: 'error', where: 'run', error })
    this.#goAgain(active)
  }

  /** Comes back to a run, at once the first time and after growing waits when it is in vain. */
  #goAgain(active: ActiveRun): void {
    if (active.released || active.againTimer !== undefined) return
    const wait = active.refusals === 0 ? 0 : Math.min(FIRST_WAIT * 2 ** (active.refusals - 1), LONGEST_WAIT)
    active.refusals++
    active.againTimer = this.#parts.clock.after(wait, () => {
      active.againTimer = undefined
      this.go(active)
    })
  }

  #work(active: ActiveRun, current: ActiveTask): void {
    // A run may have been suspended while its task was about to begin.
    current.onFreezable = () => void this.#freezer.adjust(active, current)
    current.settled = this.#finish(active, current).catch((error: unknown) => this.#failed(active, error))
  }

  /** Works on a task and puts its end on record, however long the database takes to have room or to come back. */
  async #finish(active: ActiveRun, current: ActiveTask): Promise<void> {
    const ended = await workTask(this.#parts, active, current)
    active.running.delete(current.task.id)
    if (active.released) return
    const isOver = active.wanted === 'run' && active.done && !active.hasOthers
    active.recording.add(current.task.id)
    const change = this.#conclude(active, current, ended)
    if (isOver && change.to === 'completed') this.#vacate(active)
    const taken = await this.#records.end(active, change)
    active.recording.delete(current.task.id)
    if (taken === null) this.#lose(active)
    if (active.released || taken === undefined || taken === null) return
    if (taken.retry !== undefined && active.wanted !== 'stop') {
      const next = attemptAfter(current.task, taken.retry, this.#parts.clock.now())
      active.enqueue({ ...next, ...NOTHING_YET, detail: current.task.detail })
    }
    this.go(active)
  }

  /** What the task's end changes. A kind that ends a task in no way that there is has failed it. */
  #conclude(active: ActiveRun, current: ActiveTask, ended: Outcome | Parked): TaskChange {
    try {
      return conclude(this.#parts, active, current, ended)
    } catch (error) {
      this.#parts.events.emit({ type: 'error', where: 'end task', error })
      return { ...active.ownership, taskId: current.task.id, to: 'failed', reason: reasonOf(error) }
    }
  }
}
