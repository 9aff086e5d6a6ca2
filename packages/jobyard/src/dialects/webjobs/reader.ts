import { isFinished, STATES } from '@jobyard/jobs'
import type { JobRow, RunRow, TriggerSpec } from '../../domain/model.ts'
import { type RunIdParts, readRunId } from '../../domain/webjobs-run-id.ts'
import { readExactly } from '../../kinds/script/exact-json.ts'
import type { ServiceContext } from '../../services/context.ts'
import type { TriggerRow } from '../../store/procedures/entities.ts'
import { unreadableSchedule } from './schedules.ts'
import type { WebJob } from './shapes.ts'
import { continuousStatus, type Instance } from './statuses.ts'

/** The kind of jobs that are WebJobs. */
export const KIND = 'script'

/** The two types of WebJobs. */
export type WebJobType = 'triggered' | 'continuous'

/** Jobs that are read from the store at once. */
const PAGE = 1000
/** Unfinished runs of continuous jobs that are looked at; there is one for each job and instance. */
const MOST_LIVE = 20_000
/** Runs of a job in its history besides those that its policy keeps: unfinished ones, and those about to be deleted. */
const MOST_OTHERS = 200

const UNFINISHED = STATES.filter((state) => !isFinished(state))

/** Reads jobs and runs with all that WebJobs' clients are shown of them. */
export class WebJobReader {
  readonly #context: ServiceContext
  readonly #here: string

  /** `here` is the name of this instance. */
  constructor(context: ServiceContext, here: string) {
    this.#context = context
    this.#here = here
  }

  /** All jobs of a collection, by name; those of both types without one, the triggered ones first. */
  async list(collectionId: string, type?: WebJobType): Promise<WebJob[]> {
    if (type === undefined) {
      const [triggered, continuous] = await Promise.all([
        this.list(collectionId, 'triggered'),
        this.list(collectionId, 'continuous'),
      ])
      return [...triggered, ...continuous]
    }
    const jobs = await this.rows(collectionId, type)
    if (jobs.length === 0) return []
    if (type === 'triggered') return await this.#completeTriggered(jobs)
    const filter = { collectionId, kind: KIND, why: 'continuous', states: UNFINISHED, limit: MOST_LIVE } as const
    return await this.#completeContinuous(jobs, await this.#context.services.store.read('listRuns', filter))
  }

  /** The job of a name, as it is stored; null when there is none. */
  async row(collectionId: string, type: WebJobType, name: string): Promise<JobRow | null> {
    const wanted = { collectionId, kind: KIND, type, name }
    const [job] = await this.#context.services.store.read('findJobs', wanted)
    return job ?? null
  }

  /** A job with all that is shown of it. */
  async complete(job: JobRow): Promise<WebJob> {
    const [shown] =
      job.type === 'continuous'
        ? await this.#completeContinuous([job], await this.#context.services.store.read('liveRuns', { jobId: job.id }))
        : await this.#completeTriggered([job])
    if (shown === undefined) throw new Error('A job was completed to none.')
    return shown
  }

  /** The runs of a job, the newest first. */
  async runs({ id: jobId, policy }: JobRow): Promise<RunRow[]> {
    const limit = policy.keepRuns + MOST_OTHERS
    return await this.#context.services.store.read('listRuns', { jobId, limit })
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

  async #completeTriggered(jobs: readonly JobRow[]): Promise<WebJob[]> {
    const { store } = this.#context.services
    const jobIds = jobs.map(({ id }) => id)
    const [common, latest, occurring] = await Promise.all([
      this.#common(jobs),
      store.read('latestRuns', { jobIds }),
      store.read('listOccurring', { jobIds }),
    ])
    const latestOf = new Map(latest.map((run) => [run.jobId, run]))
    const occurred = new Set(occurring)
    return common.map((job) => {
      const scheduled = job.scheduled || occurred.has(job.id)
      return { ...job, scheduled, latestRun: latestOf.get(job.id) ?? null, status: null }
    })
  }

  async #completeContinuous(jobs: readonly JobRow[], runs: readonly RunRow[]): Promise<WebJob[]> {
    const { store } = this.#context.services
    const jobIds = jobs.map(({ id }) => id)
    const [common, places, instances] = await Promise.all([
      this.#common(jobs),
      store.read('listPlaces', { jobIds }),
      store.read('listInstances', undefined),
    ])
    const { appSettings } = this.#context.services
    const placesOf = Map.groupBy(places, ({ jobId }) => jobId)
    const runsOf = Map.groupBy(runs, ({ jobId }) => jobId)
    return common.map((job, index) => {
      const { steering } = appSettings.of(job.collectionId)
      const facts = {
        enabled: jobs[index]?.enabled === true && !steering.stopped,
        instanceId: steering.instanceId,
        singleton: job.singleton,
        places: placesOf.get(job.id) ?? [],
        runs: runsOf.get(job.id) ?? [],
        instances: instances as readonly Instance[],
        here: this.#here,
      }
      return { ...job, latestRun: null, status: continuousStatus(facts) }
    })
  }

  /** What jobs of both types have. */
  async #common(jobs: readonly JobRow[]) {
    const { store, packages } = this.#context.services
    const [commands, triggers] = await Promise.all([
      Promise.all(jobs.map(({ packageHash: hash }) => (hash === null ? '' : packages.scriptFile(hash)))),
      store.read('listTriggers', { jobIds: jobs.map(({ id }) => id) }),
    ])
    const triggersOf = Map.groupBy(triggers, ({ jobId }) => jobId)
    return jobs.map((job, index) => {
      const of = (triggersOf.get(job.id) ?? []).map(({ spec }: TriggerRow) => spec)
      const { id, collectionId, name, type } = job
      const command = commands[index] ?? ''
      const singleton = of.some((trigger) => trigger.type === 'continuous' && trigger.singleton === true)
      const scheduled = of.some((trigger) => trigger.type === 'schedule') || unreadableSchedule(job) !== undefined
      return { id, collectionId, name, type, command, settings: settingsOf(job, of), singleton, scheduled }
    })
  }
}

type Settings = Readonly<Record<string, unknown>>

/**
 * What a job's settings.job says, unknown keys too. What was set for the job in other ways is told in the same words, so that
 * a dashboard shows the schedule that is followed.
 */
export function settingsOf(job: JobRow, triggers: readonly TriggerSpec[]): Readonly<Record<string, unknown>> {
  const { settings } = job.spec as { settings?: { all?: Settings; exact?: string } }
  const all = settings?.exact === undefined ? (settings?.all ?? {}) : (readExactly(settings.exact) as Settings)
  const schedule = triggers.find((trigger) => trigger.type === 'schedule')
  const singleton = triggers.some((trigger) => trigger.type === 'continuous' && trigger.singleton === true)
  const everywhere = job.type === 'continuous' && !singleton && all.is_singleton === true
  return {
    ...all,
    ...(schedule === undefined || schedule.origin === 'package' ? {} : { schedule: schedule.ncrontab }),
    ...(singleton ? { is_singleton: true } : everywhere ? { is_singleton: false } : {}),
  }
}
