import type { LiveEvents } from './events.ts'
import { Listing, type ListOptions } from './listing.ts'
import { JobyardProblem } from './problem.ts'
import { pathOf } from './call.ts'
import { delay } from './time-limit.ts'
import type { Transport } from './transport.ts'
import type { JobScope, Run, RunFilter, RunInput, State, Task } from './types.ts'

/** Whether a run or task in this state will not change any more. */
export function isFinished(state: State): boolean {
  return state === 'completed' || state === 'failed' || state === 'stopped'
}

/** Events wake a waiting caller; should one be lost, the run is looked at after so many milliseconds all the same. */
const LOOK_AGAIN_MS = 5000

/** Runs. A run is named by its id. */
export class Runs {
  readonly #transport: Transport
  readonly #events: LiveEvents

  constructor(transport: Transport, events: LiveEvents) {
    this.#transport = transport
    this.#events = events
  }

  /** Starts a job once. Fails with `run-refused` when it runs already and its overlap rule is `forbid`. */
  async create(job: string, input: RunInput = {}, scope: JobScope = {}): Promise<Run> {
    const path = pathOf('v1', 'jobs', job, 'runs')
    return await this.#transport.json<Run>({ method: 'POST', path, query: { ...scope }, body: input })
  }

  /** Runs that the filter lets through, the newest first. */
  list(filter: RunFilter = {}, options: ListOptions = {}): Listing<Run> {
    return new Listing<Run>(this.#transport, '/v1/runs', filter, options)
  }

  /** A run. Fails with `run-unknown`. */
  async get(run: string, signal?: AbortSignal): Promise<Run> {
    return await this.#transport.json<Run>({ method: 'GET', path: pathOf('v1', 'runs', run), signal })
  }

  /** Ends a run: its processes are asked to end, and killed after their grace. */
  async stop(run: string): Promise<Run> {
    return await this.#act(run, 'stop')
  }

  /** Freezes a run where it is. */
  async suspend(run: string): Promise<Run> {
    return await this.#act(run, 'suspend')
  }

  /** Lets a suspended run go on. */
  async resume(run: string): Promise<Run> {
    return await this.#act(run, 'resume')
  }

  /** Starts a new run with the arguments and the body of an earlier one. */
  async rerun(run: string): Promise<Run> {
    return await this.#act(run, 'rerun')
  }

  /** The tasks of a run, attempts that were followed by another too, in the order of their making. */
  tasks(run: string, options: ListOptions = {}): Listing<Task> {
    return new Listing<Task>(this.#transport, pathOf('v1', 'runs', run, 'tasks'), {}, options)
  }

  /** A task by its id. */
  async task(id: string): Promise<Task> {
    return await this.#transport.json<Task>({ method: 'GET', path: pathOf('v1', 'tasks', id) })
  }

  /**
   * Waits for the end of a run and gives it back finished. After `timeoutMs` (default: never) it is given back as it
   * is then. Rejects with the signal's reason when that aborts.
   */
  async wait(run: string, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<Run> {
    const first = await this.get(run, options.signal)
    if (isFinished(first.state)) return first
    const ours = new AbortController()
    const wakes = new Wakes()
    const timer =
      options.timeoutMs === undefined ? undefined : setTimeout(() => wakes.end(), Math.max(options.timeoutMs, 0))
    const signal = options.signal === undefined ? ours.signal : AbortSignal.any([ours.signal, options.signal])
    const listening = this.#listen(first, wakes, signal)
    try {
      for (;;) {
        const latest = await this.get(run, options.signal)
        if (isFinished(latest.state) || wakes.ended) return latest
        await Promise.race([wakes.next(), delay(LOOK_AGAIN_MS, signal)])
      }
    } finally {
      clearTimeout(timer)
      ours.abort()
      await listening
    }
  }

  /** Wakes whoever waits at every event of the run. Where no events are to be had, looking again must do. */
  async #listen(run: Run, wakes: Wakes, signal: AbortSignal): Promise<void> {
    try {
      const onOpen = (): void => wakes.wake()
      for await (const event of this.#events.follow({ job: run.job.id }, { signal, onOpen })) {
        if (event.type === 'gap' || event.runId === run.id) wakes.wake()
      }
    } catch (error) {
      // If the server is gone, the next look says so.
      if (!signal.aborted && !(error instanceof JobyardProblem)) wakes.fail(error)
    }
  }

  async #act(run: string, verb: string): Promise<Run> {
    return await this.#transport.json<Run>({ method: 'POST', path: pathOf('v1', 'runs', run, verb) })
  }
}

/** A bell that may ring before somebody waits for it. */
class Wakes {
  ended = false
  #waiting = patient()

  wake(): void {
    this.#waiting.resolve()
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  fail(error: unknown): void {
    this.#waiting.reject(error)
  }

  async next(): Promise<void> {
    await this.#waiting.promise
    this.#waiting = patient()
  }
}

/** A promise that may be rejected while nobody waits for it. */
function patient(): PromiseWithResolvers<void> {
  const waiting = Promise.withResolvers<void>()
  waiting.promise.catch(() => undefined)
  return waiting
}
