import { Listing, type ListOptions } from './listing.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type {
  Deployment,
  Job,
  JobChange,
  JobFilter,
  JobInput,
  JobScope,
  Occurrence,
  Page,
  PastOccurrence,
} from './types.ts'

/** A job as it was saved, and whether it is new. */
export interface SavedJob {
  readonly job: Job
  readonly created: boolean
}

/** Jobs. A job is named by its id, its name or its short number; a {@link JobScope} narrows a name. */
export class Jobs {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All jobs that the filter lets through, by name. */
  list(filter: JobFilter = {}, options: ListOptions = {}): Listing<Job> {
    return new Listing<Job>(this.#transport, '/v1/jobs', filter, options)
  }

  /** A job. Fails with `job-unknown`, and with `job-ambiguous` when a name fits several. */
  async get(job: string, scope: JobScope = {}): Promise<Job> {
    return await this.#transport.json<Job>({ method: 'GET', path: pathOf('v1', 'jobs', job), query: { ...scope } })
  }

  /** Makes a job. Fails with `job-exists` when there is one of that name. */
  async create(input: JobInput): Promise<Job> {
    return await this.#transport.json<Job>({ method: 'POST', path: '/v1/jobs', body: input })
  }

  /** Makes a job, or changes the one of that name; what is left out stays as it is. */
  async put(input: JobInput): Promise<SavedJob> {
    const { status, body } = await this.#transport.answer<Job>({ method: 'PUT', path: '/v1/jobs', body: input })
    return { job: body, created: status === 201 }
  }

  /** Changes a job; what is left out stays as it is. */
  async patch(job: string, change: JobChange, scope: JobScope = {}): Promise<Job> {
    const path = pathOf('v1', 'jobs', job)
    return await this.#transport.json<Job>({ method: 'PATCH', path, query: { ...scope }, body: change })
  }

  /** Takes a job and its history away; what runs is stopped. */
  async remove(job: string, scope: JobScope = {}): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: pathOf('v1', 'jobs', job), query: { ...scope } })
  }

  /** Lets the job's triggers work; a continuous one begins to run. */
  async start(job: string, scope: JobScope = {}): Promise<Job> {
    return await this.#act(job, 'start', scope)
  }

  /** Keeps the job's triggers from working; a continuous one is stopped. */
  async stop(job: string, scope: JobScope = {}): Promise<Job> {
    return await this.#act(job, 'stop', scope)
  }

  /** Goes back to an earlier package: the one named, or so many back (default 1), by what was in use before each. */
  async rollback(
    job: string,
    to: { readonly package?: string; readonly steps?: number } = {},
    scope: JobScope = {},
  ): Promise<Job> {
    return await this.#act(job, 'rollback', scope, to)
  }

  /** The deployments of a job that are kept, the newest first. */
  async packages(job: string, scope: JobScope = {}): Promise<readonly Deployment[]> {
    const path = pathOf('v1', 'jobs', job, 'packages')
    return (await this.#transport.json<Page<Deployment>>({ method: 'GET', path, query: { ...scope } })).items
  }

  /** What became of the occurrences of a job's schedule, the newest first. */
  occurrences(job: string, scope: JobScope = {}, options: ListOptions = {}): Listing<PastOccurrence> {
    return new Listing<PastOccurrence>(this.#transport, pathOf('v1', 'jobs', job, 'occurrences'), scope, options)
  }

  /** When a job's schedules next fall due. `count` is at most 1,000, by default 10. */
  async next(job: string, count?: number, scope: JobScope = {}): Promise<readonly Occurrence[]> {
    const path = pathOf('v1', 'jobs', job, 'next')
    const query = { ...scope, count }
    return (await this.#transport.json<{ occurrences: Occurrence[] }>({ method: 'GET', path, query })).occurrences
  }

  async #act(job: string, verb: string, scope: JobScope, body?: object): Promise<Job> {
    const path = pathOf('v1', 'jobs', job, verb)
    const sent = body === undefined ? {} : { body }
    return await this.#transport.json<Job>({ method: 'POST', path, query: { ...scope }, ...sent })
  }
}
