import { join } from 'node:path'
import type { Timer } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import { tooLarge } from '../../kinds/script/archive-names.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { PackageFile } from '../../kinds/script/package-tree.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import { Serial } from '../serial.ts'
import { Draft, type DraftChange, type EditAddress, sync } from './draft.ts'
import { type EditedEntry, type EditedTree, pathOf } from './edited-tree.ts'
import { baseOf, JobFiles } from './job-files.ts'
import { type PackageEditsParts, PackageMaker } from './package-maker.ts'

/** Told what is there before it is changed, or null; refuses the change by throwing. */
export type EditCheck = (there: EditedEntry | null) => void

/** A file that lies complete in the folder of uploads, and goes from there. */
export interface EditFile {
  /** Relative to the job's folder, with `/` between folders. */
  readonly path: string
  readonly from: string
  readonly bytes: number
  readonly sha256: string
  /** Epoch milliseconds. Default: now. */
  readonly modified?: number
  /** Default: as the file was before, or not. */
  readonly executable?: boolean
}

/** Milliseconds after the last change of a job's files until they become a package. */
const GATHER_MS = 2000
/** Milliseconds until what could not be made a package is tried again. */
const AGAIN_MS = 30_000
/** Jobs of a collection that have files, but nothing to run yet: more are made by mistake. */
const MOST_BEGUN = 200
interface Pending {
  readonly draft: Draft
  timer: Timer | null
  /** The files with all changes, and what they were made of. */
  made: { readonly of: string; readonly tree: EditedTree } | null
}

/**
 * Changes of single files of jobs, as an editor makes them. They are seen at once; two seconds after the last one they
 * become a new package, made of the one that the job has. A job without a runnable script is not there, or goes on with the
 * package that it has, until there is one.
 */
export class PackageEdits {
  readonly #parts: PackageEditsParts
  readonly #files: JobFiles
  readonly #maker: PackageMaker
  readonly #folder: string
  readonly #turns = new Serial()
  readonly #pending = new Map<string, Pending>()
  #stopped = false

  constructor(parts: PackageEditsParts) {
    this.#parts = parts
    this.#files = new JobFiles(parts.services)
    this.#maker = new PackageMaker(parts, this.#files)
    this.#folder = join(parts.services.settings.dataFolder, 'drafts')
  }

  /** Takes up what an earlier server did not get to. */
  async open(): Promise<void> {
    for (const draft of await Draft.findAll(this.#folder, this.#parts.services.ids)) {
      const pending: Pending = { draft, timer: null, made: null }
      this.#pending.set(keyOf(draft.address), pending)
      this.#schedule(pending, GATHER_MS)
    }
  }

  /** Stops making packages; changes stay on the disk for the next server. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { timer } of this.#pending.values()) timer?.cancel()
    await Promise.all([...this.#pending.keys()].map((key) => this.#turns.run(key, async () => undefined)))
  }

  /** The files of a job as they are to be, not to be changed; null when there is neither job nor draft. */
  async tree(address: EditAddress): Promise<{ readonly job: JobRow | null; readonly tree: EditedTree } | null> {
    const job = await this.#files.job(address)
    const pending = await this.#fitting(address, job)
    if (job === null && pending === undefined) return null
    return { job, tree: await this.#tree(job, pending) }
  }

  /** Names of jobs of a type that are not there yet, but have files already. */
  async newJobs(collectionId: string, type: string): Promise<string[]> {
    const drafts = [...this.#pending.values()].map(({ draft }) => draft)
    const candidates = drafts.filter(
      ({ address, base }) => address.collectionId === collectionId && address.type === type && base.jobId === null,
    )
    const found = await Promise.all(candidates.map(({ address }) => this.#files.job(address)))
    return candidates.filter((_draft, index) => found[index] === null).map(({ address }) => address.name)
  }

  /**
   * Puts files in their places, all or none, and makes these folders. Throws 'source-controlled', 'data-refused' where a
   * folder is, what archives are refused for, and what `check` throws, which is told what is there of the first one.
   */
  async put(
    address: EditAddress,
    files: readonly EditFile[],
    folders: readonly string[],
    actor: Actor,
    check?: EditCheck,
  ): Promise<{ readonly isNew: boolean; readonly file: PackageFile | null }> {
    const { limits } = this.#parts.services.packages
    for (const { path, bytes } of files) {
      if (bytes > limits.fileBytes)
        throw tooLarge(`The file ${JSON.stringify(path)} is larger than ${limits.fileBytes} bytes`)
    }
    await Promise.all(files.map(({ from }) => sync(from)))
    let isNew = true
    const noted = await this.#change(address, actor, (tree) => {
      const there = files[0] === undefined ? null : tree.find(tree.spell(files[0].path, limits))
      check?.(there)
      isNew = there === null
      const made = folders.map((path) => ({ op: 'folder', path: tree.spell(path, limits) }) as const)
      return [...made, ...files.map((file) => this.#putting(tree, file))]
    })
    const put = noted.find(({ op }) => op === 'put')
    return { isNew, file: put?.op === 'put' ? put.file : null }
  }

  #putting(tree: EditedTree, { path, from, ...given }: EditFile): DraftChange {
    const spelled = tree.spell(path, this.#parts.services.packages.limits)
    const there = tree.find(spelled)
    if (there?.type === 'folder') throw new JobyardError('data-refused', `${JSON.stringify(spelled)} is a folder.`)
    const { executable = there?.file.executable ?? false, modified = this.#parts.services.clock.now() } = given
    const { bytes, sha256 } = given
    return { op: 'put', from, file: { path: spelled, bytes, sha256, executable, modified: Math.trunc(modified) } }
  }

  /** Makes a folder; one of a job that is not there is the beginning of that job. Throws 'data-refused' when it is there. */
  async makeFolder(address: EditAddress, path: string, actor: Actor): Promise<void> {
    const { limits } = this.#parts.services.packages
    await this.#change(address, actor, (tree, isThere) => {
      const spelled = path === '' ? '' : tree.spell(path, limits)
      if (isThere && tree.find(spelled) !== null) {
        throw new JobyardError('data-refused', `${JSON.stringify(spelled)} is there already.`)
      }
      return [{ op: 'folder', path: spelled }]
    })
  }

  /**
   * Takes a file or a folder away; at an empty path the job itself. Throws 'data-unknown', 'data-refused' when a folder is
   * not empty and `recursive` is not said, and what `check` throws.
   */
  async remove(
    address: EditAddress,
    path: string,
    { recursive, check }: { readonly recursive: boolean; readonly check?: EditCheck },
    actor: Actor,
  ): Promise<void> {
    await this.#change(address, actor, (tree, isThere) => {
      const there = isThere ? tree.find(path) : null
      if (there === null) throw new JobyardError('data-unknown', `There is no ${JSON.stringify(path)} in the job.`)
      if (there.type === 'file') check?.(there)
      else if (!recursive && tree.list(there.path).length > 0) {
        throw new JobyardError('data-refused', `The folder ${JSON.stringify(there.path)} is not empty.`)
      }
      return [{ op: 'remove', path: pathOf(there) }]
    })
    // A job is not told apart from its folder: without that it is gone at once.
    if (path === '') await this.settle(address)
  }

  /** As {@link settle}, for whoever goes on in any case: what stands in the way is in the log. */
  async trySettle(address: EditAddress): Promise<void> {
    try {
      await this.settle(address)
    } catch (err) {
      this.#warn(address, err)
    }
  }

  /** Makes what was changed a package now. Throws what saving a job throws; the changes stay. */
  async settle(address: EditAddress): Promise<void> {
    if (!this.#pending.has(keyOf(address))) return
    await this.#turns.run(keyOf(address), () => this.#apply(keyOf(address)))
  }

  /** Forgets what was changed: the job is given other files altogether. */
  async drop(address: EditAddress): Promise<void> {
    const key = keyOf(address)
    if (!this.#pending.has(key)) return
    await this.#turns.run(key, async () => {
      const pending = this.#pending.get(key)
      if (pending !== undefined) await this.#forget(key, pending)
    })
  }

  /** Notes changes of a job's files, one caller after the other. */
  async #change(
    address: EditAddress,
    actor: Actor,
    make: (tree: EditedTree, isThere: boolean) => readonly DraftChange[],
  ) {
    const key = keyOf(address)
    return await this.#turns.run(key, async () => {
      const job = await this.#files.job(address)
      await this.#files.requireOwn(address)
      const fitting = await this.#fitting(address, job)
      const stale = this.#pending.get(key)
      if (fitting === undefined && stale !== undefined) await this.#forget(key, stale)
      if (job === null) this.#checkNew(address, fitting === undefined)
      const tree = (await this.#tree(job, fitting)).copy()
      const changes = make(tree, job !== null || fitting !== undefined)
      for (const change of changes)
        tree.apply(change.op === 'put' ? { op: 'put', file: { ...change.file, from: '' } } : change)
      tree.checkSize(this.#parts.services.packages.limits)
      const pending = fitting ?? this.#begin(address, job)
      const noted = await pending.draft.note(changes, actor)
      this.#pending.set(key, pending)
      for (const change of noted) pending.made?.tree.apply(change)
      this.#schedule(pending, GATHER_MS)
      return noted
    })
  }

  #checkNew({ collectionId, name }: EditAddress, isFirst: boolean): void {
    checkJobName(name)
    const begun = [...this.#pending.values()].filter(
      ({ draft: { address, base } }) => address.collectionId === collectionId && base.jobId === null,
    )
    if (!isFirst || begun.length < MOST_BEGUN) return
    const message = `There are ${MOST_BEGUN} jobs already that have files and nothing to run.`
    throw new JobyardError('data-refused', message, { hint: 'Give them scripts, or delete their folders.' })
  }

  #begin(address: EditAddress, job: JobRow | null): Pending {
    const draft = Draft.begin(this.#folder, address, baseOf(job), this.#parts.services.ids)
    return { draft, timer: null, made: null }
  }

  /** The changes of a job that still belong to what it has. */
  async #fitting(address: EditAddress, job: JobRow | null): Promise<Pending | undefined> {
    const pending = this.#pending.get(keyOf(address))
    return pending !== undefined && (await this.#files.fits(pending.draft, job)) ? pending : undefined
  }

  async #tree(job: JobRow | null, pending: Pending | undefined): Promise<EditedTree> {
    const of = job === null ? '' : `${job.id} ${job.version}`
    if (pending?.made?.of === of) return pending.made.tree
    const tree = await this.#files.tree(job, pending?.draft.changes ?? [])
    if (pending !== undefined) pending.made = { of, tree }
    return tree
  }

  #schedule(pending: Pending, delay: number): void {
    const { clock } = this.#parts.services
    const { address } = pending.draft
    pending.timer?.cancel()
    if (this.#stopped) return
    pending.timer = clock.after(delay, () => {
      pending.timer = null
      this.settle(address).catch((err: unknown) => {
        this.#warn(address, err)
        // What is refused is refused again, until something is changed.
        if (!(err instanceof JobyardError) || err.status >= 500) this.#schedule(pending, AGAIN_MS)
      })
    })
  }

  #warn({ type, name }: EditAddress, err: unknown): void {
    this.#parts.services.logger.warn({ err, type, job: name }, 'changed files did not become a package')
  }

  async #apply(key: string): Promise<void> {
    const pending = this.#pending.get(key)
    if (pending === undefined || this.#stopped) return
    const { draft } = pending
    pending.timer?.cancel()
    const made =
      draft.actor === null ? 'done' : await this.#maker.make(draft, draft.actor, (job) => this.#tree(job, pending))
    if (made === 'done') await this.#forget(key, pending)
  }

  async #forget(key: string, pending: Pending): Promise<void> {
    pending.timer?.cancel()
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
    await pending.draft.remove()
  }
}

function keyOf({ collectionId, type, name }: EditAddress): string {
  return `${collectionId}/${type}/${name.toLowerCase()}`
}
