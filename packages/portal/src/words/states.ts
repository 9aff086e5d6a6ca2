import type { Job, Run, State, Why } from '@jobyard/client'

/** How something is: told by colour too, but never by colour alone. */
export type Tone = 'busy' | 'good' | 'wait' | 'bad' | 'quiet'

/** A state in a word, and its tone. */
export interface Saying {
  readonly tone: Tone
  readonly text: string
}

const RUN_STATES: Readonly<Record<State, Saying>> = {
  pending: { tone: 'wait', text: 'Waiting' },
  running: { tone: 'busy', text: 'Running' },
  blocked: { tone: 'wait', text: 'Blocked' },
  suspending: { tone: 'wait', text: 'Suspending' },
  suspended: { tone: 'wait', text: 'Suspended' },
  stopping: { tone: 'wait', text: 'Stopping' },
  disconnected: { tone: 'wait', text: 'Disconnected' },
  completed: { tone: 'good', text: 'Succeeded' },
  failed: { tone: 'bad', text: 'Failed' },
  stopped: { tone: 'quiet', text: 'Stopped' },
}

/** What a run or a task is doing. */
export function sayState(state: State): Saying {
  return RUN_STATES[state]
}

const JOB_STATES: Readonly<Record<Exclude<Job['state'], 'idle'>, Saying>> = {
  running: { tone: 'busy', text: 'Running' },
  waiting: { tone: 'wait', text: 'Waiting' },
  restarting: { tone: 'wait', text: 'Restarting' },
  stopped: { tone: 'quiet', text: 'Stopped' },
  'crash-loop': { tone: 'bad', text: 'Crash loop' },
}

/** What a job is doing; one that does nothing is as good as its latest run. */
export function sayJob({ state, latestRun }: Pick<Job, 'state' | 'latestRun'>): Saying {
  if (state !== 'idle') return JOB_STATES[state]
  if (latestRun === null) return { tone: 'quiet', text: 'Never ran' }
  return latestRun.state === 'stopped' ? { tone: 'quiet', text: 'Run stopped' } : RUN_STATES[latestRun.state]
}

const WHYS: Readonly<Record<Why, string>> = {
  manual: 'by hand',
  continuous: 'continuous',
  schedule: 'schedule',
  webhook: 'webhook',
  after: 'after another job',
  rerun: 'rerun',
  failure: 'after a failure',
}

/** Why a run began, with what is known of it. */
export function explainWhy({ why, detail }: Pick<Run, 'why' | 'detail'>): string {
  const { by, address, ncrontab, late } = detail
  if (why === 'schedule') return `schedule ${String(ncrontab ?? '')}${late === true ? ', late' : ''}`.trim()
  if (typeof by === 'string') return `${WHYS[why]}, ${by}`
  if (typeof address === 'string') return `${WHYS[why]}, from ${address}`
  return WHYS[why]
}
