import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ids } from '../../domain/ids.ts'
import type { PackageFile } from '../../kinds/script/package-tree.ts'
import { explainFullDisk, isSystemError } from '../../kinds/script/system-error.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { Change } from './edited-tree.ts'

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
  readonly version: 1
  readonly base: DraftBase
}

/** Any other line: one change, and by whom. A file's bytes are in the file that `blob` names. */
type Line =
  | { readonly op: 'put'; readonly file: PackageFile; readonly blob: string; readonly actor: Actor }
  | { readonly op: 'folder' | 'remove'; readonly path: string; readonly actor: Actor }

/** A change on its way into a draft: the bytes of a file lie in a folder beside the drafts and are moved. */
export type DraftChange =
  | { readonly op: 'put'; readonly file: PackageFile; readonly from: string }
  | Exclude<Change, { op: 'put' }>

const JOURNAL = 'journal.jsonl'

/**
 * Changes of a job's files that are no package yet. Each is on the disk, the bytes and the line that tells of it, before
 * it counts: what was answered with success is found again after a crash.
 */
export class Draft {
  readonly folder: string
  readonly address: EditAddress
  base: DraftBase
  readonly changes: Change[]
  actor: Actor | null
  readonly #ids: Ids
  #begun: boolean

  private constructor(folder: string, { base, ...address }: EditAddress & { readonly base: DraftBase }, ids: Ids) {
    this.folder = folder
    this.address = address
    this.base = base
    this.changes = []
    this.actor = null
    this.#ids = ids
    this.#begun = false
  }

  /** A draft without changes; it is on the disk from the first one on. */
  static begin(drafts: string, address: EditAddress, base: DraftBase, ids: Ids): Draft {
    const { collectionId, type, name } = address
    return new Draft(join(drafts, ids.next()), { collectionId, type, name, base }, ids)
  }

  /** The drafts that an earlier server left. One whose first line is not whole never had a change that counted. */
  static async findAll(drafts: string, ids: Ids): Promise<Draft[]> {
    const found: Draft[] = []
    for (const name of await namesIn(drafts)) {
      const folder = join(drafts, name)
      const draft = await Draft.#read(folder, ids)
      if (draft === null) await rm(folder, { recursive: true, force: true })
      else found.push(draft)
    }
    return found
  }

  static async #read(folder: string, ids: Ids): Promise<Draft | null> {
    const [head, ...rest] = readLines(await textOf(join(folder, JOURNAL)))
    if (head === undefined || rest.length === 0) return null
    const { version: _, ...said } = head as Head
    const draft = new Draft(folder, said, ids)
    draft.#begun = true
    for (const line of rest as Line[]) draft.#take(line)
    return draft
  }

  /** Notes changes. When this is done, they are on the disk. Throws 'store-full'; nothing of them counts then. */
  async note(changes: readonly DraftChange[], actor: Actor): Promise<readonly Change[]> {
    try {
      if (!this.#begun) await this.#begin()
      const lines: Line[] = []
      for (const change of changes) lines.push(await this.#settle(change, actor))
      await flushFolder(this.folder)
      await append(join(this.folder, JOURNAL), lines)
      const before = this.changes.length
      for (const line of lines) this.#take(line)
      return this.changes.slice(before)
    } catch (error) {
      throw explainFullDisk(error, 'the change was noted')
    }
  }

  /** Takes the draft off the disk. */
  async remove(): Promise<void> {
    if (!this.#begun) return
    // Without its journal it is no draft, whatever becomes of the rest.
    await rm(join(this.folder, JOURNAL), { force: true })
    await rm(this.folder, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    const head: Head = { version: 1, ...this.address, base: this.base }
    await append(join(this.folder, JOURNAL), [head])
    await flushFolder(join(this.folder, '..'))
    this.#begun = true
  }

  async #settle(change: DraftChange, actor: Actor): Promise<Line> {
    if (change.op !== 'put') return { ...change, actor }
    const blob = this.#ids.next()
    await rename(change.from, join(this.folder, blob))
    return { op: 'put', file: change.file, blob, actor }
  }

  #take(line: Line): void {
    this.actor = line.actor
    if (line.op === 'put') this.changes.push({ op: 'put', file: { ...line.file, from: join(this.folder, line.blob) } })
    else this.changes.push({ op: line.op, path: line.path })
  }
}

/**
 * The lines of a journal. What stands behind the last line's end was being written when the server died, and nobody was
 * told that it counts; neither does what comes after a line that cannot be read, on a disk that is damaged.
 */
function readLines(text: string): unknown[] {
  const read: unknown[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      read.push(JSON.parse(line))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return read
    }
  }
  return read
}

/** Brings a file to the disk. */
export async function sync(path: string): Promise<void> {
  await using handle: FileHandle = await open(path, 'r+')
  await handle.sync()
}

async function append(path: string, lines: readonly object[]): Promise<void> {
  await using handle = await open(path, 'a', 0o600)
  const { size } = await handle.stat()
  try {
    await handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await handle.sync()
  } catch (error) {
    // Half a line must not stand before the next one.
    await handle.truncate(size)
    throw error
  }
}

async function flushFolder(path: string): Promise<void> {
  // Windows cannot open folders to flush them.
  if (process.platform === 'win32') return
  await using handle = await open(path, 'r')
  await handle.sync()
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return ''
    throw error
  }
}
