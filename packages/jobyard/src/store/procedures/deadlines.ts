import type { Scope } from '../contract.ts'
import { all, first, type Steps, sql } from '../sql.ts'
import { type Resolutions, type Resolved, resolveTasks } from './resolve-tasks.ts'

const overdue = sql(
  `select id, run_id as "runId", parked_until as "until" from task
    where parked_until is not null and parked_until <= ? order by parked_until limit ?`,
)
const soonest = sql('select min(parked_until) as "until" from task where parked_until is not null')

/** What came of {@link expireParked}. */
export interface Expired extends Omit<Resolved, 'accepted'> {
  readonly more: boolean
  readonly nextDeadline: number | null
}

/** Fails parked tasks whose deadline has passed without anybody resolving them; `lot` and `by` as in {@link resolveTasks}. */
export function* expireParked(
  { limit, ...how }: Resolutions & { readonly limit: number },
  scope: Scope,
): Steps<Expired> {
  const rows = yield* all<{ id: string; runId: string; until: number }>(overdue, how.at, limit)
  if (rows.length === 0) {
    return { settled: [], created: [], attempts: [], more: false, nextDeadline: yield* readNext() }
  }
  const items = rows.map(({ id, until }) => ({
    taskId: id,
    to: 'failed' as const,
    reason: { code: 'timeout', text: `Nothing came before its deadline, ${new Date(until).toISOString()}.` },
  }))
  const { accepted: _all, ...resolved } = yield* resolveTasks({ items, ...how }, scope)
  return { ...resolved, more: rows.length === limit, nextDeadline: yield* readNext() }
}

function* readNext(): Steps<number | null> {
  return (yield* first<{ until: number | null }>(soonest))?.until ?? null
}
