import { lstatSync } from 'node:fs'
import { rename, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Ids } from '../../domain/ids.ts'
import type { JobRow } from '../../domain/model.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { Actor, AuditEntry } from '../../store/procedures/audit.ts'
import { Serial } from '../serial.ts'
import { Uploads } from '../uploads.ts'
import { DataFolders, type DataRange, type HeldData, INCOMING, type LastingFolders } from './data-folders.ts'
import type { DataEntry, DataFile } from './entry.ts'
import { lookAt } from './ground.ts'
import { explain, refused, unknown } from './refusals.ts'

/** Whose data it is. */
export type DataOwner = Pick<JobRow, 'id' | 'name' | 'collectionId'>

/** Puts a change on record. */
export type DataNote = (entry: AuditEntry) => Promise<void>

/** Told what is there before it is changed, or null; refuses the change by throwing. */
export type DataCheck = (there: DataFile | null) => void

/**
 * The data folders of jobs, seen from outside. What lies in them belongs to the jobs, which may put links, pipes and
 * devices there and exchange things at any moment: nothing but regular files and folders is ever read, listed, written or
 * taken away here, and no link is followed, neither on the way nor at the end.
 */
export class JobData {
  readonly #lasting: LastingFolders
  readonly #folders: DataFolders
  readonly #uploads: Uploads
  readonly #note: DataNote
  readonly #turns = new Serial()

  /** `limit`: the largest file that is taken in, in bytes. */
  constructor(lasting: LastingFolders, ids: Ids, limit: number, note: DataNote) {
    this.#note = note
    this.#lasting = lasting
    this.#folders = new DataFolders(lasting, ids)
    this.#uploads = new Uploads(join(lasting.folder, INCOMING), ids, limit)
  }

  /** Removes what a crash left half done. To be called once, before anything else. */
  async open(): Promise<void> {
    await this.#uploads.open()
  }

  /** Whether a file of this name lies at the top of a job's data; no link is followed. For whole lists: at once. */
  has(jobId: string, name: string): boolean {
    try {
      const there = lstatSync(join(this.#lasting.folder, jobId, 'data', name), { throwIfNoEntry: false })
      return there?.isFile() === true
    } catch (error) {
      // The job lets nobody look.
      if (isSystemError(error)) return false
      throw error
    }
  }

  /** What is at a path; null when nothing is, or nothing that is shown. */
  look(jobId: string, parts: readonly string[]): Promise<DataEntry | null> {
    return this.#folders.look(jobId, parts)
  }

  /** What lies in a folder, by name; nothing when there is no such folder. What no path can name is left out. */
  list(jobId: string, parts: readonly string[]): AsyncGenerator<DataEntry> {
    return this.#folders.list(jobId, parts)
  }

  /** A part of a file's bytes. Throws 'data-unknown'. */
  read(jobId: string, parts: readonly string[], range: DataRange): Promise<ReadableStream<Uint8Array>> {
    return this.#folders.read(jobId, parts, range)
  }

  /** Opens a file, and tells of what was opened, whatever takes its place meanwhile. Throws 'data-unknown'. */
  hold(jobId: string, parts: readonly string[]): Promise<HeldData> {
    return this.#folders.hold(jobId, parts)
  }

  /** Throws 'data-refused' where a file or folder could not be put, as things are now. */
  async checkPut(owner: DataOwner, parts: readonly string[], type: DataEntry['type']): Promise<void> {
    for (let depth = 1; depth <= parts.length; depth++) {
      const wanted = depth < parts.length ? 'folder' : type
      const path = parts.slice(0, depth)
      const there = await this.#folders.typeAt(owner.id, path)
      if (there === null) return
      if (there !== wanted) throw refused(path, `Something is there that is no ${wanted}`)
    }
  }

  /**
   * Puts a file in its place when all of it is there, and makes the folders above it. Throws 'data-refused' where something
   * else is, 'body-too-large', 'store-full', 'input-invalid' when the sender breaks off, and what `check` throws.
   */
  async put(
    owner: DataOwner,
    parts: readonly string[],
    body: Readable,
    actor: Actor,
    { declared, check }: { readonly declared?: number | undefined; readonly check?: DataCheck } = {},
  ): Promise<{ readonly file: DataFile; readonly isNew: boolean }> {
    const name = parts.at(-1)
    if (name === undefined) throw refused(parts, 'It is a folder')
    const jobId = owner.id
    const put = await this.#uploads.receive(body, declared, async ({ path }) => {
      await this.#folders.prepare(path)
      return await this.#turns.run(jobId, async () => {
        await using folder = await this.#folders.enterMaking(jobId, parts.slice(0, -1))
        const there = await lookAt(folder.at(name))
        if (there !== null && !there.isFile()) throw refused(parts, 'Something is there that is no file')
        check?.(this.#folders.file(name, there))
        try {
          await rename(path, folder.at(name))
        } catch (error) {
          throw explain(error, parts)
        }
        await folder.flush()
        const file = this.#folders.file(name, await lookAt(folder.at(name)))
        if (file === null) throw refused(parts, 'The job took it away at once')
        return { file, isNew: there === null }
      })
    })
    await this.#tell(owner, 'data.put', parts, actor)
    return put
  }

  /** Makes a folder and those above it. Throws 'data-refused' where something is already. */
  async makeFolder(owner: DataOwner, parts: readonly string[], actor: Actor): Promise<void> {
    const jobId = owner.id
    await this.#turns.run(jobId, async () => {
      if ((await this.#folders.look(jobId, parts)) !== null) throw refused(parts, 'Something is there')
      await using folder = await this.#folders.enterMaking(jobId, parts)
      await folder.flush()
    })
    await this.#tell(owner, 'data.put', parts, actor)
  }

  /** Takes a file or folder away; a folder that is not empty only when it is said so. Throws 'data-unknown', 'data-refused'. */
  async remove(
    owner: DataOwner,
    parts: readonly string[],
    actor: Actor,
    { recursive = false, check }: { readonly recursive?: boolean; readonly check?: DataCheck } = {},
  ): Promise<void> {
    const jobId = owner.id
    const name = parts.at(-1)
    if (name === undefined) throw refused(parts, "It is the job's own folder")
    await this.#turns.run(jobId, async () => {
      await using folder = await this.#folders.enter(jobId, parts.slice(0, -1))
      const there = folder === null ? null : this.#folders.show(name, await lookAt(folder.at(name)))
      if (folder === null || there === null) throw unknown(parts)
      try {
        if (there.type === 'file') {
          check?.(there)
          await unlink(folder.at(name))
        } else if (recursive) await this.#lasting.discard(folder.at(name))
        else await rmdir(folder.at(name))
      } catch (error) {
        throw explain(error, parts)
      }
      await folder.flush()
    })
    await this.#tell(owner, 'data.delete', parts, actor)
  }

  async #tell({ id, name, collectionId }: DataOwner, action: string, parts: readonly string[], actor: Actor) {
    const target = { targetType: 'job', targetId: id, targetName: name, collectionId }
    await this.#note({ actor, action, ...target, detail: { path: parts.join('/') } })
  }
}
