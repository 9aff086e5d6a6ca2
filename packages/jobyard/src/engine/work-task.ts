import { messageOf } from '../domain/error-message.ts'
import { JobyardError } from '../domain/errors.ts'
import type { OutputOptions } from '../store/output/contract.ts'
import type { ActiveRun, ActiveTask } from './active-run.ts'
import { type CollectionSettings, NO_SETTINGS } from './collection-settings.ts'
import type { Outcome, Parked, TaskContext } from './kind.ts'
import type { EngineParts } from './parts.ts'
import { TaskLog } from './task-log.ts'

/** Works on one task until it is done or parked. Never rejects: whatever goes wrong is the task's outcome. */
export async function workTask(parts: EngineParts, active: ActiveRun, current: ActiveTask): Promise<Outcome | Parked> {
  const settings = parts.appSettings?.of(active.job.collectionId) ?? NO_SETTINGS
  const options = logOptions(active, settings)
  const log = new TaskLog(parts.output, current.task.id, options.log)
  let ended: Outcome | Parked
  try {
    keepToLimit(parts, active, current)
    if (options.problem !== undefined) throw options.problem
    ended = await active.kind.begin(current.task, active.job.spec, contextFor(parts, active, current, log, settings))
  } catch (error) {
    ended = { state: 'failed', reason: reasonOf(error) }
    log.write('system', `${ended.reason.text}\n`)
  }
  current.limit(undefined)
  try {
    current.outputBytes = await log.close()
  } catch (error) {
    if (ended.state === 'completed') return { ...ended, state: 'failed', reason: reasonOf(error) }
  }
  return ended
}

/** How the task's output is kept. Nothing is begun whose secrets cannot be opened: they could not be masked either. */
function logOptions(
  { kind, job, run }: ActiveRun,
  settings: CollectionSettings,
): { log: OutputOptions; problem?: unknown } {
  const log = { capBytes: job.policy.outputBytes, rolling: run.why === 'continuous', secrets: [] }
  if (settings.problem !== undefined) return { log, problem: settings.problem }
  try {
    return { log: { ...log, secrets: [...(kind.secrets?.(job.spec, job) ?? []), ...settings.secrets] } }
  } catch (problem) {
    return { log, problem }
  }
}

function contextFor(
  parts: EngineParts,
  active: ActiveRun,
  current: ActiveTask,
  log: TaskLog,
  settings: CollectionSettings,
): TaskContext {
  return {
    job: active.job,
    run: active.run,
    settings,
    clock: parts.clock,
    get signal() {
      return current.signal
    },
    get urgent() {
      return current.urgent
    },
    describe: (facts) => log.describe(facts),
    output: (stream, data) => log.write(stream, data),
    openChannel: () => log.openChannel(),
    channelUnused: () => log.channelUnused(),
    fence: active.ownership.fence,
    freezable(freeze, thaw) {
      current.freeze = freeze
      current.thaw = thaw
      current.onFreezable()
    },
  }
}

/** Starts the clock of the policy's time limit; it stands still while the task is frozen. */
export function keepToLimit(parts: EngineParts, active: ActiveRun, current: ActiveTask): void {
  const { timeoutMs } = active.job.policy
  if (timeoutMs === null) return
  current.runningSince = parts.clock.elapsed()
  const reason = { code: 'timeout', text: `It took longer than its time limit of ${timeoutMs / 1000} s.` }
  const timer = parts.clock.after(timeoutMs - current.spentMs, () => current.abort({ reason, graceMs: active.graceMs }))
  current.limit(timer)
}

/** Stops the clock of the time limit where it is. */
export function pauseLimit({ clock }: EngineParts, current: ActiveTask): void {
  current.spentMs += clock.elapsed() - current.runningSince
  current.limit(undefined)
}

/** What to put on record of an error: its own code where it has one. */
export function reasonOf(error: unknown): { code: string; text: string } {
  if (error instanceof JobyardError) return { code: error.code, text: error.message }
  return { code: 'error', text: messageOf(error) }
}
