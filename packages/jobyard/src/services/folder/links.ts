import type { Stats } from 'node:fs'
import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, parse, sep } from 'node:path'
import { isBelow } from '../../domain/path-below.ts'
import type { JobsUser } from '../../kinds/script/run-as.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'

/** Whose links are followed in a watched folder, and how far. */
export interface LinkRules {
  /** Who jobs run as: links that this user could have put where they are lead nowhere. */
  readonly user: Pick<JobsUser, 'uid' | 'gid' | 'own'>
  /** The watched folder, absolute. A link may lead to whatever lies below the one that it lies in, where releases are kept. */
  readonly folder: string
}

/** Where a link leads; or why it is not followed, as a sentence without its full stop. */
export type Followed = { readonly path: string } | { readonly refusal: string }

/** Told of each link on the way: the folder that holds it, without links, and its name there. */
export type OnLink = (holder: string, name: string) => Promise<void>

/** As many links follow one another at the most; Linux has the same number (path_resolution(7)). */
const MOST_LINKS = 40

const ROOT = 0
const WRITABLE_BY_GROUP = 0o020
const WRITABLE_BY_ALL = 0o002
/** In such a folder nobody moves or replaces what belongs to others. */
const STICKY = 0o1000

/**
 * Follows a link to a folder as whoever releases by links means it, and no link that a job could have made: the server may
 * be able to read what jobs may not. Each link on the way is looked at by itself. A link counts when neither it nor the
 * folder that holds it is at the mercy of the jobs' user; when root, the server's own user or the owner of the folder that it leads
 * to made it; and when it leads to where releases are kept. Where jobs run as the server's own user only the last
 * holds: such jobs can read all that the server can.
 */
export async function followLink(
  link: { readonly holder: string; readonly name: string },
  rules: LinkRules,
  onLink: OnLink,
): Promise<Followed> {
  try {
    return await walk(link, rules, onLink)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return { refusal: 'It is a link that leads to no folder' }
    if (!(error instanceof Error && isSystemError(error))) throw error
    return { refusal: `It is a link that cannot be looked through: ${error.message}` }
  }
}

async function walk(
  { holder, name }: { readonly holder: string; readonly name: string },
  rules: LinkRules,
  onLink: OnLink,
): Promise<Followed> {
  const makers = new Set<number>()
  const parts = [name]
  let at = await realpath(holder)
  let stats = await lstat(at)
  for (let links = 0; ; ) {
    const part = parts.shift()
    if (part === undefined) break
    const next = part === '..' ? dirname(at) : join(at, part)
    stats = await lstat(next)
    if (!stats.isSymbolicLink()) {
      at = next
      continue
    }
    await onLink(at, part)
    if (++links > MOST_LINKS) return { refusal: 'It is a link that leads to too many others' }
    if (couldBeMadeBy(rules.user, stats, await lstat(at))) return { refusal: 'It is a link that jobs could have made' }
    makers.add(stats.uid)
    const target = await readlink(next)
    if (isAbsolute(target)) at = parse(target).root
    parts.unshift(...target.slice(parse(target).root.length).split(sep).filter(isStep))
  }
  if (!stats.isDirectory()) return { refusal: 'It is a link that leads to no folder' }
  return await judge(at, stats, makers, rules)
}

/** The whole machine is not meant where the watched folder lies at the root. */
async function placesOf(folder: string): Promise<string[]> {
  const real = await realpath(folder)
  const parents = [await realpath(dirname(folder)), dirname(real)]
  return [real, ...parents.filter((path) => path !== parse(path).root)]
}

async function judge(
  path: string,
  { uid }: Stats,
  makers: ReadonlySet<number>,
  { user, folder }: LinkRules,
): Promise<Followed> {
  if (!(await placesOf(folder)).some((place) => isBelow(path, place)))
    return { refusal: `It is a link that leads out, to ${path}` }
  const trusted = new Set([ROOT, process.getuid?.() ?? ROOT, uid])
  if (!user.own && !makers.isSubsetOf(trusted)) {
    return { refusal: `It is a link that somebody made to whom ${path} does not belong` }
  }
  return { path }
}

/** Where a folder closes or opens its group's door, jobs of that group are meant. */
function couldBeMadeBy({ own, uid, gid }: LinkRules['user'], link: Stats, holder: Stats): boolean {
  if (own) return false
  if (link.uid === uid || holder.uid === uid) return true
  if ((holder.mode & STICKY) !== 0) return false
  return (holder.mode & WRITABLE_BY_ALL) !== 0 || (holder.gid === gid && (holder.mode & WRITABLE_BY_GROUP) !== 0)
}

function isStep(part: string): boolean {
  return part !== '' && part !== '.'
}
