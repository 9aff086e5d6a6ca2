import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Ids } from '../../domain/ids.ts'
import type { PackageFile } from '../../kinds/script/package-tree.ts'
import { explainFullDisk } from '../../kinds/script/system-error.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import { withoutReplaced } from './changes.ts'
import type { Change } from './edited-tree.ts'
import { flushFolder, Journal } from './journal.ts'

/** A job by its address. */
export interface EditAddress {
  readonly collectionId: string
  readonly type: string
  readonly name: string
}

/** What a draft changes: a job with its package, or a job that is not there yet. */
export interface DraftBase {
  readonly jobId: string | null
  readonly hash: string | null
}

/** The first line of a journal. */
interface Head extends EditAddress {
  readonly version: 2
  readonly base: DraftBase
}

/** Any other line: changes that count all or none, by whom, and when in epoch milliseconds. */
interface Note {
  readonly changes: readonly NotedChange[]
  readonly actor: Actor
  readonly at: number
}

/** A file's bytes are in the file that `blob` names. */
type NotedChange =
  | { readonly op: 'put'; readonly file: PackageFile; readonly blob: string }
  | Exclude<Change, { op: 'put' }>

/** A change on its way into a draft: the bytes of a file lie in a folder beside the drafts and are moved. */
export type DraftChange =
  | { readonly op: 'put'; readonly file: PackageFile; readonly from: string }
  | Exclude<Change, { op: 'put' }>

/** Changes and bytes that a draft may hold for nothing, beside as much again as it needs. */
const SPARE = { changes: 100, bytes: 1024 * 1024 }

/**
 * Changes of a job's files that are no package yet. Each is on the disk, the bytes and the line that tells of it, before
 * it counts: what was answered with success is found again after a crash.
 */
export class Draft {
  readonly folder: string
  readonly address: EditAddress
  base: DraftBase
  /** Who made the last change; null while there is none. */
  actor: Actor | null = null
  /** When the last change was made, in epoch milliseconds. */
  changedAt = 0
  readonly #ids: Ids
  readonly #journal: Journal
  #changes: Change[] = []
  #needed: Size = { changes: 0, bytes: 0 }
  #held: Size = { changes: 0, bytes: 0 }
  #begun = false

  private constructor(folder: string, { base, ...address }: EditAddress & { readonly base: DraftBase }, ids: Ids) {
    this.folder = folder
    this.address = address
    this.base = base
    this.#ids = ids
    this.#journal = new Journal(folder)
  }

  /** A draft without changes; it is on the disk from the first one on. */
  static begin(drafts: string, address: EditAddress, base: DraftBase, ids: Ids): Draft {
    const { collectionId, type, name } = address
    return new Draft(join(drafts, ids.next()), { collectionId, type, name, base }, ids)
  }

  /**
   * The draft in a folder; null for one that never had a change that counted. Throws when it cannot be read: the disk is
   * damaged, or another version of this program wrote it.
   */
  static async read(folder: string, ids: Ids): Promise<Draft | null> {
    const [head, ...notes] = await new Journal(folder).read()
    if (head === undefined || notes.length === 0) return null
    const { version, collectionId, type, name, base } = head as Head
    if (version !== 2) throw new Error(`The journal is of version ${version}.`)
    const draft = new Draft(folder, { collectionId, type, name, base }, ids)
    draft.#begun = true
    for (const note of notes as Note[]) draft.#take(note)
    await draft.#requireBlobs()
    return draft
  }

  get changes(): readonly Change[] {
    return this.#changes
  }

  /** How much it holds on the disk, in bytes. */
  get bytes(): number {
    return this.#held.bytes
  }

  /** Notes changes. When this is done, they are on the disk. Throws 'store-full'; nothing of them counts then. */
  async note(changes: readonly DraftChange[], actor: Actor, at: number): Promise<readonly Change[]> {
    try {
      if (!this.#begun) await this.#begin()
      const noted: NotedChange[] = []
      for (const change of changes) noted.push(await this.#settle(change))
      await flushFolder(this.folder)
      await this.#journal.append({ changes: noted, actor, at } satisfies Note)
      return this.#take({ changes: noted, actor, at })
    } catch (error) {
      throw explainFullDisk(error, 'the change was noted')
    }
  }

  /**
   * Drops what later changes replaced, when there is more of that than of the rest. To be called after changes were noted;
   * they count whether this throws or not.
   */
  async tidy(): Promise<void> {
    if (!this.#isWasteful() || this.actor === null) return
    const needed = withoutReplaced(this.#changes)
    this.#needed = sizeOf(needed)
    if (!this.#isWasteful()) return
    const noted = needed.map((change): NotedChange => {
      if (change.op !== 'put') return change
      const { from, ...file } = change.file
      return { op: 'put', file, blob: basename(String(from)) }
    })
    const note: Note = { changes: noted, actor: this.actor, at: this.changedAt }
    await this.#journal.replace([this.#head(), note])
    this.#changes = needed
    this.#held = this.#needed
    await this.#journal.keepOnly(blobsOf(needed))
  }

  #isWasteful(): boolean {
    const { changes, bytes } = this.#needed
    return this.#held.changes > 2 * changes + SPARE.changes || this.#held.bytes > 2 * bytes + SPARE.bytes
  }

  /** Takes the draft off the disk. */
  async remove(): Promise<void> {
    if (!this.#begun) return
    // Without its journal it is no draft, whatever becomes of the rest.
    await this.#journal.remove()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await this.#journal.replace([this.#head()])
    await flushFolder(join(this.folder, '..'))
    this.#begun = true
  }

  #head(): Head {
    return { version: 2, ...this.address, base: this.base }
  }

  async #settle(change: DraftChange): Promise<NotedChange> {
    if (change.op !== 'put') return change
    const blob = this.#ids.next()
    await rename(change.from, join(this.folder, blob))
    return { op: 'put', file: change.file, blob }
  }

  #take({ changes, actor, at }: Note): readonly Change[] {
    const taken = changes.map((change): Change => {
      if (change.op !== 'put') return change
      return { op: 'put', file: { ...change.file, from: join(this.folder, change.blob) } }
    })
    this.actor = actor
    this.changedAt = at
    this.#changes.push(...taken)
    const { changes: more, bytes } = sizeOf(taken)
    this.#held = { changes: this.#held.changes + more, bytes: this.#held.bytes + bytes }
    return taken
  }

  async #requireBlobs(): Promise<void> {
    const there = new Set(await readdir(this.folder))
    const lost = [...blobsOf(withoutReplaced(this.#changes))].find((blob) => !there.has(blob))
    if (lost !== undefined) throw new Error(`The bytes ${lost} of a change are not there.`)
    await this.#journal.keepOnly(blobsOf(this.#changes))
  }
}

interface Size {
  readonly changes: number
  readonly bytes: number
}

function sizeOf(changes: readonly Change[]): Size {
  const bytes = changes.reduce((sum, change) => sum + (change.op === 'put' ? change.file.bytes : 0), 0)
  return { changes: changes.length, bytes }
}

function blobsOf(changes: readonly Change[]): Set<string> {
  return new Set(changes.flatMap((change) => (change.op === 'put' ? [basename(String(change.file.from))] : [])))
}
