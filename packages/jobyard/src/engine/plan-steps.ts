import type { TaskPlan } from './kind.ts'

type Plan = AsyncIterator<TaskPlan> | Iterator<TaskPlan>
type Step = IteratorResult<TaskPlan>

/** A kind's plan for one run, taken step by step. */
export class PlanSteps {
  readonly #begin: () => AsyncIterable<TaskPlan> | Iterable<TaskPlan>
  #plan: Plan | undefined
  #step: Promise<Step> | Step | undefined
  #ended: boolean
  #given = 0

  /** `begin` asks the kind for the plan, from where it stands on record. */
  constructor(begin: () => AsyncIterable<TaskPlan> | Iterable<TaskPlan>, ended: boolean) {
    this.#begin = begin
    this.#ended = ended
  }

  /** How many targets it has given. */
  get given(): number {
    return this.#given
  }

  /** True when no more targets will come. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * The next targets, at most so many: those that the kind gives without waiting, and at least one unless the plan has
   * ended. Rejects with what the kind throws, after the targets that came before it have been given.
   */
  async gather(limit: number): Promise<TaskPlan[]> {
    const plans: TaskPlan[] = []
    while (plans.length < limit && !this.#ended) {
      this.#step ??= this.#next()
      let result: Step | undefined
      try {
        result = plans.length === 0 ? await this.#step : await soon(this.#step)
      } catch (error) {
        if (plans.length === 0) throw error
        // The failed step stays, and is met again by the next call.
        break
      }
      // A plan that takes its time holds up nothing that is planned already.
      if (result === undefined) break
      this.#step = undefined
      if (result.done) this.#ended = true
      else plans.push(result.value)
    }
    this.#given += plans.length
    return plans
  }

  /** Forgets what was planned beyond the record; the kind is asked anew. Rejects with what its clean-up throws. */
  async forget(): Promise<void> {
    this.#ended = false
    await this.#drop()
  }

  /** Ends planning, and lets the kind close what it holds open for it. Rejects with what that throws. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#drop()
  }

  async #drop(): Promise<void> {
    const plan = this.#plan
    this.#plan = undefined
    this.#step = undefined
    await plan?.return?.()
  }

  #next(): Promise<Step> | Step {
    try {
      if (this.#plan === undefined) {
        const plan = this.#begin()
        this.#plan = Symbol.asyncIterator in plan ? plan[Symbol.asyncIterator]() : plan[Symbol.iterator]()
      }
      return this.#plan.next()
    } catch (error) {
      const failed = Promise.reject(error)
      // Whoever takes the step sees it; until then nobody has to.
      failed.catch(() => undefined)
      return failed
    }
  }
}

/** The value of a step that is there at once or within this turn of the loop; undefined when it takes longer. */
async function soon<T>(step: Promise<T> | T): Promise<T | undefined> {
  if (!(step instanceof Promise)) return step
  return await Promise.race([step, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}
