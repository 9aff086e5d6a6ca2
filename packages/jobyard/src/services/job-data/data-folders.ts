import type { BigIntStats } from 'node:fs'
import { chmod, chown, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ids } from '../../domain/ids.ts'
import type { JobsUser } from '../../kinds/script/run-as.ts'
import { explainFullDisk, isSystemError } from '../../kinds/script/system-error.ts'
import { streamOf } from '../file-stream.ts'
import { isPart, MOST_PARTS } from '../site-path.ts'
import { type DataEntry, type DataFile, entryOf } from './entry.ts'
import { enter, type HeldFolder, lookAt } from './ground.ts'
import { refused, unknown } from './refusals.ts'

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

/** Bytes of a file from `from` on and before `to`. */
export interface DataRange {
  readonly from: number
  readonly to: number
}

/** A file that was opened. It is closed at the end, unless it is read: then with the stream, of which there is one at most. */
export interface HeldData extends AsyncDisposable {
  readonly file: DataFile
  read(range: DataRange): Promise<ReadableStream<Uint8Array>>
}

/** Where files on their way in lie, beside the folders of jobs, so that a rename brings them to their place. */
export const INCOMING = '.incoming'

/**
 * What is on the disk in the data folders of jobs. Nothing but regular files and folders is shown, and no link is followed,
 * neither on the way nor at the end.
 */
export class DataFolders {
  readonly #lasting: LastingFolders
  readonly #ids: Ids

  constructor(lasting: LastingFolders, ids: Ids) {
    this.#lasting = lasting
    this.#ids = ids
  }

  /** What is at a path; null when nothing is, or nothing that is shown. */
  async look(jobId: string, parts: readonly string[]): Promise<DataEntry | null> {
    const name = parts.at(-1)
    await using folder = await this.enter(jobId, parts.slice(0, -1))
    if (folder === null || name === undefined) return null
    return this.show(name, await lookAt(folder.at(name)))
  }

  /** What kind of thing lies at a path, shown or not; null when nothing does. */
  async typeAt(jobId: string, parts: readonly string[]): Promise<DataEntry['type'] | 'other' | null> {
    const name = parts.at(-1)
    await using folder = await this.enter(jobId, parts.slice(0, -1))
    const stats = folder === null || name === undefined ? null : await lookAt(folder.at(name))
    if (stats === null) return null
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
  }

  /** What lies in a folder, by name; nothing when there is no such folder. What no path can name is left out. */
  async *list(jobId: string, parts: readonly string[]): AsyncGenerator<DataEntry> {
    await using folder = parts.length >= MOST_PARTS ? null : await this.enter(jobId, parts)
    if (folder === null) return
    for (const name of (await folder.names()).filter(isPart).toSorted()) {
      const entry = this.show(name, await lookAt(folder.at(name)))
      if (entry !== null) yield entry
    }
  }

  /** A part of a file's bytes. Throws 'data-unknown'. */
  async read(jobId: string, parts: readonly string[], range: DataRange): Promise<ReadableStream<Uint8Array>> {
    await using held = await this.hold(jobId, parts)
    return await held.read(range)
  }

  /** Opens a file, and tells of what was opened, whatever takes its place meanwhile. Throws 'data-unknown'. */
  async hold(jobId: string, parts: readonly string[]): Promise<HeldData> {
    const name = parts.at(-1)
    await using folder = await this.enter(jobId, parts.slice(0, -1))
    const handle = folder === null || name === undefined ? null : await folder.openFile(name)
    if (handle === null || name === undefined) throw unknown(parts)
    let isTaken = false
    const letGo = async () => {
      if (!isTaken) await handle.close()
    }
    try {
      const file = this.file(name, await handle.stat({ bigint: true }))
      if (file === null) throw unknown(parts)
      const read = async (range: DataRange) => {
        isTaken = true
        return streamOf(handle, range)
      }
      return { file, read, [Symbol.asyncDispose]: letGo }
    } catch (error) {
      await letGo()
      throw error
    }
  }

  /** A folder in a job's data folder; null when there is none. */
  enter(jobId: string, parts: readonly string[]): Promise<HeldFolder | null> {
    return enter(this.#lasting.folder, [jobId, 'data', ...parts])
  }

  /** A folder in a job's data folder, made where it is not there. Throws 'data-refused'. */
  async enterMaking(jobId: string, parts: readonly string[]): Promise<HeldFolder> {
    await this.#lasting.ensure(jobId)
    for (let depth = 1; depth <= parts.length; depth++) await this.#makePart(jobId, parts.slice(0, depth))
    const folder = await this.enter(jobId, parts)
    if (folder === null) throw refused(parts, 'Something is there that is no folder')
    return folder
  }

  async #makePart(jobId: string, parts: readonly string[]): Promise<void> {
    const name = parts.at(-1) ?? ''
    await using above = await this.enter(jobId, parts.slice(0, -1))
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
  async prepare(path: string): Promise<void> {
    await using handle = await open(path, 'r+')
    await handle.chmod(0o644)
    await handle.sync()
    await this.#give(path)
  }

  async #give(path: string): Promise<void> {
    const { own, uid, gid } = this.#lasting.user
    if (!own) await chown(path, uid, gid)
  }

  /** What is shown of something; null when it is not shown. */
  show(name: string, stats: BigIntStats | null): DataEntry | null {
    return stats === null || !this.#mayShow(stats) ? null : entryOf(name, stats)
  }

  /** As {@link show}, of files alone. */
  file(name: string, stats: BigIntStats | null): DataFile | null {
    const entry = this.show(name, stats)
    return entry?.type === 'file' ? entry : null
  }

  /** A further name of a file can be made by whoever may not read it, on some systems: it is shown to nobody. */
  #mayShow(stats: BigIntStats): boolean {
    if (stats.isDirectory()) return true
    const { own, uid } = this.#lasting.user
    return stats.isFile() && (own || stats.uid === BigInt(uid) || stats.nlink === 1n)
  }
}
