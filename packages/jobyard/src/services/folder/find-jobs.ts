import { constants, type Dirent } from 'node:fs'
import { access, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'

/** A job's folder in a watched one. */
export interface FolderJob {
  readonly type: 'triggered' | 'continuous'
  /** As the folder is called. */
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/** What lies in a watched folder. */
export interface FoundJobs {
  readonly jobs: readonly FolderJob[]
  /** The folders `jobs` that were looked into, absolute; for whoever watches them. */
  readonly roots: readonly string[]
  /** What cannot be a job, with the reason. */
  readonly problems: readonly FolderProblem[]
}

/** Where jobs lie below the watched folder, in the order in which a name is looked for; in any case of their letters. */
const PLACES = [
  ['site', 'wwwroot', 'App_Data', 'jobs'],
  ['App_Data', 'jobs'],
] as const
const WEB_ROOT = ['site', 'wwwroot'] as const
const TYPES = ['triggered', 'continuous'] as const

/**
 * Finds the jobs of a watched folder. Undefined when the folder cannot be read or has nothing in it at all: so does one
 * look whose disk is not there, and that must not pass for one from which all jobs were taken away.
 */
export async function findJobs(folder: string): Promise<FoundJobs | undefined> {
  try {
    await access(folder, constants.R_OK | constants.X_OK)
    if ((await readdir(folder)).length === 0) return undefined
  } catch {
    return undefined
  }
  const jobs: FolderJob[] = []
  const roots: string[] = []
  const problems: FolderProblem[] = []
  const taken = new Map<string, string>()
  for (const place of PLACES) {
    const root = await descend(folder, place, problems)
    if (root === undefined) continue
    roots.push(root)
    for (const type of TYPES) {
      const path = await descend(root, [type], problems)
      for (const entry of path === undefined ? [] : await list(path)) {
        if (path !== undefined) take({ type, name: entry.name, path: join(path, entry.name) }, entry)
      }
    }
  }
  return { jobs, roots, problems }

  function take(job: FolderJob, entry: Dirent): void {
    if (entry.isSymbolicLink()) {
      problems.push({ path: job.path, message: 'It is a link; links are not followed.' })
      return
    }
    // Files beside the folders of jobs, such as a README, are nobody's business.
    if (!entry.isDirectory()) return
    const key = `${job.type}/${job.name.toLowerCase()}`
    const other = taken.get(key)
    if (other === undefined) {
      taken.set(key, job.path)
      jobs.push(job)
    } else {
      problems.push({ path: job.path, message: `${other} is the same job.` })
    }
  }
}

/** The folder of the web site in a watched folder: `site/wwwroot`, in any case; where there is none, the folder itself. */
export async function findWebRoot(folder: string): Promise<string> {
  try {
    return (await descend(folder, WEB_ROOT, [])) ?? folder
  } catch (error) {
    // What cannot be looked into has none for its jobs either; the look for jobs tells of it.
    if (!isSystemError(error)) throw error
    return folder
  }
}

/** Goes down by names in any case; undefined when there is no such folder. */
async function descend(from: string, names: readonly string[], problems: FolderProblem[]): Promise<string | undefined> {
  let at = from
  for (const name of names) {
    const fitting = (await list(at)).filter((entry) => entry.name.toLowerCase() === name.toLowerCase())
    const [found, ...others] = fitting
    if (found === undefined) return undefined
    at = join(at, found.name)
    for (const other of others) problems.push({ path: join(at, '..', other.name), message: `${at} counts instead.` })
    if ((await lstat(at)).isDirectory()) continue
    if (found.isSymbolicLink()) problems.push({ path: at, message: 'It is a link; links are not followed.' })
    return undefined
  }
  return at
}

/** The entries of a folder by name; none when it is gone meanwhile. One that is closed says nothing of what is in it, and fails. */
async function list(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
