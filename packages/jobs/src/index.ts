/** The states of runs and of tasks. The last three are final. */
export const STATES = [
  'pending',
  'running',
  'blocked',
  'suspending',
  'suspended',
  'stopping',
  'disconnected',
  'completed',
  'failed',
  'stopped',
] as const

/** A state of a run or of a task. */
export type State = (typeof STATES)[number]

/** The states that nothing leaves. */
export const FINISHED = ['completed', 'failed', 'stopped'] as const satisfies readonly State[]

/** A state that nothing leaves. */
export type FinishedState = (typeof FINISHED)[number]

/**
 * The legal ways from one state to another, for runs and tasks alike; whatever is not here must not happen. A run
 * goes back to `pending` while it waits for its next attempt or for another owner after a crash.
 */
export const TRANSITIONS: Readonly<Record<State, readonly State[]>> = {
  pending: ['running', 'blocked', 'disconnected', 'suspended', 'stopping', 'completed', 'failed', 'stopped'],
  running: [
    'pending',
    'blocked',
    'disconnected',
    'suspending',
    'suspended',
    'stopping',
    'completed',
    'failed',
    'stopped',
  ],
  blocked: ['pending', 'running', 'disconnected', 'suspended', 'stopping', 'completed', 'failed', 'stopped'],
  disconnected: ['pending', 'running', 'blocked', 'suspended', 'stopping', 'completed', 'failed', 'stopped'],
  suspending: [
    'pending',
    'running',
    'blocked',
    'disconnected',
    'suspended',
    'stopping',
    'completed',
    'failed',
    'stopped',
  ],
  suspended: [
    'pending',
    'running',
    'blocked',
    'disconnected',
    'suspending',
    'stopping',
    'completed',
    'failed',
    'stopped',
  ],
  stopping: ['completed', 'failed', 'stopped'],
  completed: [],
  failed: [],
  stopped: [],
}

/** Whether a state is final. */
export function isFinished(state: State): state is FinishedState {
  return state === 'completed' || state === 'failed' || state === 'stopped'
}

/** Whether a run or task in state `from` may come into state `to`. Staying is not a transition. */
export function canBecome(from: State, to: State): boolean {
  return TRANSITIONS[from].includes(to)
}
