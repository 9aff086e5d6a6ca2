import type { Clock } from '../../domain/clock.ts'
import { messageOf } from '../../domain/error-message.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Events } from '../../engine/events.ts'
import type { Jobs } from '../../engine/jobs.ts'
import { Loop } from '../../engine/loop.ts'
import type { HeldFolder } from '../../kinds/script/held-folder.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { ScriptPackages } from '../../kinds/script/packages.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { FolderJobMark, FolderProblem } from '../../store/procedures/watched-folder.ts'
import { deployFolder } from './deploy.ts'
import { type FolderJob, type FoundJobs, findJobs, keyOf } from './find-jobs.ts'
import { type Fingerprint, takeFingerprint } from './fingerprint.ts'
import { FolderWatch, GATHER_MS } from './folder-watch.ts'
import { holdOnWay } from './hold.ts'
import { KnownFolders } from './known-folders.ts'
import type { LinkRules } from './links.ts'
import { ToldProblems } from './told-problems.ts'
import { whyUnseen, withoutStandIns } from './unseen.ts'
import { WaitingChanges } from './waiting-changes.ts'

/** What a watched folder works with. */
export interface WatchedFolderOptions {
  readonly store: Repository
  readonly jobs: Jobs
  readonly engine: Pick<Engine, 'deleteJob'>
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly packages: Pick<ScriptPackages, 'receiveFolder'>
  /** Absolute. */
  readonly folder: string
  /** Who jobs run as. */
  readonly user: LinkRules['user']
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
/** After a look it rests for so many times as long as the look took: whoever writes all the time must not keep it busy. */
const REST = 10
/** The group of the folders above those of jobs, among what is listened to; no job's key. */
const ABOVE = ''

/** A job that came from the folder. */
type KnownJob = FolderJobMark

/** What ends the copying of a folder that is another one by now: what was copied may be a mixture. */
class ChangedMeanwhile extends Error {}

/**
 * Makes the jobs of a collection those that lie in a folder: what appears there is deployed, what changes is deployed
 * again, what goes is deleted, each when it has stayed as it is for a while. Now and then a look compares all there is; in
 * between, events of the file system say which jobs to look at, so one that is lost does no lasting harm.
 */
export class WatchedFolder {
  readonly #options: WatchedFolderOptions
  readonly #loop: Loop
  readonly #watch: FolderWatch
  /** The fingerprints of folders that were dealt with: deployed, or found to be undeployable. */
  readonly #settled = new Map<string, string>()
  readonly #waiting: WaitingChanges
  readonly #told: ToldProblems
  readonly #known = new KnownFolders()
  /** The keys of jobs in whose folders something happened since they were looked at. */
  readonly #noted = new Set<string>()
  /** When everything was last looked at, and when the next look of any sort may begin; by the clock's `elapsed`. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(options: WatchedFolderOptions) {
    this.#options = options
    const { clock, random, events, quietMs } = options
    this.#waiting = new WaitingChanges(clock, quietMs)
    this.#told = new ToldProblems(options)
    this.#loop = new Loop({ name: 'watched folder', clock, random, events, turnOnce: () => this.#turn() })
    this.#watch = new FolderWatch(clock, (groups) => {
      for (const group of groups) this.#noted.add(group)
      this.#loop.wake()
    })
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

  /** Compares the whole folder with the jobs once, and does what is due. Answers when to look again, in milliseconds. */
  async look(): Promise<number> {
    this.#lookedAt = this.#options.clock.elapsed()
    return await this.#lookAtThose(() => true)
  }

  /** Looks at everything when that is due, else at what has changed or become quiet. */
  async #turn(): Promise<number> {
    const { clock, everyMs = EVERY_MS } = this.#options
    const began = clock.elapsed()
    if (began < this.#restsUntil) return this.#restsUntil - began
    try {
      if (began - this.#lookedAt >= everyMs) return await this.look()
      return await this.#lookAtThose((key) => this.#isDue(key))
    } finally {
      const took = clock.elapsed() - began
      this.#restsUntil = began + took + Math.min(REST * took, everyMs)
    }
  }

  /** Something happened in it, it is unknown, or it may have been quiet for long enough. */
  #isDue(key: string): boolean {
    if (this.#noted.has(key)) return true
    return this.#waiting.mayBeQuiet(key) ?? !this.#settled.has(key)
  }

  async #lookAtThose(isWanted: (key: string) => boolean): Promise<number> {
    const { store, clock, folder: path, user, collectionId, instance, everyMs = EVERY_MS } = this.#options
    const held = await store.write('holdWatchedFolder', { collectionId, path, instance, at: clock.now() })
    if (!held) return everyMs
    const looked = await findJobs(path, { user, known: this.#known })
    const found = withoutStandIns(looked, await store.read('listFolderJobs', { collectionId }))
    this.#noted.delete(ABOVE)
    // Other folders above those of jobs may have brought others of these, too.
    const isMoved = this.#watch.follow(ABOVE, found.above)
    if (isMoved) this.#noted.add(ABOVE)
    const problems = [...found.problems]
    for (const job of found.jobs) {
      const problem = isMoved || isWanted(keyOf(job)) ? await this.#lookAt(job) : this.#told.of(job.path)
      if (problem !== undefined) problems.push({ path: job.path, message: problem })
    }
    const kept = await this.#dropGone(found)
    const away = kept.flatMap((job) => whyUnseen(job, found) ?? [])
    const doubts = new Map([...away, ...found.doubts].map((doubt) => [doubt.path, doubt]))
    await this.#told.tell(kept.length === 0 ? problems : [...problems, ...doubts.values()], kept)
    return this.#nextLook(everyMs)
  }

  /** Deploys a job when its folder has changed and is quiet. Answers what stands against it. */
  async #lookAt(job: FolderJob): Promise<string | undefined> {
    const key = keyOf(job)
    this.#noted.delete(key)
    try {
      await using folder = await holdOnWay(this.#options.folder, job.path)
      const seen = await takeFingerprint(folder, job.path)
      // What happened before it was listened to may have been missed.
      if (this.#watch.follow(key, seen.folders)) this.#noted.add(key)
      if (this.#settled.get(key) === seen.text) {
        this.#waiting.end(key)
        return this.#told.of(job.path)
      }
      if (!this.#isQuiet(key, seen)) return this.#told.of(job.path)
      return await this.#deploy(job, folder, seen)
    } catch (error) {
      return this.#explain(job, error)
    }
  }

  /** Why a job is not deployed though nothing is wrong with what lies there; it is tried again, and the others are not kept waiting. */
  #explain(job: FolderJob, error: unknown): string | undefined {
    const { events } = this.#options
    this.#waiting.begin(keyOf(job), '')
    // Something went while it was looked at; the next look tells more.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    if (isSystemError(error)) return `It cannot be read: ${error.message}.`
    events.emit({ type: 'error', where: `watched folder, ${job.path}`, error })
    return `It is tried again, because the server had a problem: ${messageOf(error)}`
  }

  #isQuiet(key: string, { text, changedAt }: Fingerprint): boolean {
    const { clock, quietMs } = this.#options
    // Long ago by the file system's clock: nobody is writing now. A clock that goes ahead only makes it wait.
    if (clock.now() - changedAt >= quietMs) return true
    return this.#waiting.hasStayed(key, text)
  }

  async #deploy(job: FolderJob, folder: HeldFolder, seen: Fingerprint): Promise<string | undefined> {
    const { packages } = this.#options
    const key = keyOf(job)
    let problem: string | undefined
    try {
      checkJobName(job.name)
      const taken = await packages.receiveFolder(folder, () => this.#requireSame(job, seen))
      await deployFolder(this.#options, job, taken, FOLDER_ACTOR)
    } catch (error) {
      if (error instanceof ChangedMeanwhile) return undefined
      if (!(error instanceof JobyardError) || error.status >= 500) throw error
      problem = error.message
    }
    this.#settled.set(key, seen.text)
    this.#waiting.end(key)
    return problem
  }

  async #requireSame(job: FolderJob, seen: Fingerprint): Promise<void> {
    await using folder = await holdOnWay(this.#options.folder, job.path)
    const after = await takeFingerprint(folder, job.path)
    if (after.text === seen.text) return
    this.#waiting.begin(keyOf(job), after.text)
    throw new ChangedMeanwhile()
  }

  /**
   * Deletes the jobs whose folders are gone: only those that came from here. Answers those that stay, because they may be
   * there all the same.
   */
  async #dropGone(found: FoundJobs): Promise<KnownJob[]> {
    const { store, collectionId } = this.#options
    const there = new Set(found.jobs.map(keyOf))
    const missing = (await store.read('listFolderJobs', { collectionId })).filter((job) => !there.has(keyOf(job)))
    const stays = (job: KnownJob) =>
      found.closed.has(job.type) || found.hidden.has(keyOf(job)) || whyUnseen(job, found) !== undefined
    const going = new Set<string>()
    for (const job of missing) {
      const key = keyOf(job)
      if (stays(job)) continue
      going.add(key)
      if (!this.#waiting.hasStayed(key, 'gone')) continue
      await this.#delete(job)
      going.delete(key)
    }
    const kept = missing.filter(stays)
    this.#forget(there, going, new Set(kept.map(keyOf)))
    return kept
  }

  async #delete({ id, name }: KnownJob): Promise<void> {
    try {
      await this.#options.engine.deleteJob(id, name, FOLDER_ACTOR, 'folder')
    } catch (error) {
      if (!(error instanceof JobyardError && error.code === 'job-unknown')) throw error
    }
  }

  /** Drops what is known of jobs that are not there; of those that only seem to be away it is true still. */
  #forget(there: ReadonlySet<string>, going: ReadonlySet<string>, kept: ReadonlySet<string>): void {
    for (const key of this.#settled.keys()) if (!there.has(key) && !kept.has(key)) this.#settled.delete(key)
    for (const key of this.#waiting.keys()) if (!there.has(key) && !going.has(key)) this.#waiting.end(key)
    for (const key of this.#noted) if (key !== ABOVE && !there.has(key)) this.#noted.delete(key)
    this.#watch.keepOnly(new Set([ABOVE, ...there]))
  }

  #nextLook(everyMs: number): number {
    const waits = [this.#waiting.next ?? everyMs, this.#noted.size > 0 ? GATHER_MS : everyMs]
    return Math.max(10, Math.min(this.#lookedAt + everyMs - this.#options.clock.elapsed(), ...waits))
  }
}
