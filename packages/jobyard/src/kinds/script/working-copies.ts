import { lstatSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { PackageTree } from './package-tree.ts'
import type { JobsUser } from './run-as.ts'
import { explainFullDisk } from './system-error.ts'
import type { Trash } from './trash.ts'
import { copyTree, findChanges, findReplaced } from './workspace-copy.ts'
import { ensureOwnFolder } from './workspace-folders.ts'

/** Where packages come from; a `PackageStore` is one. */
export interface PackageSource {
  tree(hash: string): Promise<PackageTree>
  filesFolder(hash: string): string
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
  /** What had changed since the former copy was made, in it or with another package, as lines for the log. */
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

const COPY_NAME = /^[0-9a-f]{16}(-[0-9a-f]{12})?$/

/** What working copies are made with. */
interface Means {
  /** Where they are, in a folder for each job. */
  readonly work: string
  readonly user: JobsUser
  readonly packages: PackageSource
  readonly ids: Ids
  readonly trash: Trash
}

/**
 * The working copies of packages: `<work>/<job id>/<hash>`. A script that runs in place (the default for `.js`) works in
 * such a copy too, since packages never change; only that nobody looks for changes then, and what it writes stays until
 * the next deployment.
 */
export class WorkingCopies {
  readonly #means: Means
  readonly #jobs = new Map<string, JobState>()

  constructor(means: Means) {
    this.#means = means
  }

  /**
   * Gives a run its working copy, made now if there is none, or if something in it has changed. A copy in which another
   * run works is left to that one. Throws 'package-not-found' and 'store-full'.
   */
  async acquire(request: CopyRequest): Promise<WorkingCopy> {
    const tree = await this.#means.packages.tree(request.hash)
    const state = this.#stateOf(request.jobId)
    return inTurn(state, async () => {
      if (!state.known) await this.#findCopies(request, state)
      const former = state.current
      const same = former?.hash === request.hash ? former : undefined
      const changes =
        same === undefined ? await this.#replacedIn(former, request, tree) : await this.#changesIn(same, request, tree)
      if (same !== undefined && changes.length === 0) return this.#lend(request.jobId, state, same, [], false)
      const made = await this.#replace(request, state, tree)
      return this.#lend(request.jobId, state, made, changes, true)
    })
  }

  /** Removes a job's copies, and whatever `more` removes, while nobody makes one. */
  async remove(jobId: string, more: () => Promise<void>): Promise<void> {
    const { work, trash } = this.#means
    await inTurn(this.#stateOf(jobId), async () => {
      await trash.discard(join(work, jobId))
      await more()
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
    const folder = join(this.#means.work, jobId)
    await ensureOwnFolder(folder, 0o711)
    const names = (await readdir(folder)).filter((name) => COPY_NAME.test(name))
    const name = names.find((each) => each.startsWith(hash.slice(0, NAME_DIGITS)))
    for (const other of names) {
      if (other !== name) await this.#means.trash.discard(join(folder, other))
    }
    if (name !== undefined) state.current = { name, hash, users: 0 }
    state.known = true
  }

  async #changesIn(copy: Copy, { jobId, script, inPlace }: CopyRequest, tree: PackageTree): Promise<string[]> {
    const folder = join(this.#means.work, jobId, copy.name)
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    if (stats === undefined) return ['The working folder is gone; it is made anew.']
    const { user } = this.#means
    if (!user.own && stats.uid !== user.uid)
      return [`The working folder is not that of the user ${user.name}; it is made anew.`]
    if (!inPlace) return findChanges(folder, tree)
    const there = lstatSync(join(folder, script), { throwIfNoEntry: false }) !== undefined
    return there ? [] : ['The script is gone from the working folder; all is copied anew.']
  }

  /** What is another with the new package. In place nobody looks for it, as with WebJobs. */
  async #replacedIn(former: Copy | undefined, { jobId, inPlace }: CopyRequest, tree: PackageTree): Promise<string[]> {
    const { work, packages } = this.#means
    if (former === undefined || inPlace) return []
    const folder = join(work, jobId, former.name)
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return []
    try {
      return await findReplaced(folder, await packages.tree(former.hash), tree)
    } catch (error) {
      // Packages that no job goes with any more are deleted after a while.
      if (error instanceof JobyardError && error.code === 'package-not-found') return []
      throw error
    }
  }

  /** Makes a copy and puts it in the place of the current one. */
  async #replace({ jobId, hash }: CopyRequest, state: JobState, tree: PackageTree): Promise<Copy> {
    const { work, packages, user, ids, trash } = this.#means
    const former = state.current
    const staging = join(work, '.staging', ids.next())
    try {
      // Made anew where somebody tidies empty folders away, such as a system that cleans /tmp.
      await ensureOwnFolder(join(work, '.staging'), 0o700)
      await copyTree(packages.filesFolder(hash), staging, tree, user)
      if (former?.users === 0) await trash.discard(join(work, jobId, former.name))
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
    const { work, ids } = this.#means
    const name = hash.slice(0, NAME_DIGITS)
    const taken = lstatSync(join(work, jobId, name), { throwIfNoEntry: false }) !== undefined
    return taken ? `${name}-${ids.next().slice(-12)}` : name
  }

  #lend(jobId: string, state: JobState, copy: Copy, changes: readonly string[], copied: boolean): WorkingCopy {
    const folder = join(this.#means.work, jobId, copy.name)
    copy.users++
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      if (--copy.users === 0 && state.current !== copy) this.#means.trash.discardLater(folder)
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
