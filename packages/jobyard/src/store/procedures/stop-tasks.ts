import { all, idList, type Steps, sql } from '../sql.ts'
import type { RunCore } from './run-core.ts'

const stopIdleTasks = sql(
  (d) => `update task set state = 'stopped', finished_at = ?, parked_until = null, reason_code = ?, reason_text = ?
    where latest = 1 and state in ('pending', 'blocked', 'disconnected')
      and run_id in ${d.ids}
    returning run_id as "runId"`,
)

/** Stops the tasks of runs that nobody works on now: those that wait for their turn and those that are parked. */
export function* dropPendingTasks(
  cores: readonly RunCore[],
  reason: { readonly code: string; readonly text: string },
  at: number,
): Steps<void> {
  const affected = cores.filter((core) => core.nPending + core.nBlocked + core.nDisconnected > 0)
  if (affected.length === 0) return
  const ids = idList(affected.map(({ id }) => id))
  const rows = yield* all<{ runId: string }>(stopIdleTasks, at, reason.code, reason.text, ids)
  const counts = Map.groupBy(rows, ({ runId }) => runId)
  for (const core of affected) {
    core.nStopped += counts.get(core.id)?.length ?? 0
    core.nPending = 0
    core.nBlocked = 0
    core.nDisconnected = 0
  }
}

/**
 * A run of a continuous job belongs to its place. One that had more to begin when its owner went must not be dispatched
 * to anybody else: it ends, and the place is filled again.
 */
export function* endPlaced(
  runs: readonly RunCore[],
  reason: { readonly code: string; readonly text: string },
  at: number,
): Steps<void> {
  const unfinished = runs.filter(
    (run) => run.why === 'continuous' && run.wanted !== 'stop' && (run.planClosed === 0 || run.nPending > 0),
  )
  for (const run of unfinished) {
    run.wanted = 'stop'
    run.reasonCode = reason.code
    run.reasonText = reason.text
  }
  yield* dropPendingTasks(unfinished, reason, at)
}
