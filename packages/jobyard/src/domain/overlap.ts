import type { Overlap } from './model.ts'

/** What a job has unfinished when a trigger comes. */
export interface OverlapLoad {
  /** Runs that have begun or may begin at any moment and have not finished; suspended and parked ones too. */
  readonly live: number
  /** Runs that wait for an earlier one to finish. */
  readonly queued: number
  /** How many runs may wait. */
  readonly queueDepth: number
}

/**
 * What becomes of a trigger.
 * - `start`: a run is made and begins.
 * - `queue`: a run is made and waits.
 * - `replace`: the waiting runs are dropped, the live ones stopped, and a run is made that begins when they have ended.
 * - `skip`: no run is made; the trigger is on record and its sender is told that all is well.
 * - `refuse`: no run is made; the sender is told so (409).
 */
export interface OverlapDecision {
  readonly action: 'start' | 'queue' | 'replace' | 'skip' | 'refuse'
  /** Stable code of why. */
  readonly reason: 'free' | 'allowed' | 'already-running' | 'queue-full'
  /** The same for people. */
  readonly text: string
}

/**
 * Decides about a new trigger of a job:
 *
 * | policy  | nothing unfinished | something unfinished              |
 * |---------|--------------------|-----------------------------------|
 * | forbid  | start              | refuse                            |
 * | skip    | start              | skip                              |
 * | queue   | start              | queue; refuse when the queue is full |
 * | replace | start              | replace                           |
 * | allow   | start              | start                             |
 *
 * A waiting run counts as unfinished even when none is live, so that nobody overtakes it.
 */
export function decideOverlap(policy: Overlap, load: OverlapLoad): OverlapDecision {
  if (load.live + load.queued === 0)
    return { action: 'start', reason: 'free', text: 'No run of this job is unfinished.' }
  const busy = describeLoad(load)
  switch (policy) {
    case 'allow':
      return { action: 'start', reason: 'allowed', text: `${busy} The job allows runs at the same time.` }
    case 'forbid':
      return { action: 'refuse', reason: 'already-running', text: `${busy} The job allows one run at a time.` }
    case 'skip':
      return { action: 'skip', reason: 'already-running', text: `${busy} The job skips triggers meanwhile.` }
    case 'replace':
      return { action: 'replace', reason: 'already-running', text: `${busy} The job replaces it by the new one.` }
    case 'queue':
      return load.queued < load.queueDepth
        ? { action: 'queue', reason: 'already-running', text: `${busy} The new run waits for its turn.` }
        : { action: 'refuse', reason: 'queue-full', text: `${busy} No more than ${load.queueDepth} may wait.` }
  }
}

function describeLoad({ live, queued }: OverlapLoad): string {
  const running = live === 1 ? '1 run of this job is unfinished' : `${live} runs of this job are unfinished`
  return queued === 0 ? `${running}.` : `${running} and ${queued} ${queued === 1 ? 'waits' : 'wait'}.`
}
