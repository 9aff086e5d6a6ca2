import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'
import type { ListenedFolder } from './folder-watch.ts'

/** The types of jobs, as their folders are called. */
export type FolderJobType = 'triggered' | 'continuous'

/** A job's folder in a watched one. */
export interface FolderJob {
  readonly type: FolderJobType
  /** As the folder is called. */
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/** What lies in a watched folder. */
export interface FoundJobs {
  /**
   * False when the folder cannot be read or has nothing in it at all: so does one look whose disk is not there, and that
   * must not pass for one from which all jobs were taken away.
   */
  readonly isThere: boolean
  readonly jobs: readonly FolderJob[]
  /** Types of which not all jobs are known, because a folder above them cannot be read. */
  readonly closed: ReadonlySet<string>
  /** The folders above those of jobs that there are; for whoever listens to them. */
  readonly above: readonly ListenedFolder[]
  /** What cannot be a job, or cannot be read, with the reason. */
  readonly problems: readonly FolderProblem[]
}

/** Where jobs lie below the watched folder, in the order in which a name is looked for; in any case of their letters. */
const PLACES = [
  ['site', 'wwwroot', 'App_Data', 'jobs'],
  ['App_Data', 'jobs'],
] as const
const WEB_ROOT = ['site', 'wwwroot'] as const
const TYPES = ['triggered', 'continuous'] as const

/** What says that a folder cannot be read, instead of where it is. */
const CLOSED = Symbol('closed')

/** Finds the jobs of a watched folder. What cannot be read of it is told, and keeps nobody from the rest. */
export async function findJobs(folder: string): Promise<FoundJobs> {
  const search = new Search()
  await search.listenAbove(folder)
  const isThere = !(await isEmpty(folder))
  if (isThere) await search.run(folder)
  return { isThere, ...search.found() }
}

/** The folder of the web site in a watched folder: `site/wwwroot`, in any case; where there is none, the folder itself. */
export async function findWebRoot(folder: string): Promise<string> {
  const found = await new Search().descend(folder, WEB_ROOT)
  // What cannot be looked into has none for its jobs either; the look for jobs tells of it.
  return typeof found === 'string' ? found : folder
}

/** So is one that cannot be read. */
async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0
  } catch (error) {
    if (!isSystemError(error)) throw error
    return true
  }
}

/** One look for the jobs of a folder. */
class Search {
  readonly #jobs: FolderJob[] = []
  readonly #problems: FolderProblem[] = []
  readonly #closed = new Set<FolderJobType>()
  readonly #taken = new Map<string, string>()
  readonly #above = new Map<string, { readonly identity: string; readonly names: Set<string> | undefined }>()

  found(): Omit<FoundJobs, 'isThere'> {
    const above = [...this.#above].map(([path, { identity, names }]) => ({
      path,
      identity,
      ...(names === undefined ? {} : { names }),
    }))
    return { jobs: this.#jobs, problems: this.#problems, closed: this.#closed, above }
  }

  /** Notes what lies above the watched folder: it may be put in its place as a whole. */
  async listenAbove(folder: string): Promise<void> {
    await this.#listen(dirname(folder), basename(folder))
  }

  async run(folder: string): Promise<void> {
    for (const place of PLACES) {
      const root = await this.descend(folder, place)
      // What lies further down the list may be hidden by what cannot be seen here.
      if (root === CLOSED) for (const type of TYPES) this.#closed.add(type)
      if (typeof root !== 'string') continue
      for (const type of TYPES) if (!this.#closed.has(type)) await this.#takeType(root, type)
    }
  }

  async #takeType(root: string, type: FolderJobType): Promise<void> {
    const path = await this.descend(root, [type])
    if (path === undefined) return
    const entries = path === CLOSED ? CLOSED : await this.#list(path)
    if (path === CLOSED || entries === CLOSED) {
      this.#closed.add(type)
      return
    }
    await this.#listen(path)
    for (const entry of entries) this.#take({ type, name: entry.name, path: join(path, entry.name) }, entry)
  }

  #take(job: FolderJob, entry: Dirent): void {
    if (entry.isSymbolicLink()) {
      this.#refuse(job.path, 'It is a link; links are not followed.')
      return
    }
    // Files beside the folders of jobs, such as a README, are nobody's business.
    if (!entry.isDirectory()) return
    // Nothing can be opened by such a name: it stands for bytes that are no Unicode text.
    if (job.name.includes('\u{fffd}')) {
      this.#refuse(job.path, 'Its name is not valid Unicode.')
      return
    }
    const key = `${job.type}/${job.name.toLowerCase()}`
    const other = this.#taken.get(key)
    if (other !== undefined) {
      this.#refuse(job.path, `${other} is the same job.`)
      return
    }
    this.#taken.set(key, job.path)
    this.#jobs.push(job)
  }

  /** Goes down by names in any case; undefined when there is no such folder. */
  async descend(from: string, names: readonly string[]): Promise<string | typeof CLOSED | undefined> {
    let at = from
    for (const name of names) {
      await this.#listen(at, name)
      const entries = await this.#list(at)
      if (entries === CLOSED) return CLOSED
      const [found, ...others] = entries.filter((entry) => entry.name.toLowerCase() === name.toLowerCase())
      if (found === undefined) return undefined
      at = join(at, found.name)
      for (const other of others) this.#refuse(join(at, '..', other.name), `${at} counts instead.`)
      if (found.isDirectory()) continue
      if (found.isSymbolicLink()) this.#refuse(at, 'It is a link; links are not followed.')
      return undefined
    }
    return at
  }

  /** The entries of a folder by name; none when it is gone meanwhile. One that is closed says nothing of what is in it. */
  async #list(folder: string): Promise<readonly Dirent[] | typeof CLOSED> {
    try {
      const entries = await readdir(folder, { withFileTypes: true })
      return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
      if (!(error instanceof Error && isSystemError(error))) throw error
      this.#refuse(folder, `It cannot be read: ${error.message}. Jobs that came from it stay as they are.`)
      return CLOSED
    }
  }

  #refuse(path: string, message: string): void {
    if (!this.#problems.some((known) => known.path === path)) this.#problems.push({ path, message })
  }

  /** Notes a folder to be listened to; `name` is the only entry in it that is of interest, besides those noted before. */
  async #listen(path: string, name?: string): Promise<void> {
    const known = this.#above.get(path)
    if (known !== undefined && name !== undefined) {
      known.names?.add(name.toLowerCase())
      return
    }
    try {
      const { dev, ino } = await stat(path)
      const names = name === undefined ? undefined : new Set([name.toLowerCase()])
      this.#above.set(path, { identity: `${dev} ${ino}`, names })
    } catch (error) {
      // It is gone, or lies where nothing can be seen: then it cannot be listened to either.
      if (!isSystemError(error)) throw error
    }
  }
}
