import { join } from 'node:path'
import type { Timer } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow, Warning } from '../../domain/model.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import { Serial } from '../serial.ts'
import { Draft, type DraftChange, type EditAddress } from './draft.ts'
import type { EditedTree } from './edited-tree.ts'
import { findDrafts } from './found-drafts.ts'
import { baseOf, type JobFiles } from './job-files.ts'
import { type PackageEditsParts, PackageMaker } from './package-maker.ts'

/** Milliseconds after the last change of a job's files until they become a package, and the most after the first one. */
const GATHER_MS = 2000
const LATEST_MS = 30_000
/** Milliseconds until what could not be made a package is tried again. */
const AGAIN_MS = 30_000
/** Milliseconds after its last change until a draft that cannot become a package is given up. */
const GIVEN_UP_MS = 24 * 3_600_000

/** Changes of one job's files that are no package yet. */
export interface Pending {
  readonly draft: Draft
  timer: Timer | null
  /** When the first change came that nobody tried to make a package of yet, by the clock's elapsed time; or null. */
  since: number | null
  /** Why there is no package, since it was last tried. */
  fault: Warning | null
  /** The files with all changes, and what they were made of. */
  made: { readonly of: string; readonly tree: EditedTree } | null
}

/** The drafts of this server, and when they become packages. */
export class PendingEdits {
  readonly #parts: PackageEditsParts
  readonly #files: JobFiles
  readonly #maker: PackageMaker
  readonly #folder: string
  readonly #turns = new Serial()
  readonly #all = new Map<string, Pending>()
  #stopped = false

  constructor(parts: PackageEditsParts, files: JobFiles) {
    this.#parts = parts
    this.#files = files
    this.#maker = new PackageMaker(parts, files)
    this.#folder = join(parts.services.settings.dataFolder, 'drafts')
  }

  /** Takes up what an earlier server did not get to. */
  async open(): Promise<void> {
    const { ids, logger } = this.#parts.services
    const { drafts, faults } = await findDrafts(this.#folder, ids)
    for (const { keptAt, error } of faults) {
      logger.error({ err: error, folder: keptAt }, 'changed files of a job cannot be read and were set aside')
    }
    for (const draft of drafts) {
      const pending = pendingOf(draft)
      this.#all.set(keyOf(draft.address), pending)
      this.#gather(pending)
    }
  }

  /** Stops making packages; changes stay on the disk for the next server. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { timer } of this.#all.values()) timer?.cancel()
    await Promise.all([...this.#all.keys()].map((key) => this.#turns.run(key, async () => undefined)))
  }

  /** Does what concerns a job's files, one caller after the other. */
  inTurn<T>(address: EditAddress, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(keyOf(address), work)
  }

  get(address: EditAddress): Pending | undefined {
    return this.#all.get(keyOf(address))
  }

  drafts(): Draft[] {
    return [...this.#all.values()].map(({ draft }) => draft)
  }

  /** The changes of a job that still belong to what it has. */
  async fitting(address: EditAddress, job: JobRow | null): Promise<Pending | undefined> {
    const pending = this.get(address)
    return pending !== undefined && (await this.#files.fits(pending.draft, job)) ? pending : undefined
  }

  /** The files of a job with its changes. */
  async tree(job: JobRow | null, pending: Pending | undefined): Promise<EditedTree> {
    const of = job === null ? '' : `${job.id} ${job.version}`
    if (pending?.made?.of === of) return pending.made.tree
    const tree = await this.#files.tree(job, pending?.draft.changes ?? [])
    if (pending !== undefined) pending.made = { of, tree }
    return tree
  }

  /** Notes changes, which are on the disk then. To be called in turn, with what is fitting. */
  async note(
    address: EditAddress,
    job: JobRow | null,
    fitting: Pending | undefined,
    changes: readonly DraftChange[],
    actor: Actor,
  ) {
    const { ids, clock, logger } = this.#parts.services
    const pending = fitting ?? pendingOf(Draft.begin(this.#folder, address, baseOf(job), ids))
    const noted = await pending.draft.note(changes, actor, clock.now())
    this.#all.set(keyOf(address), pending)
    for (const change of noted) pending.made?.tree.apply(change)
    this.#gather(pending)
    try {
      await pending.draft.tidy()
    } catch (err) {
      logger.warn({ err, job: address.name }, 'replaced files of a job were not dropped')
    }
    return noted
  }

  /** Makes what was changed a package, or tries to. To be called in turn. Throws what saving a job throws; changes stay. */
  async apply(address: EditAddress): Promise<void> {
    const pending = this.get(address)
    if (pending === undefined || this.#stopped) return
    const { draft } = pending
    pending.timer?.cancel()
    pending.since = null
    try {
      const treeOf = (job: JobRow | null) => this.tree(job, pending)
      const made = draft.actor === null ? 'done' : await this.#maker.make(draft, draft.actor, treeOf)
      if (made === 'done') return await this.forget(pending)
      this.#warn(pending, notDeployed('there is nothing to run among them.'))
    } catch (error) {
      const why = error instanceof JobyardError ? error.message : 'the log has the particulars.'
      this.#warn(pending, notDeployed(why))
      if (isRefusal(error)) await this.#giveUp(pending)
      else this.#schedule(pending, AGAIN_MS)
      throw error
    }
    await this.#giveUp(pending)
  }

  /** As {@link apply}, for whoever goes on in any case: what stands in the way is in the log. */
  async tryApply(address: EditAddress): Promise<void> {
    try {
      await this.apply(address)
    } catch (err) {
      const { type, name } = address
      this.#parts.services.logger.warn({ err, type, job: name }, 'changed files did not become a package')
    }
  }

  /** Takes changes off the disk. To be called in turn. */
  async forget(pending: Pending): Promise<void> {
    pending.timer?.cancel()
    const key = keyOf(pending.draft.address)
    if (this.#all.get(key) === pending) this.#all.delete(key)
    await pending.draft.remove()
    this.#warn(pending, null)
  }

  /** Keeps what stands in the way of changes; whoever looks at the job is to see it, or to see it no more. */
  #warn(pending: Pending, fault: Warning | null): void {
    const { base, address } = pending.draft
    const isNew = pending.fault?.message !== fault?.message
    pending.fault = fault
    const { jobId } = base
    if (isNew && jobId !== null) this.#parts.services.events.emit({ type: 'job.warned', jobId, name: address.name })
  }

  #gather(pending: Pending): void {
    const now = this.#parts.services.clock.elapsed()
    pending.since ??= now
    this.#schedule(pending, Math.max(0, Math.min(GATHER_MS, pending.since + LATEST_MS - now)))
  }

  /** What is refused is refused again, until something is changed; but nobody waits for that for ever. */
  async #giveUp(pending: Pending): Promise<void> {
    const { clock, logger } = this.#parts.services
    const { address, changedAt } = pending.draft
    const left = changedAt + GIVEN_UP_MS - clock.now()
    if (left > 0) return this.#schedule(pending, Math.min(left, GIVEN_UP_MS))
    const why = pending.fault?.message
    await this.forget(pending)
    const { type, name } = address
    logger.warn({ type, job: name, why }, 'changed files were given up: they did not become a package in a day')
  }

  #schedule(pending: Pending, delay: number): void {
    const { address } = pending.draft
    pending.timer?.cancel()
    if (this.#stopped) return
    pending.timer = this.#parts.services.clock.after(delay, () => {
      pending.timer = null
      void this.inTurn(address, () => this.tryApply(address))
    })
  }
}

function pendingOf(draft: Draft): Pending {
  return { draft, timer: null, since: null, fault: null, made: null }
}

function notDeployed(why: string): Warning {
  return { code: 'files-not-deployed', message: `Changed files of the job are no package yet: ${why}` }
}

function isRefusal(error: unknown): boolean {
  return error instanceof JobyardError && error.status < 500
}

function keyOf({ collectionId, type, name }: EditAddress): string {
  return `${collectionId}/${type}/${name.toLowerCase()}`
}
