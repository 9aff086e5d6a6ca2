import { shortId, shortName } from '../../../domain/instance-name.ts'
import type { JobRow, RunRow } from '../../../domain/model.ts'
import { endedByItself } from '../../../domain/restart.ts'
import { showRunId } from '../../../domain/webjobs-run-id.ts'
import type { ServiceContext } from '../../../services/context.ts'
import { ANYWHERE } from '../../../store/procedures/continuous.ts'
import type { WebJobReader } from '../reader.ts'
import { JOB_LOG, jobLogs, PREVIOUS_LOG } from './job-log.ts'
import { lockFile, RUN_LOCK, SINGLETON_LOCK } from './lock-files.ts'
import { renderedFile } from './rendered-file.ts'
import { type LogSources, readRun } from './run-log.ts'
import { SCHEDULER_LOG, schedulerLogs } from './scheduler-log.ts'
import { textSegment } from './segments.ts'
import type { SiteFile, SiteFolder } from './tree.ts'
import { OUTPUT_LOG, outputLog, STATUS_FILE, statusFile } from './triggered-files.ts'

/** What the folders of logs are made with. Whoever serves them keeps one. */
export interface RenderedLogsParts {
  readonly context: ServiceContext
  readonly reader: WebJobReader
  /** The name of this instance. */
  readonly instance: string
}

/** The logs of jobs as folders of files, rendered while they are read. */
export class RenderedLogs {
  readonly #context: ServiceContext
  readonly #reader: WebJobReader
  readonly #instance: string

  constructor({ context, reader, instance }: RenderedLogsParts) {
    this.#context = context
    this.#reader = reader
    this.#instance = instance
  }

  /** What is to be seen in the data folder of a job besides its own files. */
  folder(job: JobRow): SiteFolder {
    return job.type === 'continuous' ? this.#continuous(job) : this.#triggered(job)
  }

  /** A folder for each run that is kept, and the log of the schedule. */
  #triggered(job: JobRow): SiteFolder {
    const { store } = this.#context.services
    const runs = () => this.#reader.runs(job)
    const schedule = () => schedulerLogs(store, job, this.#id(job))
    return {
      ...folderFacts(job),
      list: async function* (this: RenderedLogs): AsyncGenerator<SiteFile | SiteFolder> {
        for (const run of (await runs()).reverse()) yield this.#run(job, run)
        yield* await schedule()
        yield* await this.#runLocks(job)
      }.bind(this),
      find: async (name) => {
        if (name === SCHEDULER_LOG || name === PREVIOUS_LOG) return named(await schedule(), name)
        if (name === RUN_LOCK) return named(await this.#runLocks(job), name)
        const run = await this.#reader.run(job.id, name)
        return run === null ? null : this.#run(job, run)
      },
    }
  }

  #run(job: JobRow, run: RunRow): SiteFolder {
    const sources = this.#sources(job)
    return {
      type: 'folder',
      name: showRunId(run),
      createdAt: run.createdAt,
      modifiedAt: run.finishedAt ?? run.startedAt ?? run.createdAt,
      async *list() {
        yield await outputLog(sources, run)
        yield statusFile(run)
      },
      async find(name) {
        if (name === OUTPUT_LOG) return await outputLog(sources, run)
        return name === STATUS_FILE ? statusFile(run) : null
      },
    }
  }

  /** The log of all runs, what of it was put aside, and the status of each instance. */
  #continuous(job: JobRow): SiteFolder {
    const logs = () => this.#jobLogs(job)
    const statuses = () => this.#statuses(job)
    const locks = () => this.#singletonLocks(job)
    return {
      ...folderFacts(job),
      async *list() {
        yield* await logs()
        yield* await statuses()
        yield* await locks()
      },
      async find(name) {
        if (name === JOB_LOG || name === PREVIOUS_LOG) return named(await logs(), name)
        if (name === SINGLETON_LOCK) return named(await locks(), name)
        return name.startsWith(STATUS_PREFIX) ? named(await statuses(), name) : null
      },
    }
  }

  async #jobLogs(job: JobRow): Promise<readonly SiteFile[]> {
    const { clock, store } = this.#context.services
    const runs = await this.#reader.runs(job)
    // Read after the runs, so that each of them has its record.
    const records = await store.read('listContinuousRuns', { jobId: job.id })
    const facts = { job, runs, records, steering: this.#steering(job), now: clock.now() }
    return await jobLogs(this.#sources(job), facts)
  }

  /** The lock of the run that goes on, if one does; where several may, of the one that has it longest. */
  async #runLocks(job: JobRow): Promise<SiteFile[]> {
    const live = await this.#context.services.store.read('liveRuns', { jobId: job.id })
    const run = live.find(({ startedAt }) => startedAt !== null)
    if (run === undefined) return []
    const { form } = await readRun(this.#sources(job), run)
    return [lockFile(RUN_LOCK, run, form.id)]
  }

  /** The lock of a singleton that runs, or waits for its next start. */
  async #singletonLocks(job: JobRow): Promise<SiteFile[]> {
    const { store } = this.#context.services
    const places = await store.read('listPlaces', { jobIds: [job.id] })
    const place = places.find((each) => each.place === ANYWHERE)
    const run = place === undefined ? undefined : await this.#reader.newestRun(job)
    const waits = job.enabled && place?.restartAt != null && run !== undefined && endedByItself(run)
    if (run === undefined || (run.id !== place?.runId && !waits)) return []
    const records = await store.read('listContinuousRuns', { jobId: job.id, runId: run.id })
    return [lockFile(SINGLETON_LOCK, run, records[0]?.called ?? this.#id(job))]
  }

  async #statuses(job: JobRow): Promise<SiteFile[]> {
    const { status } = await this.#reader.complete(job)
    const newest = await this.#reader.newestRun(job)
    // What came last: each of it makes another status.
    const modifiedAt = newest?.finishedAt ?? newest?.startedAt ?? job.updatedAt
    // Without an end of line it was worked out, since there is no such file.
    const lines = (status?.detail ?? '').split('\r\n').slice(0, -1)
    return lines.map((line) => {
      const [id = '', word] = line.split(' - ')
      const text = JSON.stringify({ Status: word })
      const times = { createdAt: job.createdAt, modifiedAt }
      return renderedFile({ name: `${STATUS_PREFIX}${id}`, ...times }, [textSegment(text)])
    })
  }

  #sources(job: JobRow): LogSources {
    const { store, output, logger } = this.#context.services
    const onTrouble = (err: unknown) => logger.warn({ err, job: job.id }, 'where a log begins is not kept')
    return { store, output, here: this.#id(job), onTrouble }
  }

  #steering({ collectionId }: JobRow) {
    return this.#context.services.appSettings.of(collectionId).steering
  }

  #id(job: JobRow): string {
    const { instanceId } = this.#steering(job)
    return instanceId === null ? shortName(this.#instance) : shortId(instanceId)
  }
}

const STATUS_PREFIX = 'status_'

function folderFacts({ name, createdAt, updatedAt }: JobRow) {
  return { type: 'folder', name, createdAt, modifiedAt: updatedAt } as const
}

function named(files: readonly SiteFile[], name: string): SiteFile | null {
  return files.find((file) => file.name === name) ?? null
}
