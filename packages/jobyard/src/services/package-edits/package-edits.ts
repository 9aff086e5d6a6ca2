import { join } from 'node:path'
import type { Timer } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import { tooLarge } from '../../kinds/script/archive-names.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { PackageFile } from '../../kinds/script/package-tree.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { Directory } from '../directory.ts'
import { Serial } from '../serial.ts'
import type { ApiServices } from '../services.ts'
import type { Webhooks } from '../webhooks.ts'
import { showAsItStands } from './as-it-stands.ts'
import { Draft, type DraftBase, type DraftChange, type EditAddress, sync } from './draft.ts'
import { type EditedEntry, EditedTree, pathOf } from './edited-tree.ts'

/** What edits of packages work with. */
export interface PackageEditsParts {
  readonly services: ApiServices
  readonly webhooks: Webhooks
  readonly directory: Directory
}

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

/** The kind of jobs whose packages are edited. */
const KIND = 'script'
/** How such packages came, for the list of deployments. */
const SOURCE = 'vfs'
/** Milliseconds after the last change of a job's files until they become a package. */
const GATHER_MS = 2000
/** Milliseconds until what could not be made a package is tried again. */
const AGAIN_MS = 30_000
/** Why there is no package yet: the next change may bring what is missing. */
const INCOMPLETE: ReadonlySet<string> = new Set(['script-missing', 'script-unsupported'])

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
  readonly #folder: string
  readonly #turns = new Serial()
  readonly #pending = new Map<string, Pending>()
  #stopped = false

  constructor(parts: PackageEditsParts) {
    this.#parts = parts
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
    const job = await this.#job(address)
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
    const found = await Promise.all(candidates.map(({ address }) => this.#job(address)))
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

  /** Makes what was changed a package now. */
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
      const job = await this.#job(address)
      await this.#requireOwn(address)
      const fitting = await this.#fitting(address, job)
      const stale = this.#pending.get(key)
      if (fitting === undefined && stale !== undefined) await this.#forget(key, stale)
      if (job === null) checkJobName(address.name)
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

  #begin(address: EditAddress, job: JobRow | null): Pending {
    const draft = Draft.begin(this.#folder, address, baseOf(job), this.#parts.services.ids)
    return { draft, timer: null, made: null }
  }

  /** Throws 'source-controlled'. */
  async #requireOwn({ collectionId, name }: EditAddress): Promise<void> {
    const { store, clock } = this.#parts.services
    const folder = await store.read('getWatchedFolder', { collectionId, at: clock.now() })
    if (folder === null) return
    const message = `The files of the job ${name} cannot be changed: the jobs of its collection come from the folder ${folder.path}.`
    throw new JobyardError('source-controlled', message, { data: { folder: folder.path } })
  }

  async #job({ collectionId, type, name }: EditAddress): Promise<JobRow | null> {
    const [job] = await this.#parts.services.store.read('findJobs', { collectionId, kind: KIND, type, name })
    return job ?? null
  }

  /**
   * The changes of a job that still belong to what it has. Whoever deployed it since, or made another of its name, gave it
   * other files altogether; but changes of its files that became a package elsewhere are only more of the same.
   */
  async #fitting(address: EditAddress, job: JobRow | null): Promise<Pending | undefined> {
    const pending = this.#pending.get(keyOf(address))
    if (pending === undefined) return undefined
    const { draft } = pending
    const now = baseOf(job)
    if (draft.base.jobId === now.jobId && draft.base.hash === now.hash) return pending
    if (job === null || (draft.base.jobId !== null && draft.base.jobId !== job.id)) return undefined
    const [latest] = await this.#parts.services.store.read('listDeployments', { jobId: job.id })
    if (latest?.source !== SOURCE || latest.hash !== job.packageHash) return undefined
    draft.base = now
    return pending
  }

  async #tree(job: JobRow | null, pending: Pending | undefined): Promise<EditedTree> {
    const of = job === null ? '' : `${job.id} ${job.version}`
    if (pending?.made?.of === of) return pending.made.tree
    const { packages } = this.#parts.services
    const hash = job?.packageHash ?? null
    const { files, folders } = hash === null ? { files: [], folders: [] } : await packages.tree(hash)
    const tree = new EditedTree(
      files.map((file) => ({ ...file, from: packages.pathOf(hash ?? '', file.path) })),
      folders,
    )
    if (job !== null && hash !== null) {
      const { script } = await packages.describe(hash)
      showAsItStands(tree, script?.directory ?? '', job)
    }
    for (const change of pending?.draft.changes ?? []) tree.apply(change)
    if (pending !== undefined) pending.made = { of, tree }
    return tree
  }

  #schedule(pending: Pending, delay: number): void {
    const { clock, logger } = this.#parts.services
    const { address } = pending.draft
    pending.timer?.cancel()
    if (this.#stopped) return
    pending.timer = clock.after(delay, () => {
      pending.timer = null
      this.settle(address).catch((err: unknown) => {
        const { type, name } = address
        logger.warn({ err, type, job: name }, 'changed files did not become a package; they will be tried again')
        this.#schedule(pending, AGAIN_MS)
      })
    })
  }

  async #apply(key: string): Promise<void> {
    const pending = this.#pending.get(key)
    if (pending === undefined || this.#stopped) return
    const { address, actor } = pending.draft
    pending.timer?.cancel()
    for (;;) {
      const job = await this.#job(address)
      const fitting = await this.#fitting(address, job)
      if (fitting === undefined || actor === null) return await this.#forget(key, pending)
      const tree = await this.#tree(job, fitting)
      if (tree.isGone) {
        if (job !== null) await this.#deleteJob(job, actor)
      } else {
        const saved = await this.#save(address, job, tree, actor)
        if (saved === 'incomplete') return
        if (saved === 'overtaken') continue
      }
      return await this.#forget(key, pending)
    }
  }

  async #save(
    address: EditAddress,
    job: JobRow | null,
    tree: EditedTree,
    actor: Actor,
  ): Promise<'saved' | 'incomplete' | 'overtaken'> {
    const { webhooks, services, directory } = this.#parts
    try {
      const { hash, disabled } = await services.packages.receiveParts(tree.parts())
      const enabled = address.type === 'continuous' ? { enabled: !disabled } : {}
      if (job !== null && isAsWanted(job, hash, enabled.enabled)) return 'saved'
      const target = { ...address, name: job?.name ?? address.name, kind: KIND, ...enabled }
      const input = { ...target, packageHash: hash, source: SOURCE, spec: { ownSettings: null } }
      return await webhooks.takeTurn(input, async () => {
        const now = await this.#job(address)
        if (now?.id !== job?.id || now?.packageHash !== job?.packageHash) return 'overtaken'
        const expected = job === null ? 'new' : 'existing'
        const saved = await services.jobs.save(input, expected, actor)
        directory.remember(saved.job)
        return 'saved'
      })
    } catch (error) {
      if (error instanceof JobyardError && INCOMPLETE.has(error.code)) return 'incomplete'
      throw error
    }
  }

  async #deleteJob({ id, name }: JobRow, actor: Actor): Promise<void> {
    try {
      await this.#parts.services.engine.deleteJob(id, name, actor)
    } catch (error) {
      if (!(error instanceof JobyardError) || error.code !== 'job-unknown') throw error
    }
  }

  async #forget(key: string, pending: Pending): Promise<void> {
    pending.timer?.cancel()
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
    await pending.draft.remove()
  }
}

/** Whether a job has all that its files say: so it is when a server died behind the save, and when nothing was changed. */
function isAsWanted(job: JobRow, hash: string, enabled = job.enabled): boolean {
  const { ownSettings } = job.spec as { readonly ownSettings?: string }
  return job.packageHash === hash && ownSettings === undefined && job.enabled === enabled
}

function baseOf(job: JobRow | null): DraftBase {
  return { jobId: job?.id ?? null, hash: job?.packageHash ?? null }
}

function keyOf({ collectionId, type, name }: EditAddress): string {
  return `${collectionId}/${type}/${name.toLowerCase()}`
}
