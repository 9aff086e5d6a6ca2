import type { JobRow } from '../../../domain/model.ts'
import type { ServiceContext } from '../../../services/context.ts'
import type { EditAddress } from '../../../services/package-edits/draft.ts'
import type { CollectionRow } from '../../../store/procedures/collections.ts'
import type { WebJobReader, WebJobType } from '../reader.ts'
import { dataFolder } from './data-folder.ts'
import type { LogFolders } from './logs.ts'
import { packageFolder } from './package-folder.ts'
import type { SiteFile, SiteFolder } from './tree.ts'
import { type Times, unionOf, viewOf } from './views.ts'

/** What a path is of, for whoever changes something there. */
export type Place =
  /** The files of a job, which need not be there yet; `path` is relative to the job's folder, and empty for that itself. */
  | { readonly kind: 'package'; readonly address: EditAddress; readonly path: string }
  /** What a job keeps. */
  | { readonly kind: 'data'; readonly job: JobRow; readonly parts: readonly string[] }
  /** A folder that only holds others, or nothing at all. */
  | { readonly kind: 'view' }

/** Where the files of jobs lie in a site, and where their data, in any case of the letters. */
const PACKAGES = ['site', 'wwwroot', 'app_data', 'jobs']
const DATA = ['data', 'jobs']
const TYPES: readonly WebJobType[] = ['continuous', 'triggered']

/** What a tree is made of. */
export interface SiteTreeParts {
  readonly context: ServiceContext
  readonly reader: WebJobReader
  readonly logs: LogFolders
}

/** The files of a site as WebJobs lay them out. None of it is a disk's: each folder is a view of what there is. */
export class SiteTree {
  readonly #parts: SiteTreeParts
  readonly #site: CollectionRow

  constructor(parts: SiteTreeParts, site: CollectionRow) {
    this.#parts = parts
    this.#site = site
  }

  /** What is at a path; the root for no parts. */
  async find(parts: readonly string[]): Promise<SiteFile | SiteFolder | null> {
    let found: SiteFile | SiteFolder | null = this.#root()
    for (const part of parts) {
      if (found?.type !== 'folder') return null
      found = await found.find(part)
    }
    return found
  }

  /** What a path is of. */
  async placeOf(parts: readonly string[]): Promise<Place> {
    const ofPackage = readPlace(parts, PACKAGES)
    if (ofPackage !== undefined) {
      const { type, name, rest } = ofPackage
      return { kind: 'package', address: { collectionId: this.#site.id, type, name }, path: rest.join('/') }
    }
    const ofData = readPlace(parts, DATA)
    if (ofData === undefined) return { kind: 'view' }
    const job = await this.#parts.reader.row(this.#site.id, ofData.type, ofData.name)
    return job === null ? { kind: 'view' } : { kind: 'data', job, parts: ofData.rest }
  }

  #root(): SiteFolder {
    const packages = this.#chain(['site', 'wwwroot', 'App_Data', 'jobs'], (type) => this.#packages(type))
    const data = this.#chain(['data', 'jobs'], (type) => this.#data(type))
    return this.#view('home', [data, this.#view('LogFiles', []), packages])
  }

  /** Folders in one another, the innermost with one for each type of jobs. */
  #chain(names: readonly string[], ofType: (type: WebJobType) => SiteFolder): SiteFolder {
    const [name = '', ...rest] = names
    return this.#view(name, rest.length === 0 ? TYPES.map(ofType) : [this.#chain(rest, ofType)])
  }

  #view(name: string, entries: readonly SiteFolder[]): SiteFolder {
    return viewOf(name, this.#times(), () => entries)
  }

  #packages(type: WebJobType): SiteFolder {
    const { context, reader } = this.#parts
    const { edits } = context
    const collectionId = this.#site.id
    const ofSite = this.#times()
    const find = async (name: string): Promise<SiteFolder | null> => {
      const found = await edits.tree({ collectionId, type, name })
      if (found === null || found.tree.isGone) return null
      const again = async () => (await edits.tree({ collectionId, type, name }))?.tree ?? null
      return packageFolder(
        { tree: found.tree, again },
        '',
        found.job?.name ?? name,
        found.job === null ? ofSite : timesOf(found.job),
      )
    }
    // Whoever lists jobs does not look into each of them.
    const shown = (name: string, times: Times) => {
      const list = async function* () {
        const folder = await find(name)
        if (folder !== null) yield* folder.list()
      }
      return viewOf(name, times, list, async (wanted) => (await (await find(name))?.find(wanted)) ?? null)
    }
    async function* list() {
      for (const job of await reader.rows(collectionId, type)) yield shown(job.name, timesOf(job))
      for (const name of await edits.newJobs(collectionId, type)) yield shown(name, ofSite)
    }
    return viewOf(type, this.#times(), list, find)
  }

  #data(type: WebJobType): SiteFolder {
    const { reader } = this.#parts
    const { id } = this.#site
    const ofJob = (job: JobRow) => this.#dataOf(job)
    const find = async (name: string): Promise<SiteFolder | null> => {
      const job = await reader.row(id, type, name)
      return job === null ? null : await ofJob(job)
    }
    async function* list() {
      for (const job of await reader.rows(id, type)) yield ofJob(job)
    }
    return viewOf(type, this.#times(), list, find)
  }

  async #dataOf(job: JobRow): Promise<SiteFolder> {
    const { context, logs } = this.#parts
    const { name } = job
    const times = timesOf(job)
    const kept =
      context.data === null ? viewOf(name, times, () => []) : dataFolder(context.data, job.id, [], name, times)
    const ofRuns = await logs(job)
    return ofRuns === null
      ? kept
      : unionOf(
          viewOf(
            name,
            ofRuns,
            () => ofRuns.list(),
            (wanted) => ofRuns.find(wanted),
          ),
          kept,
        )
  }

  #times() {
    return { modifiedAt: this.#site.createdAt, createdAt: this.#site.createdAt }
  }
}

function timesOf({ updatedAt: modifiedAt, createdAt }: JobRow): Times {
  return { modifiedAt, createdAt }
}

function readPlace(
  parts: readonly string[],
  top: readonly string[],
): { readonly type: WebJobType; readonly name: string; readonly rest: readonly string[] } | undefined {
  if (!top.every((part, index) => parts[index]?.toLowerCase() === part)) return undefined
  const [wanted, name, ...rest] = parts.slice(top.length)
  const type = TYPES.find((each) => each === wanted?.toLowerCase())
  return type === undefined || name === undefined ? undefined : { type, name, rest }
}
