import Type from 'typebox'
import type { RunRow, TaskRow } from '../../src/domain/model.ts'
import type { Counts } from '../../src/domain/run-state.ts'
import type { JobKind, Outcome, Parked, TaskContext, TaskPlan } from '../../src/engine/kind.ts'

/** What a test's job says: whom to work on. */
export interface TestSpec {
  readonly targets?: readonly string[]
}

/** What a test does with a task. */
export type Work = (task: TaskRow, context: TaskContext) => Promise<Outcome | Parked> | Outcome | Parked

/** A kind whose work the test does itself: every part of a run's life without a process. */
export class TestKind implements JobKind<TestSpec> {
  readonly name: string
  readonly types = ['test', 'continuous']
  readonly spec = Type.Object({ targets: Type.Optional(Type.Array(Type.String())) })
  /** Every task that was begun, in its order. */
  readonly begun: TaskRow[] = []
  /** The cursors that plans were continued from. */
  readonly plannedFrom: (string | undefined)[] = []
  work: Work = () => ({ state: 'completed' })
  /** Called for each planned target; may wait, to hold a plan up. */
  beforePlan: (target: string) => Promise<void> | void = () => undefined
  verdict?: (counts: Counts) => 'completed' | 'failed' | 'stopped'

  constructor(name = 'test') {
    this.name = name
  }

  async *plan(_run: RunRow, { targets = ['one'] }: TestSpec, after?: string): AsyncGenerator<TaskPlan> {
    this.plannedFrom.push(after)
    const from = after === undefined ? 0 : targets.indexOf(after) + 1
    for (const target of targets.slice(from)) {
      await this.beforePlan(target)
      yield { target, cursor: target }
    }
  }

  async begin(task: TaskRow, _spec: TestSpec, context: TaskContext): Promise<Outcome | Parked> {
    this.begun.push(task)
    return await this.work(task, context)
  }
}

/** Work that goes on until the test ends it or the engine does. */
export class Held {
  readonly #held = new Map<string, (outcome: Outcome | Parked) => void>()

  readonly work: Work = (task, { signal }) =>
    new Promise((resolve) => {
      const abort = (): void => {
        if (this.#held.get(task.target) === resolve) this.#held.delete(task.target)
        resolve({ state: 'stopped', reason: signal.reason.reason })
      }
      this.#held.set(task.target, resolve)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })

  /** Targets that are held now. */
  get targets(): string[] {
    return [...this.#held.keys()]
  }

  /** Ends the work on a target. */
  end(target: string, outcome: Outcome | Parked = { state: 'completed' }): void {
    const resolve = this.#held.get(target)
    if (resolve === undefined) throw new Error(`Nobody works on ${target}.`)
    this.#held.delete(target)
    resolve(outcome)
  }
}
