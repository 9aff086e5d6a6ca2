import type { Clock } from '../domain/clock.ts'
import type { TaskRow } from '../domain/model.ts'
import { PENDING_PAGE } from '../store/procedures/pending-tasks.ts'
import { Heap } from './heap.ts'

/** Pages kept in memory for one run at the most. Of more the later half is left to the record. */
const MOST_PAGES = 4
/** The part of a page below which more are read. */
const LOW = 0.1
/** By how many milliseconds the clock must be ahead of the time that has passed to count as put forward. */
const JUMP = 100

interface Waiting {
  task: TaskRow
  /** When it may begin, on the clock that only grows: the other one may be put back meanwhile. */
  due: number
}

/**
 * The pending tasks of a run that come next: what is due in the order of its falling due and then of its making, what
 * has to wait until its time. The record has them all and this is only a part of it, which is read in pages; so what is
 * doubtful here is dropped and read again.
 */
export class TaskQueue {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #page: number
  readonly #ready = new Heap<Waiting>(hasTurn)
  readonly #waiting = new Heap<Waiting>((one, other) => one.due < other.due)
  readonly #kept = new Map<string, Waiting>()
  /** Whatever is on record and not here falls due at this time or later, on the clock that only grows. */
  #horizon: number
  #reading = false
  #closed = false
  /** How far the clock was ahead of the time that has passed, when it was last looked at. */
  #ahead: number

  /** `whole`: no task of the run is pending but those that will be added. `page`: how many are read at once. */
  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, whole: boolean, page = PENDING_PAGE) {
    this.#clock = clock
    this.#page = page
    this.#horizon = whole ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    this.#ahead = clock.now() - clock.elapsed()
  }

  /** Tasks that are kept here. */
  get size(): number {
    return this.#kept.size
  }

  /** True when nothing is here, and nothing on record that is to be read. */
  get isEmpty(): boolean {
    return this.size === 0 && this.#horizon === Number.POSITIVE_INFINITY && !this.#reading
  }

  /** Tasks here that may be begun by now. */
  get due(): number {
    if (this.#isDone) return 0
    this.#ripen()
    return this.#ready.size
  }

  /** True when more may be due than what is here. */
  get isBehind(): boolean {
    if (this.#isDone) return false
    this.#ripen()
    return this.#horizon <= this.#clock.elapsed()
  }

  /** True when it is time to read on. */
  get isLow(): boolean {
    return this.isBehind && this.#ready.size < LOW * this.#page && !this.#reading
  }

  has(id: string): boolean {
    return this.#kept.has(id)
  }

  /**
   * Adds a task that is on record as pending; one that comes later than what is read so far is left there. Of one that
   * is here already the earlier time counts.
   */
  add(task: TaskRow): void {
    if (this.#put(task)) this.#sortWaiting()
  }

  /** As {@link add}; true when what waits must be sorted anew. */
  #put(task: TaskRow): boolean {
    if (this.#closed) return false
    const due = this.#dueOf(task)
    const known = this.#kept.get(task.id)
    if (known !== undefined) return known.due > this.#clock.elapsed() && hasten(known, task, due)
    if (due >= this.#horizon && !this.#reading) return false
    this.#keep({ task, due })
    if (this.size > MOST_PAGES * this.#page) this.#dropLater()
    return false
  }

  /** Takes at most so many tasks out that are due and free. */
  take(limit: number, isFree: (task: TaskRow) => boolean): TaskRow[] {
    const taken: TaskRow[] = []
    if (this.#isDone) return taken
    this.#ripen()
    const held: Waiting[] = []
    while (taken.length < limit) {
      const next = this.#ready.take()
      if (next === undefined) break
      if (isFree(next.task)) {
        this.#kept.delete(next.task.id)
        taken.push(next.task)
      } else {
        held.push(next)
      }
    }
    for (const each of held) this.#ready.add(each)
    return taken
  }

  /** Milliseconds until the next task may fall due that is not; infinite when none will. */
  nextWait(): number {
    if (this.#isDone) return Number.POSITIVE_INFINITY
    this.#ripen()
    const elapsed = this.#clock.elapsed()
    const horizon = this.#horizon > elapsed ? this.#horizon : Number.POSITIVE_INFINITY
    return Math.min(this.#waiting.peek()?.due ?? Number.POSITIVE_INFINITY, horizon) - elapsed
  }

  /** Something may be pending that is not known here. */
  lookAgain(): void {
    if (!this.#closed) this.#horizon = Number.NEGATIVE_INFINITY
  }

  /** Nothing is to be begun any more. */
  close(): void {
    this.#closed = true
    this.#horizon = Number.POSITIVE_INFINITY
    for (const heap of [this.#ready, this.#waiting]) heap.empty()
    this.#kept.clear()
  }

  /**
   * Reads on. `read` gives the first pending tasks of the record in its order, a page of them when there are so many;
   * undefined when it was given up. None of those that have left this queue must be among them.
   */
  async readOn(read: () => Promise<readonly TaskRow[] | undefined>): Promise<void> {
    this.#reading = true
    // What comes meanwhile is kept; what is dropped or doubted meanwhile lowers it again.
    this.#horizon = Number.POSITIVE_INFINITY
    try {
      const page = await read()
      let hastened = false
      for (const task of page ?? []) hastened = this.#put(task) || hastened
      if (hastened) this.#sortWaiting()
      const last = page?.[this.#page - 1]
      if (last !== undefined) this.#lower(last.notBefore === null ? Number.NEGATIVE_INFINITY : this.#dueOf(last))
      else if (page === undefined) this.lookAgain()
    } catch (error) {
      this.lookAgain()
      throw error
    } finally {
      this.#reading = false
    }
  }

  /** Most runs have a single task, which is begun as it is planned: nothing is ever queued for them. */
  get #isDone(): boolean {
    return this.#kept.size === 0 && this.#horizon === Number.POSITIVE_INFINITY
  }

  #lower(horizon: number): void {
    if (!this.#closed) this.#horizon = Math.min(this.#horizon, horizon)
  }

  #dueOf({ notBefore, createdAt }: TaskRow): number {
    const [now, elapsed] = [this.#clock.now(), this.#clock.elapsed()]
    return elapsed + (notBefore === null ? Math.min(0, createdAt - now) : notBefore - now)
  }

  #keep(waiting: Waiting): void {
    this.#kept.set(waiting.task.id, waiting)
    if (waiting.due <= this.#clock.elapsed()) this.#ready.add(waiting)
    else this.#waiting.add(waiting)
  }

  /** What falls due later is found on record when its time comes. */
  #dropLater(): void {
    const sorted = [...this.#ready.empty(), ...this.#waiting.empty()].sort((a, b) => a.due - b.due)
    const dropped = sorted.splice((MOST_PAGES / 2) * this.#page)
    this.#lower(dropped[0]?.due ?? Number.POSITIVE_INFINITY)
    this.#kept.clear()
    for (const each of sorted) this.#keep(each)
  }

  /** Moves to what is due what has become so. */
  #ripen(): void {
    this.#noteClock()
    const elapsed = this.#clock.elapsed()
    for (let next = this.#waiting.peek(); next !== undefined && next.due <= elapsed; next = this.#waiting.peek()) {
      this.#ready.add(next)
      this.#waiting.take()
    }
  }

  /** The clock may have been put forward, or the machine have slept: what is over by either clock is over. */
  #noteClock(): void {
    const ahead = this.#clock.now() - this.#clock.elapsed()
    const jump = ahead - this.#ahead
    if (jump >= 0 && jump < JUMP) return
    this.#ahead = ahead
    if (jump < 0) return
    this.#lower(this.#horizon - jump)
    for (const waiting of this.#waiting.empty()) {
      hasten(waiting, waiting.task, this.#dueOf(waiting.task))
      this.#waiting.add(waiting)
    }
  }

  #sortWaiting(): void {
    for (const each of this.#waiting.empty()) this.#waiting.add(each)
  }
}

/** Takes what is on record now when by that it is due earlier. True when it is. */
function hasten(waiting: Waiting, task: TaskRow, due: number): boolean {
  if (due >= waiting.due) return false
  waiting.task = task
  waiting.due = due
  return true
}

/** Whose turn it is of two that are due: by the times on record, which are exact, and by ids in the order of their making. */
function hasTurn({ task: one }: Waiting, { task: other }: Waiting): boolean {
  const [since, sinceOther] = [one.notBefore ?? one.createdAt, other.notBefore ?? other.createdAt]
  return since === sinceOther ? one.id < other.id : since < sinceOther
}
