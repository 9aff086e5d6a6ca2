import { readSteer, settingKey } from '../../domain/app-settings.ts'
import { JobyardError } from '../../domain/errors.ts'
import { nextOccurrence } from '../../domain/occurrences.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, forEachRow, type Steps, sql, updateEach } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'
import { readSchedule } from './schedules.ts'
import { defaultZone, flagOn, STANDS_STILL } from './steering.ts'

/** A setting of a collection as it is stored. */
export interface SettingRow {
  readonly collectionId: string
  /** As it was written; unique in its collection without regard to case. */
  readonly name: string
  /** The value; of a secret one what {@link Sealed.sealed} holds. */
  readonly value: string
  readonly secret: boolean
  /** The only slot that it is for, in small letters; null: all. */
  readonly slot: string | null
  readonly updatedAt: number
  readonly updatedBy: string
}

/** Settings, and the revision that they are of or newer than. */
export interface SettingList {
  readonly revision: number
  readonly items: readonly SettingRow[]
}

/** PostgreSQL's channel on which a change of settings is told. */
export const SETTINGS_CHANNEL = 'jobyard_settings'

const COLUMNS = `collection_id as "collectionId", name, value, secret, slot, updated_at as "updatedAt",
  updated_by as "updatedBy"`
const REVISION = 'settings_revision'

const everySetting = sql(`select ${COLUMNS} from setting order by collection_id, name_key`)
const settingsOf = sql(`select ${COLUMNS} from setting where collection_id = ? order by name_key`)
const readRevision = sql('select value from meta where name = ?')

/** How often settings have been changed, in whatever collection. */
export function* settingsRevision(): Steps<number> {
  return Number((yield* first<{ value: string }>(readRevision, REVISION))?.value ?? 0)
}

/** The settings of a collection, or of all, by name. */
export function* listSettings({ collectionId }: { readonly collectionId: string | null }): Steps<SettingList> {
  // The revision first: whoever reads rows that are newer than it only looks once more.
  const revision = yield* settingsRevision()
  const rows = collectionId === null ? yield* all<Raw>(everySetting) : yield* all<Raw>(settingsOf, collectionId)
  return { revision, items: rows.map(({ secret, ...row }) => ({ ...row, secret: secret === 1 })) }
}

type Raw = Omit<SettingRow, 'secret'> & { readonly secret: number }

/** A change of a collection's settings, worked out from what {@link listSettings} gave. */
export interface ChangeSettings {
  readonly collectionId: string
  /** The revision that the change was worked out from; another one is a conflict. */
  readonly revision: number
  /** Settings to add or to replace. */
  readonly put: readonly Pick<SettingRow, 'name' | 'value' | 'secret' | 'slot'>[]
  /** Names of settings to take away. */
  readonly remove: readonly string[]
  /** Name of the collection, for the audit log. */
  readonly collectionName: string
  readonly actor: Actor
  readonly at: number
}

const beginRevision = sql(`insert into meta (name, value) values ('${REVISION}', '0') on conflict (name) do nothing`)
const lockRevision = sql((d) => `select value from meta where name = '${REVISION}'${d.forUpdate}`)
const nextRevision = sql(
  `update meta set value = cast(cast(value as integer) + 1 as text) where name = '${REVISION}' returning value`,
)
const dropSetting = sql('delete from setting where collection_id = ? and name_key = ?')
const putSetting = sql(
  `insert into setting (collection_id, name_key, name, value, secret, slot, steer, amount, updated_at, updated_by)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (collection_id, name_key) do update set name = excluded.name, value = excluded.value,
      secret = excluded.secret, slot = excluded.slot, steer = excluded.steer, amount = excluded.amount,
      updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
)
const tell = sql('select pg_notify(?, ?)')

/**
 * Changes settings, and in the same transaction what follows from it: schedules that stood still go on from now, and
 * those that name no zone move to the new one. Throws 'app-settings-changed' when somebody else was quicker.
 */
export function* changeSettings(change: ChangeSettings, scope: Scope): Steps<{ readonly revision: number }> {
  const { collectionId, put, remove, actor, at } = change
  yield* execute(beginRevision)
  const now = Number((yield* first<{ value: string }>(lockRevision))?.value ?? 0)
  if (now !== change.revision) throw new JobyardError('app-settings-changed')
  const before = yield* schedulesRule(scope, collectionId)
  for (const name of remove) yield* execute(dropSetting, collectionId, settingKey(name))
  for (const { name, value, secret, slot } of put) {
    const steers = secret ? null : readSteer(name, value)
    const says = [steers?.steer ?? null, steers === null || steers.fault !== null ? null : steers.amount] as const
    const what = [collectionId, settingKey(name), name, value, secret ? 1 : 0, slot] as const
    yield* execute(putSetting, ...what, ...says, at, actor.name)
  }
  const after = yield* schedulesRule(scope, collectionId)
  if (before.still && !after.still) yield* goOn(collectionId, at)
  if (before.zone !== after.zone) yield* moveZone(collectionId, after.zone, at)
  yield* recordAudit(scope, auditOf(change), at)
  const revision = Number((yield* first<{ value: string }>(nextRevision))?.value)
  if (scope.dialect.name === 'postgres') yield* execute(tell, SETTINGS_CHANNEL, String(revision))
  return { revision }
}

function auditOf({ collectionId, collectionName, put, remove, actor }: ChangeSettings) {
  const detail = {
    ...(put.length === 0 ? {} : { set: put.map(({ name }) => name) }),
    ...(remove.length === 0 ? {} : { removed: remove }),
  }
  const target = { targetType: 'settings', targetId: collectionId, targetName: collectionName, collectionId }
  return { actor, action: 'settings.change', ...target, detail }
}

const stillness = sql(
  `select case when ${STANDS_STILL} then 1 else 0 end as still
    from (select cast(? as text) as collection_id) as job`,
)

/** How the settings have it with schedules at this instance. */
function* schedulesRule(scope: Scope, collectionId: string): Steps<{ still: boolean; zone: string }> {
  const row = yield* first<{ still: number }>(stillness, scope.slot, collectionId)
  return { still: row?.still === 1, zone: yield* defaultZone(scope, collectionId) }
}

interface ScheduleRow {
  readonly id: string
  readonly detail: string
  readonly enabled: number
  readonly nextDue: number | null
}

const schedulesOf = sql(
  (d) => `select t.id, t.detail, t.next_due as "nextDue", job.enabled from job_trigger t join job on job.id = t.job_id
    where job.collection_id = ? and job.deleted_at is null and t.type = 'schedule'
    order by t.id${d.forUpdate && ' for update of t'}`,
)
const moveSchedules = updateEach('job_trigger', { id: 'text' }, { detail: 'text', consideredAt: 'int', nextDue: 'int' })

/** Nothing is made up for of the time in which schedules stood still. */
function* goOn(collectionId: string, at: number): Steps<void> {
  const rows = yield* all<ScheduleRow>(schedulesOf, collectionId)
  const late = rows.filter(({ nextDue }) => nextDue !== null && nextDue <= at)
  yield* forEachRow(
    moveSchedules,
    late.map((row) => moved(row, row.detail, at)),
  )
}

function* moveZone(collectionId: string, timeZone: string, at: number): Steps<void> {
  const rows = yield* all<ScheduleRow>(schedulesOf, collectionId)
  const moves = rows.flatMap((row) => {
    const detail = JSON.parse(row.detail) as { readonly zone?: string; readonly timeZone: string }
    if (detail.zone !== 'default' || detail.timeZone === timeZone) return []
    return [moved(row, JSON.stringify({ ...detail, timeZone }), at)]
  })
  yield* forEachRow(moveSchedules, moves)
}

function moved({ id, enabled }: ScheduleRow, detail: string, at: number) {
  if (enabled === 0) return { id, detail, consideredAt: null, nextDue: null }
  return { id, detail, consideredAt: at, nextDue: dueAfter(detail, at) }
}

function dueAfter(detail: string, at: number): number | null {
  try {
    return nextOccurrence(readSchedule(JSON.parse(detail)), at)
  } catch {
    // The next tick meets the same fault and says so to those who must know.
    return at
  }
}

const stillRunning = sql(
  `select run.id from run join job on job.id = run.job_id
    where run.owner = ? and run.why = 'continuous' and run.wanted <> 'stop' and ${flagOn('stopped')}`,
)

/** Runs of continuous jobs that an instance has and that the settings do not want to run. */
export function* unwantedRuns({ owner }: { readonly owner: string }, { slot }: Scope): Steps<string[]> {
  return (yield* all<{ id: string }>(stillRunning, owner, slot)).map(({ id }) => id)
}

const continuousOf = sql(
  `select id from run where owner = ? and collection_id = ? and why = 'continuous' and wanted <> 'stop'`,
)

/** Runs of the continuous jobs of a collection that an instance has. */
export function* continuousRuns({
  owner,
  collectionId,
}: {
  readonly owner: string
  readonly collectionId: string
}): Steps<string[]> {
  return (yield* all<{ id: string }>(continuousOf, owner, collectionId)).map(({ id }) => id)
}
