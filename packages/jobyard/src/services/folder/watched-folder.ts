import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Events } from '../../engine/events.ts'
import type { Jobs } from '../../engine/jobs.ts'
import { Loop } from '../../engine/loop.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { PackageView } from '../../kinds/script/packages.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'
import { deployFolder } from './deploy.ts'
import { type FolderJob, findJobs } from './find-jobs.ts'
import { type Fingerprint, takeFingerprint } from './fingerprint.ts'
import { FolderWatch } from './folder-watch.ts'

/** What a watched folder works with. */
export interface WatchedFolderOptions {
  readonly store: Repository
  readonly jobs: Jobs
  readonly engine: Pick<Engine, 'deleteJob'>
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly packages: { receiveFolder(path: string): Promise<PackageView> }
  /** Absolute. */
  readonly folder: string
  /** The collection that its jobs are in. */
  readonly collectionId: string
  /** Name of this instance. */
  readonly instance: string
  /** Milliseconds that a job's folder must stay as it is before it is deployed, or be gone before the job is deleted. */
  readonly quietMs: number
  /** Milliseconds between two looks that nothing asked for. Default 30,000. */
  readonly everyMs?: number
  /** Told of what is not deployed and why, each thing once until it changes. */
  readonly onProblem: (problem: FolderProblem) => void
}

/** The audit log names the folder as the one who acts. */
export const FOLDER_ACTOR = { name: 'watched folder', role: 'server', address: null } as const

const EVERY_MS = 30_000
/** Problems that are kept to be shown. */
const SHOWN_PROBLEMS = 200

/** Something that is to be done once it has stayed as it is. */
interface Pending {
  readonly text: string
  /** By the clock's `elapsed`. */
  readonly since: number
}

/**
 * Makes the jobs of a collection those that lie in a folder: what appears there is deployed, what changes is deployed
 * again, what goes is deleted, each when it has stayed as it is for a while. A look compares all there is; events of the
 * file system only make it come sooner, so none that is lost does harm.
 */
export class WatchedFolder {
  readonly #options: WatchedFolderOptions
  readonly #loop: Loop
  readonly #watch: FolderWatch
  /** The fingerprints of folders that were dealt with: deployed, or found to be undeployable. */
  readonly #settled = new Map<string, string>()
  readonly #pending = new Map<string, Pending>()
  readonly #told = new Map<string, string>()
  /** False until the first time, which replaces what a server before this one told. */
  #hasTold = false

  constructor(options: WatchedFolderOptions) {
    this.#options = options
    const { clock, random, events } = options
    const onError = (where: string, error: unknown) => events.emit({ type: 'error', where, error })
    this.#loop = new Loop({ name: 'watched folder', clock, random, turnOnce: () => this.look(), onError })
    this.#watch = new FolderWatch(clock, () => this.#loop.wake())
  }

  /** Looks for the first time, so that schedules find the jobs as they lie there, and goes on looking. */
  async start(): Promise<void> {
    try {
      await this.look()
    } catch (error) {
      // The loop tries again; a folder that cannot be read must not keep all other jobs from running.
      this.#options.events.emit({ type: 'error', where: 'watched folder', error })
    }
    this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#watch.stop()
    await this.#loop.stop()
    await this.#options.store.write('leaveWatchedFolder', { instance: this.#options.instance })
  }

  /** Compares the folder with the jobs once, and does what is due. Answers when to look again, in milliseconds. */
  async look(): Promise<number> {
    const { store, clock, folder: path, collectionId, instance, everyMs = EVERY_MS } = this.#options
    const held = await store.write('holdWatchedFolder', { collectionId, path, instance, at: clock.now() })
    if (!held) return everyMs
    const found = await findJobs(path)
    if (found === undefined) {
      await this.#tell([{ path, message: 'The folder is not there, or empty. Its jobs stay as they are.' }])
      return everyMs
    }
    this.#watch.follow(found.roots)
    const problems = [...found.problems]
    for (const job of found.jobs) {
      const problem = await this.#lookAt(job)
      if (problem !== undefined) problems.push({ path: job.path, message: problem })
    }
    await this.#dropGone(found.jobs)
    await this.#tell(problems)
    return this.#nextLook(everyMs)
  }

  /** Deploys a job when its folder has changed and is quiet. Answers what stands against it. */
  async #lookAt(job: FolderJob): Promise<string | undefined> {
    const key = keyOf(job)
    try {
      const seen = await takeFingerprint(job.path)
      if (this.#settled.get(key) === seen.text) {
        this.#pending.delete(key)
        return this.#told.get(job.path)
      }
      if (!this.#isQuiet(key, seen)) return this.#told.get(job.path)
      return await this.#deploy(job, seen)
    } catch (error) {
      // Something went while it was looked at; the next look tells more.
      if (!isSystemError(error)) throw error
      this.#pending.set(key, { text: '', since: this.#options.clock.elapsed() })
      const passing = error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP'
      return passing ? undefined : `It cannot be read: ${error.message}.`
    }
  }

  #isQuiet(key: string, { text, changedAt }: Fingerprint): boolean {
    const { clock, quietMs } = this.#options
    // Long ago by the file system's clock: nobody is writing now. A clock that goes ahead only makes it wait.
    if (clock.now() - changedAt >= quietMs) return true
    return this.#hasStayed(key, text)
  }

  /** Whether something has been the same for long enough; remembers it when it is new. */
  #hasStayed(key: string, text: string): boolean {
    const { clock, quietMs } = this.#options
    const before = this.#pending.get(key)
    if (before?.text === text) return clock.elapsed() - before.since >= quietMs
    this.#pending.set(key, { text, since: clock.elapsed() })
    return false
  }

  async #deploy(job: FolderJob, seen: Fingerprint): Promise<string | undefined> {
    const { packages } = this.#options
    const key = keyOf(job)
    let problem: string | undefined
    try {
      checkJobName(job.name)
      const taken = await packages.receiveFolder(job.path)
      // Changed while it was copied: what was copied may be a mixture.
      const after = await takeFingerprint(job.path)
      if (after.text !== seen.text) {
        this.#pending.set(key, { text: after.text, since: this.#options.clock.elapsed() })
        return undefined
      }
      await deployFolder(this.#options, job, taken, FOLDER_ACTOR)
    } catch (error) {
      if (!(error instanceof JobyardError) || error.status >= 500) throw error
      problem = error.message
    }
    this.#settled.set(key, seen.text)
    this.#pending.delete(key)
    return problem
  }

  /** Deletes the jobs whose folders are gone: only those that came from here. */
  async #dropGone(found: readonly FolderJob[]): Promise<void> {
    const { store, engine, collectionId } = this.#options
    const there = new Set(found.map(keyOf))
    for (const key of this.#settled.keys()) if (!there.has(key)) this.#settled.delete(key)
    for (const job of await store.read('listFolderJobs', { collectionId })) {
      const key = keyOf(job)
      if (there.has(key) || !this.#hasStayed(key, 'gone')) continue
      this.#pending.delete(key)
      try {
        await engine.deleteJob(job.id, job.name, FOLDER_ACTOR, 'folder')
      } catch (error) {
        if (!(error instanceof JobyardError && error.code === 'job-unknown')) throw error
      }
    }
    const known = new Set([...there, ...(await store.read('listFolderJobs', { collectionId })).map(keyOf)])
    for (const key of this.#pending.keys()) if (!known.has(key)) this.#pending.delete(key)
  }

  /** Tells of what is not deployed, when it is not what was told before. */
  async #tell(problems: readonly FolderProblem[]): Promise<void> {
    const { store, collectionId, instance, onProblem } = this.#options
    const current = new Map(problems.map(({ path, message }) => [path, message]))
    const fresh = [...current].filter(([path, message]) => this.#told.get(path) !== message)
    if (this.#hasTold && fresh.length === 0 && current.size === this.#told.size) return
    await store.write('noteFolderProblems', { collectionId, instance, problems: problems.slice(0, SHOWN_PROBLEMS) })
    this.#hasTold = true
    for (const [path, message] of fresh) onProblem({ path, message })
    this.#told.clear()
    for (const [path, message] of current) this.#told.set(path, message)
  }

  #nextLook(everyMs: number): number {
    const { clock, quietMs } = this.#options
    const waits = [...this.#pending.values()].map(({ since }) => since + quietMs - clock.elapsed())
    return Math.max(10, Math.min(everyMs, ...waits))
  }
}

function keyOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type}/${name.toLowerCase()}`
}
