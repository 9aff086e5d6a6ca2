import type { Scope } from '../contract.ts'
import { all, first, type Steps, sql } from '../sql.ts'
import type { Changes } from './advance.ts'
import { resolveTasks } from './resolve-tasks.ts'

const overdue = sql(
  `select id, run_id as "runId", parked_until as "until" from task
    where parked_until is not null and parked_until <= ? order by parked_until limit ?`,
)
const soonest = sql('select min(parked_until) as "until" from task where parked_until is not null')

/** Fails parked tasks whose deadline has passed without anybody resolving them; `lot` as in {@link resolveTasks}. */
export function* expireParked(
  { at, limit, lot }: { readonly at: number; readonly limit: number; readonly lot: number },
  scope: Scope,
): Steps<Changes & { readonly more: boolean; readonly nextDeadline: number | null }> {
  const rows = yield* all<{ id: string; runId: string; until: number }>(overdue, at, limit)
  if (rows.length === 0) return { settled: [], created: [], more: false, nextDeadline: yield* readNext() }
  const items = rows.map(({ id, until }) => ({
    taskId: id,
    to: 'failed' as const,
    reason: { code: 'timeout', text: `Nothing came before its deadline, ${new Date(until).toISOString()}.` },
  }))
  const { settled, created, refused = [] } = yield* resolveTasks({ items, at, lot }, scope)
  return { settled, created, refused, more: rows.length === limit, nextDeadline: yield* readNext() }
}

function* readNext(): Steps<number | null> {
  return (yield* first<{ until: number | null }>(soonest))?.until ?? null
}
