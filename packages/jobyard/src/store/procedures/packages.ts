import { JobyardError } from '../../domain/errors.ts'
import { enterHistory, type KeptPackage } from '../../domain/package-history.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'
import type { Actor } from './audit.ts'

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
  /** How it came: `upload` or another word for people; `rollback`: the job has it already and goes back to it. */
  readonly source: string
}

const insertPackage = sql(
  `insert into package (hash, files, bytes, detail, created_at) values (?, ?, ?, ?, ?) on conflict (hash) do nothing`,
)
const keptPackages = sql('select number, hash, previous from job_package where job_id = ? order by number desc')
const leadPast = sql(
  `update job_package set previous = (select gone.previous from job_package gone where gone.job_id = ? and gone.number = ?)
    where job_id = ? and previous = ?`,
)
const dropDeploy = sql('delete from job_package where job_id = ? and number = ?')
const insertDeploy = sql(
  `insert into job_package (job_id, number, hash, previous, source, deployed_by, deployed_at)
    values (?, ?, ?, ?, ?, ?, ?)`,
)

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

/** A package that is deployed to a job. */
export interface AddedPackage {
  readonly jobId: string
  /** The package in use until now; null: none. */
  readonly current: string | null
  readonly added: NewPackage
  readonly actor: Actor
  readonly at: number
}

/** Notes a deployment, and forgets the packages that {@link enterHistory} drops. Going back to one is no deployment. */
export function* addPackage({ jobId, current, added, actor, at }: AddedPackage): Steps<void> {
  const { hash, files, bytes, detail, source } = added
  yield* execute(insertPackage, hash, files, bytes, JSON.stringify(detail), at)
  const kept = yield* all<KeptPackage>(keptPackages, jobId)
  if (source === 'rollback' && kept.some((each) => each.hash === hash)) return
  const { number, previous, gone } = enterHistory(kept, current, hash)
  for (const each of gone) {
    // Only the package in use is gone and comes again at the same place; what leads to it goes on doing so.
    if (each.hash !== current) yield* execute(leadPast, jobId, each.number, jobId, each.hash)
    yield* execute(dropDeploy, jobId, each.number)
  }
  yield* execute(insertDeploy, jobId, number, hash, previous, source, actor.name, at)
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

/** A package that a job keeps, as it was deployed last. */
export interface Deployment extends KeptPackage {
  readonly source: string
  readonly deployedBy: string
  readonly deployedAt: number
  readonly files: number
  readonly bytes: number
  readonly detail: unknown
}

const deployments = sql(
  `select jp.number, jp.hash, jp.previous, jp.source, jp.deployed_by as "deployedBy", jp.deployed_at as "deployedAt", p.files, p.bytes,
      p.detail from job_package jp join package p on p.hash = jp.hash where jp.job_id = ? order by jp.number desc`,
)

/** The packages that a job keeps, the one that was deployed last first. */
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
