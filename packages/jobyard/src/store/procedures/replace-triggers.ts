import type { TriggerSpec } from '../../domain/model.ts'
import type { Scope } from '../contract.ts'
import { all, execute, type Steps, sql } from '../sql.ts'
import { firstDue } from './schedules.ts'
import { defaultZone, type Rest, restOf } from './steering.ts'

const triggersOf = sql(
  `select type, detail, considered_at as "consideredAt", next_due as "nextDue" from job_trigger where job_id = ?`,
)
const dropTriggers = sql('delete from job_trigger where job_id = ?')
const insertTrigger = sql(
  `insert into job_trigger (id, job_id, type, detail, after_job_id, singleton, considered_at, next_due)
    values (?, ?, ?, ?, ?, ?, ?, ?)`,
)

/** What of a job its triggers follow from. */
interface Triggered {
  readonly collectionId: string
  readonly triggers: readonly TriggerSpec[]
  readonly enabled: boolean
}

interface OldTrigger {
  readonly type: string
  readonly detail: string
  readonly consideredAt: number | null
  readonly nextDue: number | null
}

/** Writes a job's triggers anew; a schedule that stays the same goes on from where it was. Answers whether one has changed. */
export function* replaceTriggers(scope: Scope, jobId: string, draft: Triggered, at: number): Steps<boolean> {
  const old = [...(yield* all<OldTrigger>(triggersOf, jobId))]
  yield* execute(dropTriggers, jobId)
  let isNew = false
  for (const wished of draft.triggers) {
    const trigger = yield* inZone(scope, draft.collectionId, wished)
    const { type, ...detail } = trigger
    const text = JSON.stringify(detail)
    const place = old.findIndex((row) => row.type === type && row.detail === text)
    const [same] = place < 0 ? [] : old.splice(place, 1)
    isNew ||= same === undefined
    const after = trigger.type === 'after' ? trigger.jobId : null
    const singleton = trigger.type === 'continuous' && trigger.singleton ? 1 : 0
    const clock = dueTimes(trigger, draft.enabled, same, at)
    yield* execute(
      insertTrigger,
      scope.ids.next(),
      jobId,
      type,
      text,
      after,
      singleton,
      clock.consideredAt,
      clock.nextDue,
    )
  }
  return old.length > 0 || isNew
}

/** A schedule as the audit log keeps it, so that it can be told later when it was set. */
export interface AuditedSchedule {
  readonly ncrontab: string
  readonly timeZone: string
  /** When it falls due first, epoch milliseconds; null: never. */
  readonly next: number | null
  /** What of the collection's settings kept it from falling due at all when it was set. */
  readonly rests?: Rest
}

/** A schedule that a job was to have and that nobody can read, as the audit log keeps it among the others. */
export interface UnreadableSchedule {
  /** As it was written. */
  readonly unreadable: string
  /** What is wrong with it. */
  readonly error: string
}

/** The schedules that a job is to have, for the audit log. */
export function* auditedSchedules(
  scope: Scope,
  { triggers, collectionId }: Triggered,
  at: number,
): Steps<AuditedSchedule[]> {
  const schedules: AuditedSchedule[] = []
  const rest = yield* restOf(scope, collectionId)
  const rests = rest === undefined ? {} : { rests: rest }
  for (const wished of triggers) {
    const trigger = yield* inZone(scope, collectionId, wished)
    if (trigger.type !== 'schedule') continue
    const { ncrontab, timeZone } = trigger
    schedules.push({ ncrontab, timeZone, next: firstDue(trigger, at), ...rests })
  }
  return schedules
}

/** A schedule that names no zone is in that of its collection. */
function* inZone(scope: Scope, collectionId: string, trigger: TriggerSpec): Steps<TriggerSpec> {
  if (trigger.type !== 'schedule' || trigger.zone !== 'default') return trigger
  return { ...trigger, timeZone: yield* defaultZone(scope, collectionId) }
}

function dueTimes(
  trigger: TriggerSpec,
  enabled: boolean,
  same: { consideredAt: number | null; nextDue: number | null } | undefined,
  at: number,
): { consideredAt: number | null; nextDue: number | null } {
  // While a job is stopped its schedule stands still, and nothing of that time is made up for later.
  if (trigger.type !== 'schedule' || !enabled) return { consideredAt: null, nextDue: null }
  if (same?.nextDue != null) return same
  return { consideredAt: at, nextDue: firstDue(trigger, at) }
}
