import type { Static } from 'typebox'
import type { JobRow, RunRow } from '../../domain/model.ts'
import type { Directory } from '../../services/directory.ts'
import type { PackageEdits } from '../../services/package-edits/package-edits.ts'
import type { ApiServices } from '../../services/services.ts'
import type { Job } from '../schemas/jobs.ts'
import type { Run } from '../schemas/runs.ts'
import { showJob } from './jobs.ts'
import { showRun } from './runs.ts'

/** Reads what belongs to jobs and runs, a whole page at a time, and shows them. */
export class Shower {
  readonly #services: ApiServices
  readonly #directory: Directory
  readonly #edits: Pick<PackageEdits, 'faultOf'>

  constructor(services: ApiServices, directory: Directory, edits: Pick<PackageEdits, 'faultOf'>) {
    this.#edits = edits
    this.#services = services
    this.#directory = directory
  }

  /** Jobs with their triggers, their newest run and their places. */
  async jobs(jobs: readonly JobRow[]): Promise<Static<typeof Job>[]> {
    if (jobs.length === 0) return []
    const { store, kinds, clock, appSettings } = this.#services
    const jobIds = jobs.map(({ id }) => id)
    const [triggers, runs, places, collections] = await Promise.all([
      store.read('listTriggers', { jobIds }),
      store.read('latestRuns', { jobIds }),
      store.read('listPlaces', { jobIds }),
      Promise.all(jobs.map(({ collectionId }) => this.#directory.collectionName(collectionId))),
    ])
    const triggersOf = Map.groupBy(triggers, ({ jobId }) => jobId)
    const placesOf = Map.groupBy(places, ({ jobId }) => jobId)
    const runOf = new Map(runs.map((run) => [run.jobId, run]))
    const now = clock.now()
    return jobs.map((job, index) => {
      this.#directory.remember(job)
      return showJob({
        job,
        fault: this.#edits.faultOf(job),
        collection: collections[index] ?? job.collectionId,
        kind: kinds.get(job.kind),
        triggers: triggersOf.get(job.id) ?? [],
        latestRun: runOf.get(job.id),
        places: placesOf.get(job.id) ?? [],
        now,
        steering: appSettings.of(job.collectionId).steering,
      })
    })
  }

  /** One job. */
  async job(job: JobRow): Promise<Static<typeof Job>> {
    const [shown] = await this.jobs([job])
    if (shown === undefined) throw new Error('A job was shown as none.')
    return shown
  }

  /** Runs with the names of their jobs. */
  async runs(runs: readonly RunRow[]): Promise<Static<typeof Run>[]> {
    const ids = [...new Set(runs.map(({ jobId }) => jobId))]
    const briefs = new Map(await Promise.all(ids.map(async (id) => [id, await this.#directory.brief(id)] as const)))
    return runs.map((run) => showRun(run, briefs.get(run.jobId)))
  }

  /** One run. */
  async run(run: RunRow): Promise<Static<typeof Run>> {
    return showRun(run, await this.#directory.brief(run.jobId))
  }
}
