import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'
import { nameKey } from './jobs.ts'

const insertCollection = sql(
  `insert into collection (id, name, name_key, created_at) values (?, ?, ?, ?) on conflict do nothing returning id`,
)

/** A group of jobs. */
export interface CollectionRow {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

/** Makes a collection. */
export function* addCollection(
  { id, name, actor, at }: { readonly id: string; readonly name: string; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<CollectionRow> {
  if ((yield* first(insertCollection, id, name, nameKey(name), at)) === undefined) {
    throw new JobyardError('collection-exists', `There is a collection ${name} already.`, { field: 'name' })
  }
  const target = { targetType: 'collection', targetId: id, targetName: name, collectionId: id }
  yield* recordAudit(scope, { actor, action: 'collection.create', ...target }, at)
  return { id, name, createdAt: at }
}

const collections = sql('select id, name, created_at as "createdAt" from collection order by name_key')
const jobsLeft = sql('select count(*) as count from job where collection_id = ? and deleted_at is null')
const dropCollection = sql('delete from collection where id = ? returning name')
const dropSettings = sql('delete from setting where collection_id = ?')
const dropDeleted = sql('select id from job where collection_id = ? limit 1')

/** All collections, by name. */
export function* listCollections(): Steps<CollectionRow[]> {
  return [...(yield* all<CollectionRow>(collections))]
}

/** Takes an empty collection away. */
export function* deleteCollection(
  { id, actor, at }: { readonly id: string; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<void> {
  const left = (yield* first<{ count: number }>(jobsLeft, id))?.count ?? 0
  if (left > 0 || (yield* first(dropDeleted, id)) !== undefined) {
    throw new JobyardError('collection-in-use', `The collection still has ${left === 0 ? 'history' : `${left} jobs`}.`)
  }
  yield* execute(dropSettings, id)
  const row = yield* first<{ name: string }>(dropCollection, id)
  if (row === undefined) throw new JobyardError('collection-unknown')
  const target = { targetType: 'collection', targetId: id, targetName: row.name, collectionId: id }
  yield* recordAudit(scope, { actor, action: 'collection.delete', ...target }, at)
}
