import { isFinished, STATES } from '@jobyard/jobs'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineEvent, NumberedEvent } from '../engine/events.ts'
import type { Directory } from '../services/directory.ts'
import type { ApiApp } from '../services/http/api-app.ts'
import type { ApiServices } from '../services/services.ts'

/** Runs of which the start is remembered until their end. */
const MOST_RUNNING = 50_000

const DELAYS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const DURATIONS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400]

/** Figures for Prometheus, counted from the engine's events of this instance; only the unfinished runs are asked for. */
export class Metrics {
  readonly #services: ApiServices
  readonly #directory: Directory
  readonly #registry = new Registry()
  readonly #startedAt = new Map<string, number>()
  readonly #created: Counter<'kind'>
  readonly #started: Counter<'kind'>
  readonly #finished: Counter<'kind' | 'state'>
  readonly #duration: Histogram<'kind' | 'state'>
  readonly #startDelay: Histogram<'kind'>
  readonly #passed: Counter
  readonly #errors: Counter
  readonly #requests: Histogram<'method' | 'route' | 'status'>
  readonly #live: Gauge<'kind' | 'state'>
  readonly #load: Gauge

  constructor(services: ApiServices, directory: Directory) {
    this.#services = services
    this.#directory = directory
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry, prefix: 'jobyard_' })
    const kind = ['kind'] as const
    const kindAndState = ['kind', 'state'] as const
    const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
      new Counter({ name: `jobyard_${name}`, help, labelNames, registers })
    this.#created = counter('runs_created_total', 'Runs that were made.', kind)
    this.#started = counter('runs_started_total', 'Runs that began to be worked on.', kind)
    this.#finished = counter('runs_finished_total', 'Runs that ended, by how.', kindAndState)
    this.#passed = counter('occurrences_passed_total', 'Occurrences of schedules that made no run.', [])
    this.#errors = counter('errors_total', 'Errors of the engine, each of them in the log.', [])
    const histogram = <T extends string>(name: string, help: string, labelNames: readonly T[], buckets: number[]) =>
      new Histogram({ name: `jobyard_${name}`, help, labelNames, buckets, registers })
    this.#duration = histogram('run_duration_seconds', 'From the start of a run to its end.', kindAndState, DURATIONS)
    this.#startDelay = histogram(
      'run_start_delay_seconds',
      'From the making of a run to its start: dispatch, and the wait for room and in a queue.',
      kind,
      DELAYS,
    )
    const labels = ['method', 'route', 'status'] as const
    this.#requests = histogram(
      'http_request_duration_seconds',
      'From request to the end of its answer.',
      labels,
      DELAYS,
    )
    const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
      new Gauge({ name: `jobyard_${name}`, help, labelNames, registers })
    this.#live = gauge('runs', 'Runs that have not finished, of all instances.', kindAndState)
    this.#load = gauge('load', 'Runs of this instance that take one of its places.', [])
    gauge('concurrency', 'Runs at a time on this instance.', []).set(services.settings.concurrency)
  }

  /** Begins to count. Answers how to stop. */
  start(app: ApiApp): () => void {
    app.addHook('onResponse', async (request, reply) => {
      const { url } = request.routeOptions
      // A live stream lasts as long as somebody looks at it, which says nothing.
      if (url === undefined || String(reply.getHeader('content-type')).startsWith('text/event-stream')) return
      const labels = { method: request.method, route: url, status: String(reply.statusCode) }
      this.#requests.observe(labels, reply.elapsedTime / 1000)
    })
    return this.#services.events.listen((event) => this.#count(event))
  }

  /** All figures in Prometheus' text form. */
  async write(): Promise<{ readonly type: string; readonly text: string }> {
    const live = await this.#services.store.read('countLive', undefined)
    this.#live.reset()
    for (const kind of this.#services.kinds.keys()) {
      for (const state of STATES) if (!isFinished(state)) this.#live.set({ kind, state }, 0)
    }
    for (const { kind, state, count } of live) this.#live.set({ kind, state }, Number(count))
    this.#load.set(this.#services.engine.load)
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  #count({ event, time }: NumberedEvent): void {
    if (event.type === 'run.created') this.#withKind(event.jobId, (kind) => this.#created.inc({ kind }))
    else if (event.type === 'task.changed') this.#countStart(event, time)
    else if (event.type === 'run.changed') this.#countEnd(event, time)
    else if (event.type === 'schedule.passed') this.#passed.inc(event.count)
    else if (event.type === 'error' || event.type === 'schedule.unreadable') this.#errors.inc()
  }

  /** A run starts with the first task that does: the claim before it is announced by nobody. */
  #countStart({ runId, jobId, state }: Extract<EngineEvent, { type: 'task.changed' }>, time: number): void {
    if (state !== 'running' || this.#startedAt.has(runId)) return
    this.#noteStart(runId, time)
    // The id of a run begins with the time of its making.
    const delay = Math.max(0, time - Number.parseInt(runId.replaceAll('-', '').slice(0, 12), 16)) / 1000
    this.#withKind(jobId, (kind) => {
      this.#started.inc({ kind })
      this.#startDelay.observe({ kind }, delay)
    })
  }

  #countEnd({ runId, jobId, state }: Extract<EngineEvent, { type: 'run.changed' }>, time: number): void {
    if (!isFinished(state)) return
    const startedAt = this.#startedAt.get(runId)
    this.#startedAt.delete(runId)
    this.#withKind(jobId, (kind) => {
      this.#finished.inc({ kind, state })
      if (startedAt !== undefined) this.#duration.observe({ kind, state }, Math.max(0, time - startedAt) / 1000)
    })
  }

  #noteStart(runId: string, time: number): void {
    const [oldest] = this.#startedAt.keys()
    if (this.#startedAt.size >= MOST_RUNNING && oldest !== undefined) this.#startedAt.delete(oldest)
    this.#startedAt.set(runId, time)
  }

  /** Events name the job, not its kind: mostly remembered, else looked up; a job that is gone counts as of no kind. */
  #withKind(jobId: string, count: (kind: string) => void): void {
    const known = this.#directory.recall(jobId)
    if (known !== undefined) {
      count(known.kind)
      return
    }
    this.#directory.brief(jobId).then(
      (brief) => count(brief?.kind ?? ''),
      (error: unknown) => this.#services.logger.warn({ err: error }, 'a figure could not be counted'),
    )
  }
}
