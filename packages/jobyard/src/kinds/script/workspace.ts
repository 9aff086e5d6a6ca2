import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { JobsUser } from './run-as.ts'
import { explainFullDisk } from './system-error.ts'
import { Trash } from './trash.ts'
import { type CopyRequest, type PackageSource, type WorkingCopy, WorkingCopies } from './working-copies.ts'
import { ensureJobsFolder, ensureOwnFolder } from './workspace-folders.ts'
import { type RunPlace, RunPlaces } from './workspace-run.ts'

/** What the workspaces work with. */
export interface WorkspaceOptions {
  /** Working copies and what lives as long as a run, see `chooseJobFolders`. */
  readonly work: string
  /** What jobs keep, see `chooseJobFolders`. */
  readonly jobs: string
  readonly user: JobsUser
  readonly packages: PackageSource
  readonly clock: Clock
  readonly ids: Ids
  /** Told of what fails after the caller has gone on: the removal of what nobody uses any more. */
  onTrouble(error: unknown): void
}

/** Folders of jobs are called by their ids. */
const JOB_FOLDER = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * The folders in which scripts run. `<work>/<job id>/<hash>` is the working copy of a package, made once and used by all
 * later runs; `<work>/.runs/<number>` belongs to one run at a time; `<jobs>/<job id>/data` and `/home` as long as the job.
 *
 * Everything that the jobs' user may write to lies directly below a folder of the server, so the server, often root, only
 * ever makes, renames and removes such a thing as a whole, and never writes into it. All jobs run as the same user unless
 * told otherwise; they are kept apart from other users, not from one another.
 */
export class Workspaces {
  readonly #options: WorkspaceOptions
  readonly #workTrash: Trash
  readonly #jobsTrash: Trash
  readonly #places: RunPlaces
  readonly #copies: WorkingCopies

  constructor(options: WorkspaceOptions) {
    this.#options = options
    this.#workTrash = new Trash(options.work, options.ids, options.onTrouble)
    this.#jobsTrash = new Trash(options.jobs, options.ids, options.onTrouble)
    const { work, user, clock, packages, ids } = options
    this.#places = new RunPlaces({ folder: join(work, '.runs'), user, clock, trash: this.#workTrash })
    this.#copies = new WorkingCopies({ work, user, packages, ids, trash: this.#workTrash })
  }

  /** Makes the folders and removes what runs of an earlier server left. To be called once, when none of them lives. */
  async open(): Promise<void> {
    const { work, jobs } = this.#options
    await ensureOwnFolder(work, 0o711)
    await ensureOwnFolder(jobs, 0o711)
    await this.#workTrash.open()
    await this.#jobsTrash.open()
    for (const name of ['.staging', '.runs']) await this.#workTrash.discard(join(work, name))
    await ensureOwnFolder(join(work, '.staging'), 0o700)
    await ensureOwnFolder(join(work, '.runs'), 0o711)
  }

  /** Removes what waits for later runs. To be called when no run lives any more. */
  async close(): Promise<void> {
    await this.#places.close()
    await this.settle()
  }

  /** Waits until all that nobody uses any more is removed. */
  async settle(): Promise<void> {
    await Promise.all([this.#workTrash.settle(), this.#jobsTrash.settle()])
  }

  /** Gives a run its working copy, see {@link WorkingCopies.acquire}. */
  async acquire(request: CopyRequest): Promise<WorkingCopy> {
    checkSegment(request.jobId)
    return this.#copies.acquire(request)
  }

  /**
   * Makes what one run needs besides its copy: a private folder for temporary files, the place of the shutdown file, the
   * payload as a file, and the job's lasting folders.
   */
  async prepareRun(jobId: string, payload?: Uint8Array): Promise<RunPlace> {
    const lasting = join(this.#options.jobs, jobId)
    try {
      await this.ensureLasting(jobId)
      return await this.#places.open({ data: join(lasting, 'data'), home: join(lasting, 'home') }, payload)
    } catch (error) {
      throw explainFullDisk(error, "the run's folders were made")
    }
  }

  /** Makes the folders that live as long as the job: its data and its home. */
  async ensureLasting(jobId: string): Promise<void> {
    checkSegment(jobId)
    const { jobs, user } = this.#options
    const lasting = join(jobs, jobId)
    if (lstatSync(lasting, { throwIfNoEntry: false }) === undefined) await ensureOwnFolder(lasting, 0o711)
    await ensureJobsFolder(join(lasting, 'data'), user)
    await ensureJobsFolder(join(lasting, 'home'), user)
  }

  /** Where jobs keep what they want to keep, for whoever looks into it from outside. */
  get lasting() {
    const { jobs: folder, user } = this.#options
    const discard = (path: string) => this.#jobsTrash.discard(path)
    return { folder, user, ensure: (jobId: string) => this.ensureLasting(jobId), discard }
  }

  /** Ids of all jobs that have folders here. */
  async jobIds(): Promise<string[]> {
    const names = await Promise.all([readdir(this.#options.work), readdir(this.#options.jobs)])
    return [...new Set(names.flat())].filter((name) => JOB_FOLDER.test(name))
  }

  /** Removes all that a job has here when none of its runs lives, with `keepData` all but its data and home. */
  async removeJob(jobId: string, keepData = false): Promise<void> {
    checkSegment(jobId)
    await this.#copies.remove(jobId, async () => {
      if (!keepData) await this.#jobsTrash.discard(join(this.#options.jobs, jobId))
    })
  }
}

/** Ids become parts of paths, so they must not lead anywhere else. */
function checkSegment(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id))
    throw new JobyardError('folder-unsafe', `"${id}" cannot name a folder.`)
}
