import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'
import type { Actor } from './audit.ts'

/** Packages of a job that are kept, the newest. */
export const KEPT_PACKAGES = 10

/** An upload that no job has taken up is kept for so long, in milliseconds: one hour. */
const UPLOAD_KEPT_MS = 3_600_000

/** A package that is on disk already and now belongs to a job. */
export interface NewPackage {
  /** sha256 of its content; names it everywhere. */
  readonly hash: string
  readonly files: number
  readonly bytes: number
  /** What the kind found in it; plain JSON. */
  readonly detail: unknown
  /** How it came: `upload`, `rollback` or another word for people. */
  readonly source: string
}

const insertPackage = sql(
  `insert into package (hash, files, bytes, detail, created_at) values (?, ?, ?, ?, ?) on conflict (hash) do nothing`,
)
const lastNumber = sql('select coalesce(max(number), 0) as number from job_package where job_id = ?')
const insertDeploy = sql(
  `insert into job_package (job_id, number, hash, source, deployed_by, deployed_at) values (?, ?, ?, ?, ?, ?)`,
)
const dropOld = sql('delete from job_package where job_id = ? and number <= ?')

const touchPackage = sql(
  `insert into package (hash, files, bytes, detail, created_at) values (?, ?, ?, ?, ?)
    on conflict (hash) do update set detail = excluded.detail, created_at = excluded.created_at`,
)

const insertUpload = sql('insert into package_upload (collection_id, hash) values (?, ?) on conflict do nothing')

/** An upload that lies on the disk. */
export interface EnteredPackage {
  readonly entered: Omit<NewPackage, 'source'>
  /** The collection that whoever uploaded it is limited to; null or absent: none. */
  readonly collectionId?: string | null
  readonly at: number
}

/** Enters an uploaded package that no job has yet; it is kept for an hour at least. */
export function* enterPackage({ entered, collectionId = null, at }: EnteredPackage, _scope: Scope): Steps<void> {
  const { hash, files, bytes, detail } = entered
  yield* execute(touchPackage, hash, files, bytes, JSON.stringify(detail), at)
  if (collectionId !== null) yield* execute(insertUpload, collectionId, hash)
}

const usedInCollection = sql(
  `select 1 as found from package_upload where collection_id = ? and hash = ?
    union all select 1 from job_package jp join job j on j.id = jp.job_id where jp.hash = ? and j.collection_id = ? limit 1`,
)

/** Whether a package was uploaded for a collection, or is or was one of a job in it, as far as its deployments are kept. */
export function* isPackageOf({
  hash,
  collectionId,
}: {
  readonly hash: string
  readonly collectionId: string
}): Steps<boolean> {
  return (yield* first(usedInCollection, collectionId, hash, hash, collectionId)) !== undefined
}

/** Notes a deployment, and forgets those beyond the last {@link KEPT_PACKAGES}. */
export function* addPackage(_scope: Scope, jobId: string, added: NewPackage, actor: Actor, at: number): Steps<void> {
  yield* execute(insertPackage, added.hash, added.files, added.bytes, JSON.stringify(added.detail), at)
  const number = ((yield* first<{ number: number }>(lastNumber, jobId))?.number ?? 0) + 1
  yield* execute(insertDeploy, jobId, number, added.hash, added.source, actor.name, at)
  yield* execute(dropOld, jobId, number - KEPT_PACKAGES)
}

const unused = sql(
  (d) => `delete from package where hash in (select p.hash from package p
      where p.created_at < ? and not exists (select 1 from job_package jp where jp.hash = p.hash)
        and not exists (select 1 from job where job.package_hash = p.hash and job.deleted_at is null)
        and not exists (select 1 from run where run.finished_at is null and run.package_hash = p.hash)
      limit 100${d.skipLocked})
    returning hash`,
)

/** Forgets packages that no job, and no unfinished run, has any longer; their files may go then. */
export function* dropUnusedPackages({ at }: { readonly at: number }, _scope: Scope): Steps<string[]> {
  return (yield* all<{ hash: string }>(unused, at - UPLOAD_KEPT_MS)).map(({ hash }) => hash)
}

/** A deployment as people see it. */
export interface Deployment {
  readonly number: number
  readonly hash: string
  readonly source: string
  readonly deployedBy: string
  readonly deployedAt: number
  readonly files: number
  readonly bytes: number
  readonly detail: unknown
}

const deployments = sql(
  `select jp.number, jp.hash, jp.source, jp.deployed_by as "deployedBy", jp.deployed_at as "deployedAt", p.files, p.bytes,
      p.detail from job_package jp join package p on p.hash = jp.hash where jp.job_id = ? order by jp.number desc`,
)

/** The deployments of a job that are kept, the newest first. */
export function* listDeployments({ jobId }: { readonly jobId: string }): Steps<Deployment[]> {
  const rows = yield* all<Omit<Deployment, 'detail'> & { detail: string }>(deployments, jobId)
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) }))
}

const packageByHash = sql('select hash, files, bytes, detail from package where hash = ?')

/** A package by its hash. */
export function* readPackage({ hash }: { readonly hash: string }): Steps<Omit<NewPackage, 'source'>> {
  const row = yield* first<{ hash: string; files: number; bytes: number; detail: string }>(packageByHash, hash)
  if (row === undefined) throw new JobyardError('package-unknown')
  return { ...row, detail: JSON.parse(row.detail) }
}
