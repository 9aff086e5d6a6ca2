import { type Steer, zoneOf } from '../../domain/app-settings.ts'
import { shortId, shortName } from '../../domain/instance-name.ts'
import { DEFAULT_TIME_ZONE } from '../../domain/zone.ts'
import type { Scope } from '../contract.ts'
import { all, idList, type Steps, sql } from '../sql.ts'

/*
 * What the settings of collections say, in the transactions that must go by it: so all instances follow a change from its
 * commit on, and no trigger slips through. Each of these texts stands beside the table `job` and takes one parameter, the
 * slot of the instance.
 */

const HERE = '(setting.slot is null or setting.slot = ?)'

/** SQL: whether one of these flags is on for the collection of `job`. */
export function flagOn(...steers: readonly Steer[]): string {
  const named = steers.map((steer) => `'${steer}'`).join(', ')
  return `exists (select 1 from setting where setting.collection_id = job.collection_id
      and setting.steer in (${named}) and setting.amount = 1 and ${HERE})`
}

/** SQL: the amount that steers the collection of `job`, or null. */
export function amountOf(steer: Steer): string {
  return `(select max(setting.amount) from setting where setting.collection_id = job.collection_id
      and setting.steer = '${steer}' and ${HERE})`
}

/** Schedules stand still while the collection is stopped, too: nothing would come of their occurrences. */
export const STANDS_STILL = flagOn('stopped', 'unscheduled')

const instanceIds = sql(
  (d) => `select job.id as "jobId", setting.value from job join setting on setting.collection_id = job.collection_id
    where job.id in ${d.ids} and setting.steer = 'instance' and setting.value <> '' and ${HERE}`,
)

/** How logs of jobs call this instance, for each of them; null: it has no name that is known here. */
export function* namesHere(
  { slot, instance }: Pick<Scope, 'slot' | 'instance'>,
  jobIds: Iterable<string>,
): Steps<ReadonlyMap<string, string | null>> {
  const ids = new Set(jobIds)
  const rows = yield* all<{ jobId: string; value: string }>(instanceIds, idList(ids), slot)
  const named = new Map(rows.map(({ jobId, value }) => [jobId, shortId(value)]))
  const own = instance === null ? null : shortName(instance)
  return new Map([...ids].map((id) => [id, named.get(id) ?? own]))
}

/** How logs of a job call this instance; null: it has no name that is known here. */
export function* calledHere(scope: Pick<Scope, 'slot' | 'instance'>, jobId: string): Steps<string | null> {
  return (yield* namesHere(scope, [jobId])).get(jobId) ?? null
}

/** Why schedules stand still. */
export type Rest = Extract<Steer, 'stopped' | 'unscheduled'>

const rests = sql(
  `select steer from setting where collection_id = ? and steer in ('stopped', 'unscheduled') and amount = 1
    and (slot is null or slot = ?) order by steer desc`,
)

/** Why the schedules of a collection stand still, as {@link STANDS_STILL}; undefined when they do not. */
export function* restOf({ slot }: Pick<Scope, 'slot'>, collectionId: string): Steps<Rest | undefined> {
  return (yield* all<{ steer: Rest }>(rests, collectionId, slot))[0]?.steer
}

const zones = sql(`select value from setting where collection_id = ? and steer = 'zone' and (slot is null or slot = ?)`)

/** {@link defaultZone}, for whoever only looks. */
export function* readDefaultZone(
  { collectionId }: { readonly collectionId: string },
  scope: Pick<Scope, 'slot'>,
): Steps<string> {
  return yield* defaultZone(scope, collectionId)
}

/** The zone of schedules in a collection that name none. */
export function* defaultZone({ slot }: Pick<Scope, 'slot'>, collectionId: string): Steps<string> {
  const [row] = yield* all<{ value: string }>(zones, collectionId, slot)
  return (row === undefined ? null : zoneOf(row.value)) ?? DEFAULT_TIME_ZONE
}
