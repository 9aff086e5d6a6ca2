import { isFinished, type State } from '@jobyard/jobs'
import { JobyardError } from '../../domain/errors.ts'
import type { RunRow, TaskRow } from '../../domain/model.ts'
import type { ApiServices } from '../../services/services.ts'
import type { OutputPage } from '../../store/output/contract.ts'
import { showEntry } from '../views/runs.ts'
import { Attempts } from './attempts.ts'
import { Bell } from './bell.ts'
import { formatEvent, HEARTBEAT } from './sse.ts'

/** Bytes of output that are read at once for a live reader, and for one that wants it whole. */
const LIVE_BYTES = 64 * 1024
const WHOLE_BYTES = 256 * 1024
/** Between looks at a task whose log has ended and which has not, in milliseconds: it may end on another instance. */
const LOOK_AGAIN_MS = 5000

/** Where a reader goes on: behind an entry, of an attempt if it follows a whole run. */
export interface Position {
  readonly attempt?: number
  readonly after: number
}

/** Reads a position as `SEQ`, or `ATTEMPT:SEQ` where attempts are followed. Throws 'input-invalid'. */
export function readPosition(text: string | undefined): Position {
  if (text === undefined) return { after: 0 }
  const [, attempt, after] = /^(?:(\d{1,9}):)?(\d{1,15})$/.exec(text) ?? []
  if (after === undefined) {
    throw new JobyardError('input-invalid', `Last-Event-ID is ${JSON.stringify(text)}, which no output has.`, {
      field: 'Last-Event-ID',
      hint: 'Give back the id of the last event of this stream as it is.',
    })
  }
  return { ...(attempt === undefined ? {} : { attempt: Number(attempt) }), after: Number(after) }
}

/** The bytes of all streams as they came, up to what is there now; at no time more than a page of them in memory. */
export async function* wholeOutput(
  output: ApiServices['output'],
  taskId: string,
  first: OutputPage,
): AsyncGenerator<Buffer, void, undefined> {
  const until = first.lastSeq
  let page = first
  for (;;) {
    const entries = page.entries.filter(({ seq }) => seq <= until)
    const last = entries.at(-1)?.seq
    if (last === undefined) return
    yield Buffer.concat(entries.map(({ bytes }) => bytes))
    if (last >= until) return
    page = await output.read(taskId, { after: last, maxBytes: WHOLE_BYTES })
  }
}

/** The first page for {@link wholeOutput}, read before the answer begins, so that an error is still one. */
export function firstPage(output: ApiServices['output'], taskId: string): Promise<OutputPage> {
  return output.read(taskId, { maxBytes: WHOLE_BYTES })
}

/** What live output is read with, and for how long. */
export interface LiveReading {
  readonly services: ApiServices
  readonly heartbeatMs: number
  readonly signal: AbortSignal
}

/** The output of one task as it comes, and its end. */
export async function* liveTask(
  reading: LiveReading,
  task: TaskRow,
  after: number,
): AsyncGenerator<string, void, undefined> {
  using watch = new Watch(reading, task.runId)
  const state = yield* followTask(reading, watch, task.id, after, (seq) => String(seq))
  if (state === undefined) return
  const { id: taskId, runId, attempt } = task
  yield formatEvent('end', { state, taskId, runId, attempt, ...(await summarise(reading.services.output, taskId)) })
}

/** The output of a run's first target as it comes, attempt after attempt, until the run has ended. */
export async function* liveRun(
  reading: LiveReading,
  run: RunRow,
  from: Position,
): AsyncGenerator<string, void, undefined> {
  const { store } = reading.services
  using watch = new Watch(reading, run.id)
  const attempts = new Attempts(store, run.id)
  let told = (from.attempt ?? Math.max(1, await attempts.latest())) - 1
  let { after } = from
  while (!reading.signal.aborted) {
    // Looked at before the attempts: a run that has ended gets no other.
    const now = await store.read('getRun', { id: run.id })
    const latest = await attempts.latest()
    if (latest > told) {
      const attempt = told + 1
      const taskId = attempts.taskId(attempt)
      if (taskId !== undefined) {
        yield formatEvent('attempt', { taskId, attempt })
        if ((yield* followTask(reading, watch, taskId, after, (seq) => `${attempt}:${seq}`)) === undefined) return
      }
      told = attempt
      after = 0
    } else if (now === null || isFinished(now.state)) {
      return yield formatEvent('end', await describeEnd(reading.services, run, now, told, attempts.taskId(told)))
    } else if (!(await watch.bell.wait(Math.min(LOOK_AGAIN_MS, reading.heartbeatMs)))) yield HEARTBEAT
  }
}

async function describeEnd(
  { output }: ApiServices,
  { id: runId }: RunRow,
  now: RunRow | null,
  attempt: number,
  taskId: string | undefined,
) {
  const log = taskId === undefined ? {} : { taskId, attempt, ...(await summarise(output, taskId)) }
  if (now === null) return { runId, ...log }
  const { state, exitCode, reasonCode, reasonText } = now
  const reason = reasonCode === null ? null : { code: reasonCode, text: reasonText ?? '' }
  return { state, runId, exitCode, reason, ...log }
}

async function summarise(output: ApiServices['output'], taskId: string) {
  const { bytes, dropped, lastSeq } = await output.read(taskId, { maxBytes: 1 })
  return { bytes, dropped, lastSeq }
}

/** Gives a task's output until the task has ended; its state then, or undefined when the reader or the task has gone. */
async function* followTask(
  { services: { store, output }, heartbeatMs, signal }: LiveReading,
  { bell }: Watch,
  taskId: string,
  after: number,
  idOf: (seq: number) => string,
): AsyncGenerator<string, State | undefined, undefined> {
  const unfollow = output.follow(taskId, () => bell.ring())
  let ended: State | undefined
  try {
    while (!signal.aborted) {
      const page = await output.read(taskId, { after, maxBytes: LIVE_BYTES })
      const last = page.entries.at(-1)?.seq
      if (last !== undefined) {
        after = last
        yield page.entries.map((entry) => formatEvent('output', showEntry(entry), idOf(entry.seq))).join('')
        // What is stored after the last of these rings the bell.
        if (last < page.lastSeq) continue
      }
      if (ended !== undefined) return ended
      const task = await store.read('getTask', { id: taskId })
      if (task === null) return undefined
      if (isFinished(task.state)) {
        // A task's log ends before the task does: where it had not when it was read, one more look finds all of it.
        if (page.ended) return task.state
        ended = task.state
        continue
      }
      const patience = page.ended ? Math.min(LOOK_AGAIN_MS, heartbeatMs) : heartbeatMs
      if (!(await bell.wait(patience))) yield HEARTBEAT
    }
    return undefined
  } finally {
    unfollow()
  }
}

/** Rings whenever something of a run changes or its reader goes. */
class Watch {
  readonly bell: Bell
  readonly #deaf: () => void
  readonly #signal: AbortSignal
  readonly #ring = (): void => this.bell.ring()

  constructor({ services, signal }: LiveReading, runId: string) {
    this.bell = new Bell(services.clock)
    this.#signal = signal
    signal.addEventListener('abort', this.#ring, { once: true })
    this.#deaf = services.events.listen(({ event }) => {
      if ('runId' in event && event.runId === runId) this.bell.ring()
    })
  }

  [Symbol.dispose](): void {
    this.#deaf()
    this.#signal.removeEventListener('abort', this.#ring)
  }
}
