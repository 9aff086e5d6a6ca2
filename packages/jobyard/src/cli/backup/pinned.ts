import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { readSteer, settingKey } from '../../domain/app-settings.ts'

/** A setting that is for one slot only, with the name of its collection: ids differ from place to place. */
export type Pinned = Readonly<Record<string, string | number | null>>

const READ = `select c.name_key as collection, s.name_key, s.name, s.value, s.secret, s.slot, s.steer, s.amount,
    s.updated_at, s.updated_by, s.collection_id as sealed_for
  from setting s join collection c on c.id = s.collection_id where s.slot is not null`
const WRITE = `insert or replace into setting
    (collection_id, name_key, name, value, secret, slot, steer, amount, updated_at, updated_by)
  select id, :name_key, :name, :value, :secret, :slot, :steer, :amount, :updated_at, :updated_by
    from collection where name_key = :collection and (:secret = 0 or id = :sealed_for)`

/**
 * Takes the settings that are for one slot only out of a copy of the database: they are about the place and not about
 * the jobs, and never travel. What they held is overwritten in the file, not only forgotten.
 */
export function leaveOutPinned(path: string): void {
  const database = new DatabaseSync(path)
  try {
    database.exec('pragma secure_delete = on; pragma journal_mode = delete')
    if (hasSettings(database)) database.exec('delete from setting where slot is not null; vacuum')
  } finally {
    database.close()
  }
}

/** The settings of one slot only that a database holds; none when it is not there or older than settings. */
export function readPinned(path: string): readonly Pinned[] {
  if (!existsSync(path)) return []
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return hasSettings(database) ? (database.prepare(READ).all() as Pinned[]) : []
  } finally {
    database.close()
  }
}

/**
 * Puts settings of one slot only into a restored database, in the collections of the same names; answers how many. A
 * secret is sealed for its collection, so it is kept only where that is the very same one.
 */
export function keepPinned(path: string, pinned: readonly Pinned[]): number {
  if (pinned.length === 0) return 0
  const database = new DatabaseSync(path)
  try {
    if (!hasSettings(database)) return 0
    const write = database.prepare(WRITE)
    return pinned.reduce((kept, row) => kept + Number(write.run(row).changes), 0)
  } finally {
    database.close()
  }
}

/** Pins WEBJOBS_STOPPED to a slot in every collection of a restored database; answers how many there are. */
export function stopAll(path: string, slot: string, at: number): number {
  const name = 'WEBJOBS_STOPPED'
  const steer = readSteer(name, '1')
  const database = new DatabaseSync(path)
  try {
    if (!hasSettings(database)) return 0
    const write = database.prepare(
      `insert or replace into setting select id, ?, ?, '1', 0, ?, ?, ?, ?, 'restore' from collection`,
    )
    const says = [steer?.steer ?? null, steer?.amount ?? null] as const
    return Number(write.run(settingKey(name), name, slot.toLowerCase(), ...says, at).changes)
  } finally {
    database.close()
  }
}

function hasSettings(database: DatabaseSync): boolean {
  return database.prepare(`select 1 from sqlite_schema where type = 'table' and name = 'setting'`).get() !== undefined
}
