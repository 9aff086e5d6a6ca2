import type { RunRow, TaskRow } from '../domain/model.ts'
import { type NextTry, tryAfterCrash, tryAfterFailure } from '../domain/retry.ts'
import type { TaskChange } from '../store/procedures/work.ts'
import type { ActiveRun, ActiveTask } from './active-run.ts'
import type { Outcome, Parked, Reason } from './kind.ts'
import type { EngineParts } from './parts.ts'

/** Reasons of a stop that make a failure of it: nobody wanted the run to end, a rule or an accident did. */
const FAILING = new Set(['timeout', 'idle', 'shutdown', 'lost', 'stuck'])
/** Ends that came over the task from outside, after which the policy for crashes decides. */
const CRASHES = new Set(['lost', 'shutdown'])

/** The change that puts a task's end on record, with another attempt where the policies give one. */
export function conclude(
  parts: EngineParts,
  active: ActiveRun,
  current: ActiveTask,
  ended: Outcome | Parked,
): TaskChange {
  const base = { ...active.ownership, taskId: current.task.id }
  const outcome = judge(active.run, ended, current.stop?.reason)
  if ('until' in outcome) return { ...base, to: outcome.state, parkedUntil: Math.round(outcome.until) }
  const { usage } = outcome
  const result = asJson(outcome.result)
  const change: TaskChange = {
    ...base,
    to: outcome.state,
    ...(outcome.state === 'completed' ? {} : { reason: outcome.reason }),
    ...(result === undefined ? {} : { result }),
    ...(usage === undefined ? {} : { usage }),
    outputBytes: current.outputBytes,
  }
  if (outcome.state !== 'failed' || outcome.retry === false) return change
  const again = nextTry(parts, active, current.task, outcome.reason)
  return again === null ? change : { ...change, retry: { id: parts.ids.next(), ...again } }
}

/** Results are stored as JSON; what JSON cannot say is not worth failing for. */
function asJson(result: unknown): string | undefined {
  try {
    return JSON.stringify(result)
  } catch (error) {
    return JSON.stringify({ unstorable: String(error) })
  }
}

/** How the task ended, given why it was asked to end, if it was. */
function judge(run: RunRow, ended: Outcome | Parked, stop: Reason | undefined): Outcome | Parked {
  if ('until' in ended && !Number.isFinite(ended.until)) {
    return { state: 'failed', reason: { code: 'error', text: `It was parked until ${ended.until}, which is no time.` } }
  }
  if (stop === undefined || ended.state === 'completed') return ended
  if ('until' in ended) return { state: 'stopped', reason: stop }
  const fails = FAILING.has(stop.code) && !(run.why === 'continuous' && stop.code === 'shutdown')
  return { ...ended, state: fails ? 'failed' : 'stopped', reason: stop }
}

function nextTry(parts: EngineParts, { run, job }: ActiveRun, task: TaskRow, reason: Reason): NextTry | null {
  // A continuous job is started again by its place, as a new run.
  if (run.why === 'continuous') return null
  if (CRASHES.has(reason.code)) return tryAfterCrash(job.policy, task)
  return tryAfterFailure(job.policy.retry, task, parts.random())
}
