import { isDeepStrictEqual } from 'node:util'
import type { JobRow } from '../../domain/model.ts'
import type { Jobs } from '../../engine/jobs.ts'
import type { PackageView } from '../../kinds/script/packages.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { FolderJobMark } from '../../store/procedures/watched-folder.ts'
import type { FolderJob } from './find-jobs.ts'

/** The kind of jobs that lie in folders. */
const KIND = 'script'

/** What a package said that a job had before, as far as it is of interest here. */
interface Before {
  readonly disabled?: boolean
  readonly settings?: { readonly all?: unknown; readonly exact?: string }
}

/**
 * Gives the job of a folder the package that was made of it, and makes the job if there is none. Nothing is done when it
 * has that package already. What people set for the job stays, unless the folder has something new to say about it: its
 * settings.job, or whether it is to run.
 */
export async function deployFolder(
  { store, jobs, collectionId }: { readonly store: Repository; readonly jobs: Jobs; readonly collectionId: string },
  { type, name, place }: FolderJob,
  taken: PackageView,
  actor: Actor,
): Promise<void> {
  const [job] = await store.read('findJobs', { collectionId, kind: KIND, type, name })
  const known = job === undefined ? undefined : await markIfUpToDate(store, job, name, taken)
  if (known !== undefined) {
    if (known.place !== place) await store.write('placeFolderJob', { jobId: known.id, place })
    return
  }
  const before = job === undefined ? {} : await detailOf(store, job)
  const switched = job === undefined || (before.disabled ?? false) !== taken.disabled
  const enabled = type === 'continuous' && switched ? { enabled: !taken.disabled } : {}
  const { all = {}, exact } = before.settings ?? {}
  const resettled = exact !== taken.exactSettings || !isDeepStrictEqual(all, taken.settings)
  const spec = job !== undefined && resettled ? { spec: { ownSettings: null } } : {}
  const target = { collectionId, kind: KIND, type, name, origin: 'folder', place } as const
  await jobs.save({ ...target, ...enabled, ...spec, packageHash: taken.hash, source: 'folder' }, 'either', actor)
}

/**
 * What is on record of where a job came from, when the files are the same and the name is written the same, the job is known to
 * come from here, and its warnings are those of today.
 */
async function markIfUpToDate(
  store: Repository,
  job: JobRow,
  name: string,
  taken: PackageView,
): Promise<FolderJobMark | undefined> {
  if (job.packageHash !== taken.hash || job.name !== name) return undefined
  const marked = await store.read('listFolderJobs', { collectionId: job.collectionId })
  const links = (warnings: readonly { readonly code: string; readonly message: string }[]) =>
    warnings.find(({ code }) => code === 'links-left-out')?.message
  return links(job.warnings) === links(taken.warnings) ? marked.find(({ id }) => id === job.id) : undefined
}

async function detailOf(store: Repository, { packageHash }: JobRow): Promise<Before> {
  if (packageHash === null) return {}
  const { detail } = await store.read('readPackage', { hash: packageHash })
  return typeof detail === 'object' && detail !== null ? detail : {}
}
