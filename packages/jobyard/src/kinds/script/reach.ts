import { accessSync, constants, lstatSync, readlinkSync, type Stats } from 'node:fs'
import { isAbsolute, join, parse, resolve, sep } from 'node:path'
import type { JobsUser } from './run-as.ts'

/** Whether a user comes to a place, and what stands in the way if not. */
export type Reach =
  | { readonly reachable: true; readonly exists: boolean }
  | {
      readonly reachable: false
      /** The folder or file that the user may not pass. */
      readonly blockedBy: string
      /** A sentence that says so. */
      readonly message: string
    }

/** As many symbolic links as Linux follows in one path. */
const MOST_LINKS = 40

/**
 * Whether the jobs' user may pass through every folder of `path`, symbolic links included, and through `path` itself
 * when that is a folder. A part that does not exist yet stops nobody. Judged by owner, group and mode bits as
 * path_resolution(7) says; access lists are seen only when the user is the server's own.
 */
export function checkReachable(path: string, user: JobsUser): Reach {
  const walked = walk(path, user)
  if ('blockedBy' in walked) return { reachable: false, ...walked }
  return { reachable: true, exists: walked.stats !== undefined }
}

/** Whether the jobs' user may execute the file at `path`: it comes there, and the file is a regular one with that right. */
export function canExecute(path: string, user: JobsUser): boolean {
  const walked = walk(path, user)
  if ('blockedBy' in walked || walked.stats === undefined) return false
  return walked.stats.isFile() && mayExecute(walked.place, walked.stats, user)
}

interface Blocked {
  readonly blockedBy: string
  readonly message: string
}

interface Arrived {
  readonly place: string
  /** Undefined when there is nothing there. */
  readonly stats: Stats | undefined
}

function walk(path: string, user: JobsUser): Blocked | Arrived {
  // Windows has no such bits; the server's own user is the only one that jobs run as there.
  if (process.platform === 'win32') return { place: path, stats: lookAt(path) }
  const start = resolve(path)
  let place = parse(start).root
  let stats = lookAt(place)
  const ahead = partsOf(start)
  let links = 0
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (stats === undefined) return { place, stats }
    if (!stats.isDirectory()) return blocked(place, 'is not a folder')
    if (!mayExecute(place, stats, user)) return noEntry(place, user)
    // The place has no links in it any more, so that `..` means what join makes of it.
    const next = join(place, part)
    stats = lookAt(next)
    if (stats?.isSymbolicLink() !== true) {
      place = next
      continue
    }
    if (++links > MOST_LINKS) return blocked(next, 'is a symbolic link that leads in a circle')
    const target = readlinkSync(next)
    if (isAbsolute(target)) place = parse(target).root
    stats = lookAt(place)
    ahead.unshift(...partsOf(target))
  }
  if (stats?.isDirectory() === true && !mayExecute(place, stats, user)) return noEntry(place, user)
  return { place, stats }
}

function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '' && part !== '.')
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function noEntry(place: string, user: JobsUser): Blocked {
  return blocked(place, `cannot be entered by the user ${user.name} that jobs run as`)
}

function blocked(place: string, why: string): Blocked {
  return { blockedBy: place, message: `${place} ${why}.` }
}

/** The right to execute a file or to pass through a folder. */
function mayExecute(place: string, stats: Stats, user: JobsUser): boolean {
  if (user.own) return ownMayExecute(place)
  if (user.uid === 0) return stats.isDirectory() || (stats.mode & 0o111) !== 0
  // Jobs of another user are started without supplementary groups, so the one group is all that counts.
  if (stats.uid === user.uid) return (stats.mode & 0o100) !== 0
  if (stats.gid === user.gid) return (stats.mode & 0o010) !== 0
  return (stats.mode & 0o001) !== 0
}

function ownMayExecute(place: string): boolean {
  try {
    accessSync(place, constants.X_OK)
    return true
  } catch {
    return false
  }
}
