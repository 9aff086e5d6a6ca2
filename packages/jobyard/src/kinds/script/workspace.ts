import { lstatSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { PackageTree } from './package-tree.ts'
import type { JobsUser } from './run-as.ts'
import { explainFullDisk } from './system-error.ts'
import { Trash } from './trash.ts'
import { copyTree, findChanges } from './workspace-copy.ts'
import { ensureJobsFolder, ensureOwnFolder } from './workspace-folders.ts'
import { type RunPlace, RunPlaces } from './workspace-run.ts'

/** Where packages come from; a `PackageStore` is one. */
export interface PackageSource {
  tree(hash: string): Promise<PackageTree>
  filesFolder(hash: string): string
}

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

/** Which working copy a run wants. */
export interface CopyRequest {
  readonly jobId: string
  /** Hash of the package. */
  readonly hash: string
  /** The script in the package. */
  readonly script: string
  /** True: what runs change in the folder stays. False: a change to a file of the package has all copied anew. */
  readonly inPlace: boolean
}

/** A working copy while a run uses it. */
export interface WorkingCopy {
  /** Top of the copy. */
  readonly folder: string
  /** Whether it was made for this run. */
  readonly copied: boolean
  /** What had changed in the former copy of the same package, as lines for the log. */
  readonly changes: readonly string[]
  /** To be called once the run and all its processes have ended. Harmless when called again. */
  release(): void
}

interface Copy {
  readonly name: string
  readonly hash: string
  users: number
}

interface JobState {
  /** The copy that the next run of the same package uses; undefined until one is made or found. */
  current: Copy | undefined
  /** Whether what an earlier server left behind was looked at. */
  known: boolean
  /** Ends when whoever is at work on this job's copies is done. */
  turn: Promise<void>
}

/** Digits of the hash that name a copy: enough to tell them, and short because sockets' paths may have only 107 bytes. */
const NAME_DIGITS = 16

/** Folders of jobs are called by their ids. */
const JOB_FOLDER = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const COPY_NAME = /^[0-9a-f]{16}(-[0-9a-f]{12})?$/

/**
 * The folders in which scripts run. `<work>/<job id>/<hash>` is the working copy of a package, made once and used by all
 * later runs; `<work>/.runs/<number>` belongs to one run at a time; `<jobs>/<job id>/data` and `/home` as long as the job.
 *
 * A script that runs in place (the default for `.js`) works in such a copy too, since packages never change; only that
 * nobody looks for changes then, and what it writes stays until the next deployment.
 *
 * Everything that the jobs' user may write to lies directly below a folder of the server, so the server, often root, only
 * ever makes, renames and removes such a thing as a whole, and never writes into it. All jobs run as the same user unless
 * told otherwise; they are kept apart from other users, not from one another.
 */
export class Workspaces {
  readonly #options: WorkspaceOptions
  readonly #jobs = new Map<string, JobState>()
  readonly #workTrash: Trash
  readonly #jobsTrash: Trash
  readonly #places: RunPlaces

  constructor(options: WorkspaceOptions) {
    this.#options = options
    this.#workTrash = new Trash(options.work, options.ids, options.onTrouble)
    this.#jobsTrash = new Trash(options.jobs, options.ids, options.onTrouble)
    const { user, clock } = options
    this.#places = new RunPlaces({ folder: join(options.work, '.runs'), user, clock, trash: this.#workTrash })
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

  /**
   * Gives a run its working copy, made now if there is none, or if something in it has changed. A copy in which another
   * run works is left to that one. Throws 'package-not-found' and 'store-full'.
   */
  async acquire(request: CopyRequest): Promise<WorkingCopy> {
    checkSegment(request.jobId)
    const tree = await this.#options.packages.tree(request.hash)
    const state = this.#stateOf(request.jobId)
    return inTurn(state, async () => {
      if (!state.known) await this.#findCopies(request, state)
      const former = state.current
      const same = former?.hash === request.hash ? former : undefined
      const changes = same === undefined ? [] : await this.#changesIn(same, request, tree)
      if (same !== undefined && changes.length === 0) return this.#lend(request.jobId, state, same, [], false)
      const made = await this.#replace(request, state, tree)
      return this.#lend(request.jobId, state, made, changes, true)
    })
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
    const { work, jobs } = this.#options
    await inTurn(this.#stateOf(jobId), async () => {
      await this.#workTrash.discard(join(work, jobId))
      if (!keepData) await this.#jobsTrash.discard(join(jobs, jobId))
      this.#jobs.delete(jobId)
    })
  }

  #stateOf(jobId: string): JobState {
    const known = this.#jobs.get(jobId)
    if (known !== undefined) return known
    const state: JobState = { current: undefined, known: false, turn: Promise.resolve() }
    this.#jobs.set(jobId, state)
    return state
  }

  /** Takes over the copy that an earlier server made of this package, and removes the others. */
  async #findCopies({ jobId, hash }: CopyRequest, state: JobState): Promise<void> {
    const folder = join(this.#options.work, jobId)
    await ensureOwnFolder(folder, 0o711)
    const names = (await readdir(folder)).filter((name) => COPY_NAME.test(name))
    const name = names.find((each) => each.startsWith(hash.slice(0, NAME_DIGITS)))
    for (const other of names) {
      if (other !== name) await this.#workTrash.discard(join(folder, other))
    }
    if (name !== undefined) state.current = { name, hash, users: 0 }
    state.known = true
  }

  async #changesIn(copy: Copy, { jobId, script, inPlace }: CopyRequest, tree: PackageTree): Promise<string[]> {
    const folder = join(this.#options.work, jobId, copy.name)
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    if (stats === undefined) return ['The working folder is gone; it is made anew.']
    const { user } = this.#options
    if (!user.own && stats.uid !== user.uid)
      return [`The working folder is not that of the user ${user.name}; it is made anew.`]
    if (!inPlace) return findChanges(folder, tree)
    const there = lstatSync(join(folder, script), { throwIfNoEntry: false }) !== undefined
    return there ? [] : ['The script is gone from the working folder; all is copied anew.']
  }

  /** Makes a copy and puts it in the place of the current one. */
  async #replace({ jobId, hash }: CopyRequest, state: JobState, tree: PackageTree): Promise<Copy> {
    const { work, packages, user, ids } = this.#options
    const former = state.current
    const staging = join(work, '.staging', ids.next())
    try {
      // Made anew where somebody tidies empty folders away, such as a system that cleans /tmp.
      await ensureOwnFolder(join(work, '.staging'), 0o700)
      await copyTree(packages.filesFolder(hash), staging, tree, user)
      if (former?.users === 0) await this.#workTrash.discard(join(work, jobId, former.name))
      const made: Copy = { name: this.#freeName(jobId, hash), hash, users: 0 }
      await rename(staging, join(work, jobId, made.name))
      state.current = made
      return made
    } catch (error) {
      await rm(staging, { recursive: true, force: true })
      throw explainFullDisk(error, 'the working copy was made')
    }
  }

  /** The plain name of a copy, unless a run still uses one of that name. */
  #freeName(jobId: string, hash: string): string {
    const { work, ids } = this.#options
    const name = hash.slice(0, NAME_DIGITS)
    const taken = lstatSync(join(work, jobId, name), { throwIfNoEntry: false }) !== undefined
    return taken ? `${name}-${ids.next().slice(-12)}` : name
  }

  #lend(jobId: string, state: JobState, copy: Copy, changes: readonly string[], copied: boolean): WorkingCopy {
    const folder = join(this.#options.work, jobId, copy.name)
    copy.users++
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      if (--copy.users === 0 && state.current !== copy) this.#workTrash.discardLater(folder)
    }
    return { folder, copied, changes, release }
  }
}

/** Work on one job's copies goes one after the other. */
async function inTurn<Result>(state: JobState, work: () => Promise<Result>): Promise<Result> {
  const before = state.turn
  const done = Promise.withResolvers<void>()
  state.turn = done.promise
  await before
  try {
    return await work()
  } finally {
    done.resolve()
  }
}

/** Ids become parts of paths, so they must not lead anywhere else. */
function checkSegment(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id))
    throw new JobyardError('folder-unsafe', `"${id}" cannot name a folder.`)
}
