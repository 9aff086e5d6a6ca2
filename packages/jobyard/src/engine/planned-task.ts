import type { TaskRow } from '../domain/model.ts'
import { NOTHING_YET } from '../store/procedures/tasks.ts'
import type { ActiveRun } from './active-run.ts'
import type { TaskPlan } from './kind.ts'
import type { EngineParts } from './parts.ts'

/** The first attempt at a planned target, as it will be on record. */
export function plannedTask(
  parts: Pick<EngineParts, 'clock' | 'ids'>,
  { run, ownership }: ActiveRun,
  { target, detail }: TaskPlan,
  start: boolean,
): TaskRow {
  const now = parts.clock.now()
  return {
    id: parts.ids.next(),
    runId: run.id,
    target,
    attempt: 1,
    crashes: 0,
    state: start ? 'running' : 'pending',
    detail: detail ?? null,
    owner: start ? ownership.owner : null,
    fence: start ? ownership.fence : 0,
    notBefore: null,
    createdAt: now,
    startedAt: start ? now : null,
    ...NOTHING_YET,
  }
}

/** A planned detail as every attempt will find it. Throws when JSON cannot say all of it. */
export function plainDetail(detail: unknown): unknown {
  if (detail === undefined || detail === null) return null
  const text = JSON.stringify(detail, (name, value: unknown) => {
    if (typeof value !== 'function' && typeof value !== 'symbol') return value
    throw new TypeError(`${name === '' ? 'it' : name} is a ${typeof value}`)
  })
  return JSON.parse(text)
}
