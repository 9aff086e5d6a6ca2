import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { Directory } from '../directory.ts'
import type { ApiServices } from '../services.ts'
import type { Webhooks } from '../webhooks.ts'
import type { Draft, EditAddress } from './draft.ts'
import type { EditedTree } from './edited-tree.ts'
import { type JobFiles, KIND, SOURCE } from './job-files.ts'

/** What edits of packages work with. */
export interface PackageEditsParts {
  readonly services: ApiServices
  readonly webhooks: Webhooks
  readonly directory: Directory
}

/** Why there is no package yet: the next change may bring what is missing. */
const INCOMPLETE: ReadonlySet<string> = new Set(['script-missing', 'script-unsupported'])

/** Somebody else saved the job while its package was made. */
const OVERTAKEN: ReadonlySet<string> = new Set(['job-changed', 'job-exists', 'job-unknown'])

/** Kudu notices that files were written, and not what is in them: a continuous job starts again in any case. */
const ANEW = { source: SOURCE, spec: { ownSettings: null }, afresh: true } as const

/** Makes packages of changed files, and gives them to their jobs. */
export class PackageMaker {
  readonly #parts: PackageEditsParts
  readonly #files: JobFiles

  constructor(parts: PackageEditsParts, files: JobFiles) {
    this.#parts = parts
    this.#files = files
  }

  /**
   * Makes a draft a package, or deletes the job whose folder was taken away. `done`: the draft is of no use any more.
   * `incomplete`: there is nothing to run in it yet. Throws what saving a job throws.
   */
  async make(
    draft: Draft,
    actor: Actor,
    treeOf: (job: JobRow | null) => Promise<EditedTree>,
  ): Promise<'done' | 'incomplete'> {
    const { address } = draft
    for (;;) {
      const job = await this.#files.job(address)
      if (!(await this.#files.fits(draft, job))) return 'done'
      if (job === null && !(await this.#files.hasCollection(address))) return 'done'
      const tree = await treeOf(job)
      if (tree.isGone) {
        if (job !== null) await this.#deleteJob(job, actor)
        return 'done'
      }
      const saved = await this.#save(address, job, tree, actor)
      if (saved !== 'overtaken') return saved
    }
  }

  async #save(
    address: EditAddress,
    job: JobRow | null,
    tree: EditedTree,
    actor: Actor,
  ): Promise<'done' | 'incomplete' | 'overtaken'> {
    const { webhooks, services, directory } = this.#parts
    try {
      const { hash, disabled } = await services.packages.receiveParts(tree.parts())
      const enabled = address.type === 'continuous' ? { enabled: !disabled } : {}
      if (job !== null && isAsWanted(job, hash, enabled.enabled) && !startsWithFiles(job)) return 'done'
      const target = { ...address, name: job?.name ?? address.name, kind: KIND, ...enabled }
      const basedOn = job === null ? {} : { basedOn: job.version }
      const input = { ...target, packageHash: hash, ...ANEW, ...basedOn }
      return await webhooks.takeTurn(input, async () => {
        const now = await this.#files.job(address)
        if (now?.id !== job?.id || now?.version !== job?.version) return 'overtaken'
        const saved = await services.jobs.save(input, job === null ? 'new' : 'existing', actor)
        directory.remember(saved.job)
        return 'done'
      })
    } catch (error) {
      if (error instanceof JobyardError && INCOMPLETE.has(error.code)) return 'incomplete'
      if (error instanceof JobyardError && OVERTAKEN.has(error.code)) return 'overtaken'
      throw error
    }
  }

  async #deleteJob({ id, name }: JobRow, actor: Actor): Promise<void> {
    try {
      await this.#parts.services.engine.deleteJob(id, name, actor)
    } catch (error) {
      // Somebody else was faster, and it is gone all the same.
      if (!(error instanceof JobyardError) || error.code !== 'job-unknown') throw error
    }
  }
}

/** Whether a job runs for as long as its files stay as they are. */
function startsWithFiles({ type, enabled }: JobRow): boolean {
  return type === 'continuous' && enabled
}

/** Whether a job has all that its files say: so it is when a server died behind the save, and when nothing was changed. */
function isAsWanted(job: JobRow, hash: string, enabled = job.enabled): boolean {
  const { ownSettings } = job.spec as { readonly ownSettings?: string }
  return job.packageHash === hash && ownSettings === undefined && job.enabled === enabled
}
