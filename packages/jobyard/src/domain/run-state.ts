import { canBecome, type FinishedState, type State } from '@jobyard/jobs'

/** What is wanted of a run: that it goes on, rests where it is, or ends. */
export type Wanted = 'run' | 'suspend' | 'stop'

/**
 * How many of a run's tasks are in which state, the last attempt per target only. Tasks that are `suspending` or
 * `stopping` still run and count as running; `suspended` ones are frozen processes that somebody owns.
 */
export interface Counts {
  readonly pending: number
  readonly running: number
  readonly blocked: number
  readonly disconnected: number
  readonly suspended: number
  readonly completed: number
  readonly failed: number
  readonly stopped: number
}

/** A run without tasks. */
export const NO_TASKS: Counts = {
  pending: 0,
  running: 0,
  blocked: 0,
  disconnected: 0,
  suspended: 0,
  completed: 0,
  failed: 0,
  stopped: 0,
}

/** The column of {@link Counts} that a task in this state is counted in. */
export function countedAs(state: State): keyof Counts {
  return state === 'suspending' || state === 'stopping' ? 'running' : state
}

/** Everything that a run's state follows from, but the kind's verdict. */
export interface RunFacts {
  /** True when no more tasks will be planned. */
  readonly planClosed: boolean
  readonly wanted: Wanted
  readonly counts: Counts
  /** True while an instance owns the run. */
  readonly owned: boolean
}

/** A run's state, or that all its work is done and the verdict must say how it ended. */
export type RunDecision = { readonly state: State } | { readonly verdict: true }

/** Tasks that are not finished. */
export function unfinished(counts: Counts): number {
  return counts.pending + counts.running + counts.blocked + counts.disconnected + counts.suspended
}

/** A run's state, as a function of the facts alone. */
export function decideRun({ planClosed, wanted, counts, owned }: RunFacts): RunDecision {
  if (wanted === 'stop') return { state: counts.running + counts.suspended > 0 ? 'stopping' : 'stopped' }
  if (planClosed && unfinished(counts) === 0) return { verdict: true }
  if (wanted === 'suspend') return { state: counts.running > 0 ? 'suspending' : 'suspended' }
  if (counts.running > 0) return { state: 'running' }
  if (counts.suspended > 0) return { state: 'suspended' }
  if (counts.pending > 0 || !planClosed) return { state: owned ? 'running' : 'pending' }
  return { state: counts.blocked > 0 ? 'blocked' : 'disconnected' }
}

/** How a run ended when its kind has no opinion: failed over stopped over completed. Nothing to do is completed. */
export function defaultVerdict(counts: Counts): FinishedState {
  if (counts.failed > 0) return 'failed'
  return counts.stopped > 0 ? 'stopped' : 'completed'
}

/** Throws when a run or task would make an illegal step: a defect of Jobyard, never of its user. */
export function requireTransition(from: State, to: State, what: string): void {
  if (from === to || canBecome(from, to)) return
  throw new Error(`${what} cannot go from ${from} to ${to}`)
}
