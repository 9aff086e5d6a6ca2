import type { Job, State } from '@jobyard/client'
import { type Saying, sayJob, sayState } from '../words/states.ts'

/** A state: a dot in its colour, and its word. */
export function Badge({ saying: { tone, text }, soft = false }: { saying: Saying; soft?: boolean }) {
  return (
    <span className={soft ? 'state soft' : 'state'} data-tone={tone}>
      <span className="dot" aria-hidden />
      {text}
    </span>
  )
}

/** What a job is doing. */
export function JobState({ job, soft = false }: { job: Pick<Job, 'state' | 'latestRun'>; soft?: boolean }) {
  return <Badge saying={sayJob(job)} soft={soft} />
}

/** What a run or a task is doing. */
export function RunState({ state, soft = false }: { state: State; soft?: boolean }) {
  return <Badge saying={sayState(state)} soft={soft} />
}
