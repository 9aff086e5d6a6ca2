import type { Repository } from '../../src/store/procedures/index.ts'
import { PENDING_PAGE } from '../../src/store/procedures/pending-tasks.ts'
import { askDatabase } from '../support/ask-database.ts'
import type { Stack } from '../support/stack.ts'

/** A task that is on record before anybody works on its run. */
export interface Left {
  readonly target: string
  /** Absent: pending. */
  readonly state?: 'pending' | 'blocked'
  /** When its second attempt may begin, epoch milliseconds; absent: it is the first one. */
  readonly notBefore?: number
}

/** Puts a run on record that rests with these tasks, as if an earlier owner had planned them. Answers its id. */
export async function leaveRun(
  { parts, store, collectionId, place }: Stack,
  jobId: string,
  left: readonly Left[],
): Promise<string> {
  const rows = await askDatabase(place)
  try {
    const now = parts.clock.now()
    const id = parts.ids.next()
    const tasks = left.map(({ target, state = 'pending', notBefore }) => ({
      id: parts.ids.next(),
      run_id: id,
      target,
      attempt: notBefore === undefined ? 1 : 2,
      state,
      not_before: notBefore ?? null,
      parked_until: state === 'blocked' ? now + 3_600_000 : null,
      started_at: state === 'blocked' ? now : null,
      created_at: now,
    }))
    await rows.addRows('task', tasks)
    const parked = left.filter(({ state }) => state === 'blocked').length
    const number = (await store.read('listRuns', { jobId, limit: 1 })).length + 1
    const what = { id, job_id: jobId, collection_id: collectionId, kind: 'test', number, why: 'manual' }
    const counts = { n_pending: left.length - parked, n_blocked: parked }
    const state = { state: 'suspended', wanted: 'suspend', plan_closed: 1 }
    const facts = { detail: '{}', args: '[]', fence: 1, created_at: now, started_at: now }
    await rows.addRows('run', [{ ...what, ...state, ...facts, ...counts }])
    return id
  } finally {
    await rows.close()
  }
}

/** Has a run that rests go on. */
export function goOn({ engine }: Stack, runId: string): Promise<void> {
  return engine.want([runId], 'run', { code: 'user', text: 'A person asked for it.' })
}

/** The number of tasks in each state, the last attempts only, counted anew. */
export async function recount({ place }: Stack, runId: string): Promise<Record<string, number>> {
  const rows = await askDatabase(place)
  try {
    const counts = await rows.ask(
      'select state, count(*) as n from task where run_id = ? and latest = 1 group by state',
      runId,
    )
    return Object.fromEntries(counts.map(({ state, n }) => [String(state), Number(n)]))
  } finally {
    await rows.close()
  }
}

/** Notes how many tasks each read of pending ones gives; none may give more than a page. */
export function watchPages(store: Repository): number[] {
  const pages: number[] = []
  const read = store.read.bind(store)
  store.read = (async (name, input) => {
    const output = await read(name, input)
    if (name === 'readPending' && Array.isArray(output)) pages.push(output.length)
    return output
  }) as Repository['read']
  return pages
}

/** More targets than two pages hold. */
export const MANY = 2 * PENDING_PAGE + 500

/** So many targets. */
export function targetsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${String(index).padStart(6, '0')}`)
}
