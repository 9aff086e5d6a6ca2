import { isFinished, STATES } from '@jobyard/jobs'
import type { JobRow, RunRow } from '../../domain/model.ts'
import { keptRuns } from '../../domain/retention.ts'
import { type RunIdParts, readRunId } from '../../domain/webjobs-run-id.ts'
import { unreadableSchedule } from '../../kinds/script/unreadable-schedule.ts'
import type { ServiceContext } from '../../services/context.ts'
import type { JobOutline, JobVersion } from '../../store/procedures/outline-jobs.ts'
import { JobVersions, type VersionOf, type VersionShown } from './job-versions.ts'
import { settingsOf } from './settings.ts'
import type { WebJob } from './shapes.ts'
import { continuousStatus, type Instance } from './statuses.ts'
import type { TaggedJob } from './tags.ts'

/** The kind of jobs that are WebJobs. */
export const KIND = 'script'

/** The two types of WebJobs. */
export type WebJobType = 'triggered' | 'continuous'

/** Jobs, and runs, that are read from the store at once. */
const PAGE = 1000
/** Unfinished runs of continuous jobs that are looked at; there is one for each job and instance. */
const MOST_LIVE = 20_000
/** Runs of a job in its history besides those that its policy keeps: unfinished ones, and those about to be deleted. */
const MOST_OTHERS = 200
/** Runs of a job that are shown at the most, whatever is kept. */
const MOST_SHOWN = 10_000

const UNFINISHED = STATES.filter((state) => !isFinished(state))

/** A job as far as lists are told from each other by it, and what the rest is found by. */
export interface ListedJob extends TaggedJob, VersionOf {
  readonly collectionId: string
}

/** Reads jobs and runs with all that WebJobs' clients are shown of them. */
export class WebJobReader {
  readonly #context: ServiceContext
  readonly #here: string
  readonly #versions: JobVersions

  /** `here` is the name of this instance. */
  constructor(context: ServiceContext, here: string) {
    this.#context = context
    this.#here = here
    this.#versions = new JobVersions(context.services.store, showVersion)
  }

  /** All jobs of a collection, by name; those of both types without one, the triggered ones first. */
  async list(collectionId: string, type?: WebJobType): Promise<WebJob[]> {
    return await this.fill(await this.outline(collectionId, type))
  }

  /** As {@link list}, but no more of each job than the tag of the list needs; {@link fill} adds the rest. */
  async outline(collectionId: string, type?: WebJobType): Promise<ListedJob[]> {
    if (type === 'triggered') return await this.#triggered(await this.#rows(collectionId, type))
    if (type === 'continuous') {
      const jobs = await this.#rows(collectionId, type)
      if (jobs.length === 0) return []
      const filter = { collectionId, kind: KIND, why: 'continuous', states: UNFINISHED, limit: MOST_LIVE } as const
      return await this.#continuous(jobs, await this.#context.services.store.read('listRuns', filter))
    }
    const both = [this.outline(collectionId, 'triggered'), this.outline(collectionId, 'continuous')]
    return (await Promise.all(both)).flat()
  }

  /** Jobs with all that is shown of them. */
  async fill(jobs: readonly ListedJob[]): Promise<WebJob[]> {
    const versions = await this.#versions.of(jobs)
    const unscheduled = jobs.filter(({ id, type }) => type === 'triggered' && versions.get(id)?.scheduled !== true)
    const occurred =
      unscheduled.length === 0
        ? []
        : await this.#context.services.store.read('listOccurring', { jobIds: unscheduled.map(({ id }) => id) })
    const once = new Set(occurred)
    return jobs.map(({ version: _, ...job }) => {
      const { settings, scheduled } = versions.get(job.id) ?? GONE
      const usingSdk = this.#context.data?.has(job.id, SDK_MARKER) === true
      return { ...job, settings, scheduled: scheduled || once.has(job.id), usingSdk }
    })
  }

  /** The names of all jobs of a type, in their order. */
  async names(collectionId: string, type: WebJobType): Promise<string[]> {
    return await this.#context.services.store.read('listJobNames', { collectionId, kind: KIND, type })
  }

  /** The job of a name, as it is stored; null when there is none. */
  async row(collectionId: string, type: WebJobType, name: string): Promise<JobRow | null> {
    const wanted = { collectionId, kind: KIND, type, name }
    const [job] = await this.#context.services.store.read('findJobs', wanted)
    return job ?? null
  }

  /** A job with all that is shown of it. */
  async complete(job: JobRow): Promise<WebJob> {
    const { store } = this.#context.services
    const listed =
      job.type === 'continuous'
        ? await this.#continuous([{ ...job, latestRun: null }], await store.read('liveRuns', { jobId: job.id }))
        : await this.#triggered([{ ...job, latestRun: (await this.newestRun(job)) ?? null }])
    const [shown] = await this.fill(listed)
    if (shown === undefined) throw new Error('A job was completed to none.')
    return shown
  }

  /** The runs of a job, the newest first: as many as are kept, within bounds. */
  async runs({ id: jobId, type, policy, collectionId }: JobRow): Promise<RunRow[]> {
    const { store, appSettings } = this.#context.services
    const { history } = appSettings.of(collectionId).steering
    // Of a continuous job all are kept that are in its log.
    const most = type === 'continuous' ? MOST_SHOWN : Math.min(keptRuns(policy, history) + MOST_OTHERS, MOST_SHOWN)
    const runs: RunRow[] = []
    for (;;) {
      const last = runs.at(-1)
      const limit = Math.min(PAGE, most - runs.length)
      const page = await store.read('listRuns', { jobId, limit, ...(last === undefined ? {} : { before: last.id }) })
      runs.push(...page)
      if (page.length < limit || runs.length === most) return runs
    }
  }

  /** The newest run of a job; undefined when there is none. */
  async newestRun({ id: jobId }: Pick<JobRow, 'id'>): Promise<RunRow | undefined> {
    return (await this.#context.services.store.read('latestRuns', { jobIds: [jobId] }))[0]
  }

  /** The run of a job that has an id; null when there is none. */
  async run(jobId: string, runId: string): Promise<RunRow | null> {
    const parts = readRunId(runId)
    return parts === undefined ? null : await this.#findRun(jobId, parts)
  }

  async #findRun(jobId: string, { madeAt: from, digit }: RunIdParts): Promise<RunRow | null> {
    const { store } = this.#context.services
    const made = await store.read('listRuns', { jobId, from, to: from + 1, limit: PAGE })
    return made.find(({ number }) => number % 10 === digit) ?? null
  }

  /** All jobs of a type, by name, as they are stored. */
  async rows(collectionId: string, type: WebJobType): Promise<JobRow[]> {
    const { store } = this.#context.services
    const rows: JobRow[] = []
    for (;;) {
      const last = rows.at(-1)
      const after = last === undefined ? {} : { after: { name: last.name, id: last.id } }
      const page = await store.read('listJobs', { collectionId, kind: KIND, type, ...after, limit: PAGE })
      rows.push(...page)
      if (page.length < PAGE) return rows
    }
  }

  async #rows(collectionId: string, type: WebJobType): Promise<JobOutline[]> {
    const { store } = this.#context.services
    const rows: JobOutline[] = []
    for (;;) {
      const last = rows.at(-1)
      const after = last === undefined ? {} : { after: { name: last.name, id: last.id } }
      const wanted = { collectionId, kind: KIND, type, runs: type === 'triggered', ...after, limit: PAGE }
      const page = await store.read('outlineJobs', wanted)
      rows.push(...page)
      if (page.length < PAGE) return rows
    }
  }

  async #triggered(rows: readonly JobOutline[]): Promise<ListedJob[]> {
    const commands = await this.#commandsOf(rows)
    return rows.map(({ id, collectionId, name, type, version, latestRun }, index) => {
      return { id, collectionId, name, type, version, command: commands[index] ?? '', latestRun, status: null }
    })
  }

  async #continuous(rows: readonly JobOutline[], runs: readonly RunRow[]): Promise<ListedJob[]> {
    const { store, appSettings } = this.#context.services
    const jobIds = rows.map(({ id }) => id)
    const [commands, versions, places, instances] = await Promise.all([
      this.#commandsOf(rows),
      this.#versions.of(rows),
      store.read('listPlaces', { jobIds }),
      store.read('listInstances', undefined),
    ])
    const placesOf = Map.groupBy(places, ({ jobId }) => jobId)
    const runsOf = Map.groupBy(runs, ({ jobId }) => jobId)
    return rows.map(({ id, collectionId, name, type, version, enabled }, index) => {
      const { steering } = appSettings.of(collectionId)
      const facts = {
        enabled: enabled && !steering.stopped,
        instanceId: steering.instanceId,
        singleton: versions.get(id)?.singleton === true,
        places: placesOf.get(id) ?? [],
        runs: runsOf.get(id) ?? [],
        instances: instances as readonly Instance[],
        here: this.#here,
      }
      const common = { id, collectionId, name, type, version, command: commands[index] ?? '' }
      return { ...common, latestRun: null, status: continuousStatus(facts) }
    })
  }

  async #commandsOf(rows: readonly JobOutline[]): Promise<string[]> {
    const { packages } = this.#context.services
    return await Promise.all(rows.map(({ packageHash: hash }) => (hash === null ? '' : packages.scriptFile(hash))))
  }
}

/** The WebJobs SDK makes a file of this name in the data folder of its job. */
const SDK_MARKER = 'webjobssdk.marker'

/** What is shown of a job that was deleted while it was looked at. */
const GONE: VersionShown = { settings: {}, singleton: false, scheduled: false }

/** What is shown of a job's version. */
function showVersion({ type, spec, triggers: rows, wasScheduled }: JobVersion): VersionShown {
  const triggers = rows.map((row) => row.spec)
  const singleton = triggers.some((trigger) => trigger.type === 'continuous' && trigger.singleton === true)
  const hasSchedule = triggers.some(({ type }) => type === 'schedule') || unreadableSchedule(spec) !== undefined
  const scheduled = wasScheduled || hasSchedule
  return { settings: settingsOf({ type, spec }, triggers), singleton, scheduled }
}
