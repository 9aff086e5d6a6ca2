import { JobyardError } from '../../domain/errors.ts'
import type { JobRow, Warning } from '../../domain/model.ts'
import { tooLarge } from '../../kinds/script/archive-names.ts'
import { checkParts } from '../../kinds/script/compose.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { PackageFile } from '../../kinds/script/package-tree.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import { checkBounds, type Wanted } from './bounds.ts'
import type { DraftChange, EditAddress } from './draft.ts'
import type { EditBatch, EditFile } from './edit-file.ts'
import { type EditedEntry, type EditedTree, pathOf } from './edited-tree.ts'
import { JobFiles } from './job-files.ts'
import { sync } from './journal.ts'
import type { PackageEditsParts } from './package-maker.ts'
import { type Pending, PendingEdits } from './pending-edits.ts'

/** Told what is there before it is changed, or null; refuses the change by throwing. */
export type EditCheck = (there: EditedEntry | null) => void

/** Files that say something about their job. */
const SETTING = /(?:^|\/)(?:settings|disable)\.job$/i

/** A change, and what it is made to. */
interface Plan {
  readonly job: JobRow | null
  readonly fitting: Pending | undefined
  readonly changes: readonly DraftChange[]
}

type MakeChanges = (tree: EditedTree, isThere: boolean) => readonly DraftChange[]

/**
 * Changes of single files of jobs, as an editor makes them. They are seen at once; two seconds after the last one they
 * become a new package, made of the one that the job has. A job without a runnable script is not there, or goes on with the
 * package that it has, until there is one.
 */
export class PackageEdits {
  readonly #parts: PackageEditsParts
  readonly #files: JobFiles
  readonly #pending: PendingEdits

  constructor(parts: PackageEditsParts) {
    this.#parts = parts
    this.#files = new JobFiles(parts.services)
    this.#pending = new PendingEdits(parts, this.#files)
  }

  /** Takes up what an earlier server did not get to. */
  async open(): Promise<void> {
    await this.#pending.open()
  }

  /** Stops making packages; changes stay on the disk for the next server. */
  async stop(): Promise<void> {
    await this.#pending.stop()
  }

  /** The files of a job as they are to be, not to be changed; null when there is neither job nor draft. */
  async tree(address: EditAddress): Promise<{ readonly job: JobRow | null; readonly tree: EditedTree } | null> {
    const job = await this.#files.job(address)
    const pending = await this.#pending.fitting(address, job)
    if (job === null && pending === undefined) return null
    return { job, tree: await this.#pending.tree(job, pending) }
  }

  /** Why changes of what a job has now are no package yet, after it was tried; null when nothing stands in the way. */
  faultOf(job: JobRow): Warning | null {
    const pending = this.#pending.get(job)
    const { jobId, hash } = pending?.draft.base ?? { jobId: null, hash: null }
    return jobId === job.id && hash === job.packageHash ? (pending?.fault ?? null) : null
  }

  /** Names of jobs of a type that are not there yet, but have files already. */
  async newJobs(collectionId: string, type: string): Promise<string[]> {
    const candidates = this.#pending
      .drafts()
      .filter(
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
    await Promise.all(files.map(({ from }) => sync(from)))
    let isNew = true
    const noted = await this.#change(address, actor, (tree) => {
      const there = files[0] === undefined ? null : tree.find(tree.spell(files[0].path, this.#limits))
      check?.(there)
      isNew = there === null
      return this.#puttingAll(tree, files, folders)
    })
    const put = noted.find(({ op }) => op === 'put')
    return { isNew, file: put?.op === 'put' ? put.file : null }
  }

  /** Throws what {@link put} would throw now for one of several jobs, or for all together; changes nothing. */
  async checkPuts(batches: readonly EditBatch[]): Promise<void> {
    const wanted: Wanted[] = []
    for (const { address, files, folders } of batches) {
      const make: MakeChanges = (tree) => this.#puttingAll(tree, files, folders)
      wanted.push(wantedOf(address, await this.#pending.inTurn(address, () => this.#plan(address, make))))
    }
    checkBounds(this.#pending.drafts(), wanted, this.#limits)
  }

  get #limits() {
    return this.#parts.services.packages.limits
  }

  #puttingAll(tree: EditedTree, files: readonly EditFile[], folders: readonly string[]): DraftChange[] {
    const { fileBytes } = this.#limits
    const large = files.find(({ bytes }) => bytes > fileBytes)
    if (large !== undefined) throw tooLarge(`The file ${JSON.stringify(large.path)} is larger than ${fileBytes} bytes`)
    const made = folders.map((path) => {
      const spelled = tree.spell(path, this.#limits)
      if (tree.find(spelled)?.type === 'file') throw refused(`${JSON.stringify(spelled)} is a file.`)
      return { op: 'folder', path: spelled } as const
    })
    return [...made, ...files.map((file) => this.#putting(tree, file))]
  }

  #putting(tree: EditedTree, { path, from, ...given }: EditFile): DraftChange {
    const spelled = tree.spell(path, this.#limits)
    const there = tree.find(spelled)
    if (there?.type === 'folder') throw refused(`${JSON.stringify(spelled)} is a folder.`)
    const { executable = there?.file.executable ?? false, modified = this.#parts.services.clock.now() } = given
    const { bytes, sha256 } = given
    return { op: 'put', from, file: { path: spelled, bytes, sha256, executable, modified: Math.trunc(modified) } }
  }

  /** Makes a folder; one of a job that is not there is the beginning of that job. Throws 'data-refused' when it is there. */
  async makeFolder(address: EditAddress, path: string, actor: Actor): Promise<void> {
    await this.#change(address, actor, (tree, isThere) => {
      const spelled = path === '' ? '' : tree.spell(path, this.#limits)
      if (isThere && tree.find(spelled) !== null) {
        throw refused(`${JSON.stringify(spelled)} is there already.`)
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
        throw refused(`The folder ${JSON.stringify(there.path)} is not empty.`)
      }
      return [{ op: 'remove', path: pathOf(there) }]
    })
    // A job is not told apart from its folder: without that it is gone at once.
    if (path === '') await this.settle(address)
  }

  /** As {@link settle}, for whoever goes on in any case: what stands in the way is in the log. */
  async trySettle(address: EditAddress): Promise<void> {
    if (this.#pending.get(address) === undefined) return
    await this.#pending.inTurn(address, () => this.#pending.tryApply(address))
  }

  /** As {@link trySettle}, for whoever asks about settings: only when these are among what was changed. */
  async trySettleSettings(address: EditAddress): Promise<void> {
    const changes = this.#pending.get(address)?.draft.changes ?? []
    if (changes.some((change) => SETTING.test(change.op === 'put' ? change.file.path : change.path))) {
      await this.trySettle(address)
    }
  }

  /** Makes what was changed a package now. Throws what saving a job throws; the changes stay. */
  async settle(address: EditAddress): Promise<void> {
    if (this.#pending.get(address) === undefined) return
    await this.#pending.inTurn(address, () => this.#pending.apply(address))
  }

  /** Forgets what was changed: the job is given other files altogether. */
  async drop(address: EditAddress): Promise<void> {
    if (this.#pending.get(address) === undefined) return
    await this.#pending.inTurn(address, async () => {
      const pending = this.#pending.get(address)
      if (pending !== undefined) await this.#pending.forget(pending)
    })
  }

  /** Notes changes of a job's files, one caller after the other. */
  async #change(address: EditAddress, actor: Actor, make: MakeChanges) {
    const pending = this.#pending
    return await pending.inTurn(address, async () => {
      // A package goes on record under one name: what somebody else changed before becomes one of its own.
      const before = pending.get(address)?.draft.actor
      if (before !== undefined && before?.name !== actor.name) await pending.tryApply(address)
      const { job, fitting, changes } = await this.#plan(address, make)
      const stale = pending.get(address)
      if (fitting === undefined && stale !== undefined) await pending.forget(stale)
      return await pending.note(address, job, fitting, changes, actor)
    })
  }

  /** What is to be changed, checked. */
  async #plan(address: EditAddress, make: MakeChanges): Promise<Plan> {
    const job = await this.#files.job(address)
    await this.#files.requireOwn(address)
    const fitting = await this.#pending.fitting(address, job)
    if (job === null) checkJobName(address.name)
    const tree = (await this.#pending.tree(job, fitting)).copy()
    const changes = make(tree, job !== null || fitting !== undefined)
    for (const change of changes)
      tree.apply(change.op === 'put' ? { op: 'put', file: { ...change.file, from: '' } } : change)
    tree.checkSize(this.#limits)
    // What one name after the other did not show, such as two new names that differ in their case alone.
    if (changes.length > 1) checkParts(tree.parts(), this.#limits)
    const plan = { job, fitting, changes }
    checkBounds(this.#pending.drafts(), [wantedOf(address, plan)], this.#limits)
    return plan
  }
}

function wantedOf(address: EditAddress, { job, fitting, changes }: Plan): Wanted {
  return { address, begins: job === null && fitting === undefined, changes }
}

function refused(message: string): JobyardError {
  return new JobyardError('data-refused', message)
}
