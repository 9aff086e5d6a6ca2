import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'
import type { FolderProblem } from '../../store/procedures/watched-folder.ts'
import type { ListenedFolder } from './folder-watch.ts'
import { KnownFolders } from './known-folders.ts'
import type { LinkRules } from './links.ts'
import { CLOSED, knownAs, type Listing, STAYS, type Step, top, WayDown } from './way-down.ts'

/** The types of jobs, as their folders are called. */
export type FolderJobType = 'triggered' | 'continuous'

/** A job's folder in a watched one. */
export interface FolderJob {
  readonly type: FolderJobType
  /** As the folder is called. */
  readonly name: string
  /** Absolute; behind the links that were followed below the watched folder. */
  readonly path: string
  /** Which of {@link FoundJobs.places} it lies in. */
  readonly place: string
}

/** What lies in a watched folder. */
export interface FoundJobs {
  readonly jobs: readonly FolderJob[]
  /** Types of which not all jobs are known: what is missing of them is not to be taken for taken away. */
  readonly closed: ReadonlySet<string>
  /** Keys of jobs, by {@link keyOf}, in whose place something is that may hide them. */
  readonly hidden: ReadonlySet<string>
  /** Where jobs may lie, in the order in which a name is looked for: as paths, whatever the case and links there are. */
  readonly places: readonly string[]
  /** Why jobs of a place and type may be there all the same, by {@link unseenKey}; of interest only to whoever misses some. */
  readonly unseen: ReadonlyMap<string, FolderProblem>
  /** The folders above those of jobs that there are; for whoever listens to them. */
  readonly above: readonly ListenedFolder[]
  /** What cannot be a job, or cannot be read, with the reason. */
  readonly problems: readonly FolderProblem[]
  /** Why types are closed without anything wrong to be seen; of interest only to whoever misses jobs. */
  readonly doubts: readonly FolderProblem[]
}

/** What a look goes by. */
export interface LookRules {
  /** Who jobs run as. */
  readonly user: LinkRules['user']
  /** What looks before this one saw; it is added to. Default: nothing. */
  readonly known?: KnownFolders
}

/** Where jobs lie below the watched folder, in the order in which a name is looked for; in any case of their letters. */
const PLACES = [
  ['site', 'wwwroot', 'App_Data', 'jobs'],
  ['App_Data', 'jobs'],
] as const
const WEB_ROOT = ['site', 'wwwroot'] as const
const TYPES = ['triggered', 'continuous'] as const

/**
 * Finds the jobs of a watched folder. What cannot be read of it is told, and keeps nobody from the rest. What looks as if a disk,
 * a release or the whole site were away for a moment closes the types of jobs that it concerns.
 */
export async function findJobs(folder: string, { user, known = new KnownFolders() }: LookRules): Promise<FoundJobs> {
  const search = new Search(folder, user, known)
  await search.listenAbove()
  if (await isEmpty(folder)) search.closeAll({ path: folder, message: AWAY })
  else await search.run()
  return search.found()
}

/** A look at a site whose disk is not there finds the same. */
const AWAY = 'The folder is not there, or empty. Its jobs stay as they are.'

const BY_HAND = 'Delete those by hand that are to go.'

/** One name for a job, however it is written. */
export function keyOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type}/${name.toLowerCase()}`
}

/** One name for the jobs of a type in a place. */
export function unseenKey(place: string, type: string): string {
  return `${place} ${type}`
}

/** The folder of the web site in a watched folder: `site/wwwroot`, in any case; where there is none, the folder itself. */
export async function findWebRoot(folder: string, user: LinkRules['user']): Promise<string> {
  const found = await new WayDown({ folder, user }, new KnownFolders()).descend(top(folder), WEB_ROOT)
  // What cannot be looked into has none for its jobs either; the look for jobs tells of it.
  return found === undefined || found === CLOSED ? folder : found.named
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
  readonly #folder: string
  readonly #known: KnownFolders
  readonly #way: WayDown
  readonly #jobs: FolderJob[] = []
  readonly #doubts: FolderProblem[] = []
  readonly #closed = new Set<FolderJobType>()
  readonly #doubted = new Set<FolderJobType>()
  readonly #hidden = new Set<string>()
  readonly #unseen = new Map<string, FolderProblem>()
  readonly #taken = new Map<string, string>()

  constructor(folder: string, user: LinkRules['user'], known: KnownFolders) {
    this.#folder = folder
    this.#known = known
    this.#way = new WayDown({ folder, user }, known)
  }

  found(): FoundJobs {
    const closed = this.#closed.union(this.#doubted)
    const places = PLACES.map((place) => join(this.#folder, ...place))
    const [{ problems }, above] = [this.#way, this.#way.above()]
    return {
      jobs: this.#jobs,
      problems,
      doubts: this.#doubts,
      closed,
      hidden: this.#hidden,
      places,
      unseen: this.#unseen,
      above,
    }
  }

  /** Notes what lies above the watched folder: it may be put in its place as a whole. */
  async listenAbove(): Promise<void> {
    await this.#way.listen(dirname(this.#folder), basename(this.#folder))
  }

  /** Says that nothing is known of any jobs, and why. */
  closeAll({ path, message }: FolderProblem): void {
    this.#close(TYPES)
    this.#way.refuse(path, message)
  }

  async run(): Promise<void> {
    let isAnywhere = false
    for (const place of PLACES) {
      const root = await this.#way.descend(top(this.#folder), place)
      // What lies further down the list may be hidden by what cannot be seen here.
      if (root === CLOSED) this.#close(TYPES)
      else if (root === undefined) this.#missPlace(place)
      if (root === CLOSED || root === undefined) continue
      isAnywhere = true
      for (const type of TYPES)
        if (!this.#closed.has(type)) await this.#takeType(root, type, join(this.#folder, ...place))
    }
    const isExplained = this.#closed.size > 0 || this.#doubts.length > 0
    if (!isAnywhere && !isExplained) this.#doubt(TYPES, this.#folder, 'There is no folder App_Data/jobs in it.')
  }

  /** Jobs lay there when this server looked before: somebody is putting another release in its place, or a disk is away. */
  #missPlace(place: readonly string[]): void {
    const path = join(this.#folder, ...place)
    const problem = { path, message: `It is not there. ${STAYS} ${BY_HAND}` }
    for (const type of TYPES) this.#unseen.set(unseenKey(path, type), problem)
    if (!this.#known.knows(knownAs(this.#folder, place))) return
    this.#doubt(TYPES, path, 'It was there, and is there no longer.')
  }

  async #takeType(root: Step, type: FolderJobType, place: string): Promise<void> {
    const step = await this.#way.descend(root, [type])
    const listing = step === undefined || step === CLOSED ? step : await this.#way.list(step.path)
    if (step === CLOSED || listing === CLOSED) this.#close([type])
    if (step === undefined) await this.#doubtIfEmpty(root, type, place)
    if (step === undefined || step === CLOSED || listing === undefined || listing === CLOSED) return
    await this.#way.listen(step.path)
    this.#judgeEmpty(step, listing, type, place)
    for (const entry of listing.entries)
      this.#take({ type, name: entry.name, path: join(step.path, entry.name), place }, entry)
  }

  async #doubtIfEmpty(root: Step, type: FolderJobType, place: string): Promise<void> {
    const listing = await this.#way.list(root.path)
    if (listing === CLOSED) this.#close([type])
    else this.#judgeEmpty(root, listing, type, place)
  }

  /** Nothing is in a folder from which the last was taken; and in one whose disk is not there. */
  #judgeEmpty({ known, named }: Step, { entries, identity }: Listing, type: FolderJobType, place: string): void {
    if (entries.length > 0 && identity !== undefined) this.#known.note(known, identity)
    if (entries.length > 0 || this.#known.isSame(known, identity)) return
    this.#unseen.set(unseenKey(place, type), this.#doubt([type], named, 'There is nothing in it.'))
  }

  #take(job: FolderJob, entry: Dirent): void {
    if (entry.isSymbolicLink()) {
      this.#hidden.add(keyOf(job))
      this.#way.refuse(job.path, 'It is a link; links are not followed. A job that came from there stays as it is.')
      return
    }
    // Files beside the folders of jobs, such as a README, are nobody's business.
    if (!entry.isDirectory()) return
    // Nothing can be opened by such a name: it stands for bytes that are no Unicode text.
    if (job.name.includes('\u{fffd}')) {
      this.#way.refuse(job.path, 'Its name is not valid Unicode.')
      return
    }
    const key = keyOf(job)
    const other = this.#taken.get(key)
    if (other !== undefined) {
      this.#way.refuse(job.path, `${other} is the same job.`)
      return
    }
    this.#taken.set(key, job.path)
    this.#jobs.push(job)
  }

  #close(types: readonly FolderJobType[]): void {
    for (const type of types) this.#closed.add(type)
  }

  #doubt(types: readonly FolderJobType[], path: string, why: string): FolderProblem {
    for (const type of types) this.#doubted.add(type)
    const problem = { path, message: `${why} ${STAYS} ${BY_HAND}` }
    this.#doubts.push(problem)
    return problem
  }
}
