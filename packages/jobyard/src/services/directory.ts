import { JobyardError } from '../domain/errors.ts'
import type { JobRow, RunRow, TaskRow } from '../domain/model.ts'
import type { CollectionRow } from '../store/procedures/collections.ts'
import type { JobBrief } from '../store/procedures/read-jobs.ts'
import type { Bearer } from './auth/bearer.ts'
import type { ApiServices } from './services.ts'

/** The collection of whoever names none. */
export const DEFAULT_COLLECTION = 'default'

/** Narrows the name of a job. */
export interface JobScope {
  readonly collection?: string | undefined
  readonly kind?: string | undefined
  readonly type?: string | undefined
}

/** Jobs that are remembered for the sake of their runs' answers. */
const MOST_BRIEFS = 20_000

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Finds what a request names, as far as its bearer may see it: what lies in another collection than the only one of a
 * token is as unknown as what is not there.
 */
export class Directory {
  readonly #services: ApiServices
  readonly #briefs = new Map<string, JobBrief>()
  readonly #collectionNames = new Map<string, string>()

  constructor(services: ApiServices) {
    this.#services = services
  }

  /** All collections that the bearer may see, by name. */
  async collections({ collectionId }: Bearer): Promise<CollectionRow[]> {
    const all = await this.#services.store.read('listCollections', undefined)
    return all.filter(({ id }) => collectionId === null || id === collectionId)
  }

  /** A collection by its name or id; without one, the default collection, or the only one of the bearer. */
  async requireCollection(bearer: Bearer, ref: string | undefined): Promise<CollectionRow> {
    const wanted = ref ?? bearer.collectionId ?? DEFAULT_COLLECTION
    const key = wanted.toLowerCase()
    const found = (await this.collections(bearer)).find(({ id, name }) => id === key || name.toLowerCase() === key)
    if (found !== undefined) return found
    throw new JobyardError('collection-unknown', `There is no collection ${JSON.stringify(wanted)}.`, {
      field: 'collection',
    })
  }

  /** The collection that a list is to be of: the one named, the bearer's only one, or undefined for all. */
  async collectionFilter(bearer: Bearer, ref: string | undefined): Promise<string | undefined> {
    if (ref === undefined) return bearer.collectionId ?? undefined
    return (await this.requireCollection(bearer, ref)).id
  }

  /** The name of a collection; its id when it is gone. */
  async collectionName(id: string): Promise<string> {
    const known = this.#collectionNames.get(id)
    if (known !== undefined) return known
    // Collections are never renamed, so what was read once stays true.
    for (const row of await this.#services.store.read('listCollections', undefined)) {
      this.#collectionNames.set(row.id, row.name)
    }
    return this.#collectionNames.get(id) ?? id
  }

  /**
   * A job by its id, its name or its short number. An id or a number is that of any job that the bearer may see, but of no
   * other collection, kind or type than the scope names. A name is one in the collection that the scope names, or else in
   * `home`; default: the bearer's. Throws 'job-unknown' and 'job-ambiguous'.
   */
  async requireJob(bearer: Bearer, ref: string, scope: JobScope = {}, home?: string): Promise<JobRow> {
    const collection = await this.requireCollection(bearer, scope.collection ?? home)
    const byId = UUID.test(ref)
    const found = byId ? [] : await this.#findByName(collection.id, ref, scope)
    const [only] = found
    if (found.length > 1) throw ambiguous(ref, found)
    if (only !== undefined) return only
    // A name may look like a number, so numbers come last.
    const job = await this.#findByIdOrNumber(bearer, ref)
    if (job !== null && (scope.collection === undefined || job.collectionId === collection.id) && agrees(job, scope)) {
      return job
    }
    const wanted = scope.type === undefined ? '' : ` ${scope.type}`
    const where = byId && scope.collection === undefined ? '' : ` in the collection ${collection.name}`
    const other = job === null ? '' : `; the one of that ${byId ? 'id' : 'number'} is ${await this.#sayOther(job)}`
    const message = `There is no${wanted} job ${JSON.stringify(ref)}${where}${other}.`
    throw new JobyardError('job-unknown', message, { field: 'job' })
  }

  async #findByIdOrNumber(bearer: Bearer, ref: string): Promise<JobRow | null> {
    const { store } = this.#services
    let job: JobRow | null = null
    if (UUID.test(ref)) job = await store.read('getJob', { id: ref.toLowerCase() })
    else if (/^\d{1,9}$/.test(ref)) job = await store.read('getJobByNumber', { number: Number(ref) })
    return job !== null && mayUse(bearer, job.collectionId) ? job : null
  }

  async #sayOther({ kind, type, name, collectionId }: JobRow): Promise<string> {
    return `the ${type} ${kind} job ${name} in the collection ${await this.collectionName(collectionId)}`
  }

  /**
   * Sees to it that a bearer may see a package: one that is limited to a collection only what came by such a token, or
   * is among the deployments of a job there. Throws 'package-unknown'.
   */
  async requirePackage({ collectionId }: Bearer, hash: string): Promise<void> {
    if (collectionId === null || (await this.#services.store.read('isPackageOf', { hash, collectionId }))) return
    throw new JobyardError('package-unknown', undefined, { field: 'package' })
  }

  /** A run by its id. Throws 'run-unknown'. */
  async requireRun(bearer: Bearer, id: string): Promise<RunRow> {
    const run = UUID.test(id) ? await this.#services.store.read('getRun', { id: id.toLowerCase() }) : null
    if (run !== null && mayUse(bearer, run.collectionId)) return run
    throw new JobyardError('run-unknown', `There is no run ${JSON.stringify(id)}.`, { field: 'run' })
  }

  /** A task by its id. Throws 'task-unknown'. */
  async requireTask(bearer: Bearer, id: string): Promise<TaskRow> {
    const { store } = this.#services
    const task = UUID.test(id) ? await store.read('getTask', { id: id.toLowerCase() }) : null
    const run = task === null ? null : await store.read('getRun', { id: task.runId })
    if (task !== null && run !== null && mayUse(bearer, run.collectionId)) return task
    throw new JobyardError('task-unknown', `There is no task ${JSON.stringify(id)}.`, { field: 'task' })
  }

  /** What is shown of a job beside its runs, if it is remembered. */
  recall(jobId: string): JobBrief | undefined {
    return this.#briefs.get(jobId)
  }

  /** What is shown of a job beside its runs, a deleted one too; undefined when its last run is gone and it with it. */
  async brief(jobId: string): Promise<JobBrief | undefined> {
    const known = this.#briefs.get(jobId)
    if (known !== undefined) return known
    const [job] = await this.#services.store.read('briefJobs', { ids: [jobId] })
    return job === undefined ? undefined : this.remember(job)
  }

  /** Keeps what is shown of a job. Ids are never used again, and what is kept never changes but for a name's case. */
  remember({ id, number, name, kind, type, collectionId }: JobBrief): JobBrief {
    const brief = { id, number, name, kind, type, collectionId }
    const [oldest] = this.#briefs.keys()
    if (this.#briefs.size >= MOST_BRIEFS && oldest !== undefined) this.#briefs.delete(oldest)
    this.#briefs.set(id, brief)
    return brief
  }

  async #findByName(collectionId: string, name: string, { kind, type }: JobScope): Promise<JobRow[]> {
    const { kinds, store } = this.#services
    const narrowed = type === undefined ? {} : { type }
    const among = kind === undefined ? [...kinds.keys()] : [kind]
    const found = await Promise.all(
      among.map((each) => store.read('findJobs', { collectionId, kind: each, name, ...narrowed })),
    )
    return found.flat()
  }
}

function mayUse(bearer: Bearer, collectionId: string): boolean {
  return bearer.collectionId === null || bearer.collectionId === collectionId
}

function agrees(job: JobRow, { kind = job.kind, type = job.type }: JobScope): boolean {
  return job.kind === kind && job.type === type
}

function ambiguous(ref: string, jobs: readonly JobRow[]): JobyardError {
  const listed = jobs.map(({ kind, type, number }) => `${kind} ${type} (number ${number})`).join(', ')
  return new JobyardError('job-ambiguous', `More than one job is called ${JSON.stringify(ref)}: ${listed}.`, {
    field: 'job',
    hint: 'Say which one by `type` or `kind`, or use its id or number.',
    data: { jobs: jobs.map(({ id, number, kind, type }) => ({ id, number, kind, type })) },
  })
}
