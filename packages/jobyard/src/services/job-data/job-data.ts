import { type BigIntStats, existsSync } from 'node:fs'
import { chmod, chown, type FileHandle, mkdir, open, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { JobRow } from '../../domain/model.ts'
import type { JobsUser } from '../../kinds/script/run-as.ts'
import { explainFullDisk, isSystemError } from '../../kinds/script/system-error.ts'
import type { Actor, AuditEntry } from '../../store/procedures/audit.ts'
import { streamOf } from '../file-stream.ts'
import { Serial } from '../serial.ts'
import { isPart, MOST_PARTS } from '../site-path.ts'
import { Uploads } from '../uploads.ts'
import { type DataEntry, type DataFile, entryOf } from './entry.ts'
import { enter, type HeldFolder, lookAt } from './ground.ts'

/** Where jobs keep what they want to keep; workspaces have them. */
export interface LastingFolders {
  /** Absolute; a folder of the server, in which each job has one called by its id, also the server's. */
  readonly folder: string
  readonly user: JobsUser
  /** Makes a job's lasting folders, if they are not there. */
  ensure(jobId: string): Promise<void>
  /** Takes a folder away, at once; what is in it, no matter what, goes later. */
  discard(path: string): Promise<void>
}

/** Whose data it is. */
export type DataOwner = Pick<JobRow, 'id' | 'name' | 'collectionId'>

/** Puts a change on record. */
export type DataNote = (entry: AuditEntry) => Promise<void>

/** Told what is there before it is changed, or null; refuses the change by throwing. */
export type DataCheck = (there: DataFile | null) => void

/** Where files on their way in lie, beside the folders of jobs, so that a rename brings them to their place. */
const INCOMING = '.incoming'

/**
 * The data folders of jobs, seen from outside. What lies in them belongs to the jobs, which may put links, pipes and
 * devices there and exchange things at any moment: nothing but regular files and folders is ever read, listed, written or
 * taken away here, and no link is followed, neither on the way nor at the end.
 */
export class JobData {
  readonly #lasting: LastingFolders
  readonly #ids: Ids
  readonly #uploads: Uploads
  readonly #note: DataNote
  readonly #turns = new Serial()

  /** `limit`: the largest file that is taken in, in bytes. */
  constructor(lasting: LastingFolders, ids: Ids, limit: number, note: DataNote) {
    this.#note = note
    this.#lasting = lasting
    this.#ids = ids
    this.#uploads = new Uploads(join(lasting.folder, INCOMING), ids, limit)
  }

  /** Removes what a crash left half done. To be called once, before anything else. */
  async open(): Promise<void> {
    await this.#uploads.open()
  }

  /**
   * Whether something of this name lies at the top of a job's data. For whole lists: at once, and without a look at what it
   * is.
   */
  has(jobId: string, name: string): boolean {
    return existsSync(join(this.#lasting.folder, jobId, 'data', name))
  }

  /** What is at a path; null when nothing is, or nothing that is shown. */
  async look(jobId: string, parts: readonly string[]): Promise<DataEntry | null> {
    const name = parts.at(-1)
    await using folder = await this.#enter(jobId, parts.slice(0, -1))
    if (folder === null || name === undefined) return null
    return this.#show(name, await lookAt(folder.at(name)))
  }

  /** What lies in a folder, by name; nothing when there is no such folder. What no path can name is left out. */
  async *list(jobId: string, parts: readonly string[]): AsyncGenerator<DataEntry> {
    await using folder = parts.length >= MOST_PARTS ? null : await this.#enter(jobId, parts)
    if (folder === null) return
    for (const name of (await folder.names()).filter(isPart).toSorted()) {
      const entry = this.#show(name, await lookAt(folder.at(name)))
      if (entry !== null) yield entry
    }
  }

  /** A part of a file's bytes. Throws 'data-unknown'. */
  async read(
    jobId: string,
    parts: readonly string[],
    range: { readonly from: number; readonly to: number },
  ): Promise<ReadableStream<Uint8Array>> {
    return streamOf(await this.#openFile(jobId, parts), range)
  }

  async #openFile(jobId: string, parts: readonly string[]): Promise<FileHandle> {
    const name = parts.at(-1)
    await using folder = await this.#enter(jobId, parts.slice(0, -1))
    const handle = folder === null || name === undefined ? null : await folder.openFile(name)
    if (handle === null) throw unknown(parts)
    if (this.#mayShow(await handle.stat({ bigint: true }))) return handle
    await handle.close()
    throw unknown(parts)
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
      await this.#prepare(path)
      return await this.#turns.run(jobId, async () => {
        await using folder = await this.#enterMaking(jobId, parts.slice(0, -1))
        const there = await lookAt(folder.at(name))
        if (there !== null && !there.isFile()) throw refused(parts, 'Something is there that is no file')
        check?.(this.#file(name, there))
        try {
          await rename(path, folder.at(name))
        } catch (error) {
          throw explain(error, parts)
        }
        await folder.flush()
        const file = this.#file(name, await lookAt(folder.at(name)))
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
      if ((await this.look(jobId, parts)) !== null) throw refused(parts, 'Something is there')
      await using folder = await this.#enterMaking(jobId, parts)
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
      await using folder = await this.#enter(jobId, parts.slice(0, -1))
      const there = folder === null ? null : this.#show(name, await lookAt(folder.at(name)))
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

  #enter(jobId: string, parts: readonly string[]): Promise<HeldFolder | null> {
    return enter(this.#lasting.folder, [jobId, 'data', ...parts])
  }

  async #enterMaking(jobId: string, parts: readonly string[]): Promise<HeldFolder> {
    await this.#lasting.ensure(jobId)
    for (let depth = 1; depth <= parts.length; depth++) await this.#makePart(jobId, parts.slice(0, depth))
    const folder = await this.#enter(jobId, parts)
    if (folder === null) throw refused(parts, 'Something is there that is no folder')
    return folder
  }

  async #makePart(jobId: string, parts: readonly string[]): Promise<void> {
    const name = parts.at(-1) ?? ''
    await using above = await this.#enter(jobId, parts.slice(0, -1))
    if (above === null) throw refused(parts.slice(0, -1), 'Something is there that is no folder')
    const there = await lookAt(above.at(name))
    if (there?.isDirectory() === true) return
    if (there !== null) throw refused(parts, 'Something is there that is no folder')
    const made = join(this.#lasting.folder, INCOMING, this.#ids.next())
    try {
      // It changes hands where no job comes to, so that nothing else can be put in its place meanwhile.
      await mkdir(made, { mode: 0o755 })
      await chmod(made, 0o755)
      await this.#give(made)
      await rename(made, above.at(name))
    } catch (error) {
      if (!isSystemError(error, 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EPERM', 'EACCES'))
        throw explainFullDisk(error, 'it was made')
      await rm(made, { recursive: true, force: true })
    }
  }

  /** Makes a file that is still on its way in the job's. */
  async #prepare(path: string): Promise<void> {
    await using handle = await open(path, 'r+')
    await handle.chmod(0o644)
    await handle.sync()
    await this.#give(path)
  }

  async #give(path: string): Promise<void> {
    const { own, uid, gid } = this.#lasting.user
    if (!own) await chown(path, uid, gid)
  }

  #show(name: string, stats: BigIntStats | null): DataEntry | null {
    return stats === null || !this.#mayShow(stats) ? null : entryOf(name, stats)
  }

  #file(name: string, stats: BigIntStats | null): DataFile | null {
    const entry = this.#show(name, stats)
    return entry?.type === 'file' ? entry : null
  }

  /** A further name of a file can be made by whoever may not read it, on some systems: it is shown to nobody. */
  #mayShow(stats: BigIntStats): boolean {
    if (stats.isDirectory()) return true
    const { own, uid } = this.#lasting.user
    return stats.isFile() && (own || stats.uid === BigInt(uid) || stats.nlink === 1n)
  }
}

function unknown(parts: readonly string[]): JobyardError {
  return new JobyardError('data-unknown', `There is no ${shown(parts)} in the data of the job.`, { field: 'path' })
}

function refused(parts: readonly string[], why: string): JobyardError {
  return new JobyardError('data-refused', `${shown(parts)} cannot be changed in this way. ${why}.`, { field: 'path' })
}

function explain(error: unknown, parts: readonly string[]): unknown {
  if (isSystemError(error, 'ENOTEMPTY', 'EEXIST')) return refused(parts, 'The folder is not empty')
  if (isSystemError(error, 'ENOENT')) return unknown(parts)
  if (isSystemError(error, 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM', 'EBUSY'))
    return refused(parts, 'The job does not let it')
  return error
}

function shown(parts: readonly string[]): string {
  return JSON.stringify(parts.join('/'))
}
