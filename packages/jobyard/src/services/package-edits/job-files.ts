import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import type { ApiServices } from '../services.ts'
import { showAsItStands } from './as-it-stands.ts'
import type { Draft, DraftBase, EditAddress } from './draft.ts'
import { type Change, EditedTree } from './edited-tree.ts'

/** The kind of jobs whose packages are edited. */
export const KIND = 'script'
/** How such packages came, for the list of deployments. */
export const SOURCE = 'vfs'

/** What jobs have, as changes of their files start from it. */
export class JobFiles {
  readonly #services: ApiServices

  constructor(services: ApiServices) {
    this.#services = services
  }

  /** The job of an address; null when there is none. */
  async job({ collectionId, type, name }: EditAddress): Promise<JobRow | null> {
    const [job] = await this.#services.store.read('findJobs', { collectionId, kind: KIND, type, name })
    return job ?? null
  }

  async hasCollection({ collectionId }: EditAddress): Promise<boolean> {
    const all = await this.#services.store.read('listCollections', undefined)
    return all.some(({ id }) => id === collectionId)
  }

  /** Throws 'source-controlled' where jobs come from a watched folder. */
  async requireOwn({ collectionId, name }: EditAddress): Promise<void> {
    const { store, clock } = this.#services
    const folder = await store.read('getWatchedFolder', { collectionId, at: clock.now() })
    if (folder === null) return
    const message = `The files of the job ${name} cannot be changed: the jobs of its collection come from the folder ${folder.path}.`
    throw new JobyardError('source-controlled', message, { data: { folder: folder.path } })
  }

  /**
   * Whether changes still belong to what the job has. Whoever deployed it since, or made another of its name, gave it
   * other files altogether; but changes of its files that became a package elsewhere are only more of the same.
   */
  async fits(draft: Draft, job: JobRow | null): Promise<boolean> {
    const now = baseOf(job)
    if (draft.base.jobId === now.jobId && draft.base.hash === now.hash) return true
    if (job === null || (draft.base.jobId !== null && draft.base.jobId !== job.id)) return false
    const [latest] = await this.#services.store.read('listDeployments', { jobId: job.id })
    if (latest?.source !== SOURCE || latest.hash !== job.packageHash) return false
    draft.base = now
    return true
  }

  /** The files of a job with these changes. */
  async tree(job: JobRow | null, changes: readonly Change[]): Promise<EditedTree> {
    const { packages } = this.#services
    const hash = job?.packageHash ?? null
    const { files, folders } = hash === null ? { files: [], folders: [] } : await packages.tree(hash)
    const parts = files.map((file) => ({ ...file, from: packages.pathOf(hash ?? '', file.path) }))
    const tree = new EditedTree(parts, folders)
    if (job !== null && hash !== null) {
      const { script } = await packages.describe(hash)
      showAsItStands(tree, script?.directory ?? '', job)
    }
    for (const change of changes) tree.apply(change)
    return tree
  }
}

/** What changes of a job start from. */
export function baseOf(job: JobRow | null): DraftBase {
  return { jobId: job?.id ?? null, hash: job?.packageHash ?? null }
}
