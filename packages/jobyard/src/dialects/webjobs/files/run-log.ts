import type { RunRow, TaskRow } from '../../../domain/model.ts'
import { isFinished } from '@jobyard/jobs'
import type { LogFigures, OutputStore } from '../../../store/output/contract.ts'
import type { Repository } from '../../../store/procedures/index.ts'
import { idOf, LineForm, type OwnLine } from './log-line.ts'
import { type Insertion, logSegment } from './log-segment.ts'
import { beginLines, retryLines, stillRunningLines } from './run-lines.ts'
import { partOf, type Segment, textSegment } from './segments.ts'

/** Attempts of a run that its log shows at the most. */
const MOST_ATTEMPTS = 1000
/** Attempts of several runs that are read at once; runs of continuous jobs have one each. */
const MOST_TASKS = 20_000

/** What logs are rendered from. */
export interface LogSources {
  readonly store: Repository
  readonly output: OutputStore
  /** What this instance is called in logs that do not say on which one they were written. */
  readonly here: string
  /** Told of what went wrong and keeps no log from being shown. */
  onTrouble(error: unknown): void
}

/** An attempt that began, with what is known of its output. */
interface Attempt {
  readonly task: Pick<TaskRow, 'startedAt' | 'finishedAt' | 'reasonCode' | 'reasonText' | 'exitCode'>
  /** Undefined when it printed nothing and nothing is known of it. */
  readonly figures: LogFigures | undefined
}

/** A run with its attempts. */
export interface RunRecord {
  readonly run: RunRow
  readonly attempts: readonly Attempt[]
  /** What the instance is called that it ran on. */
  readonly form: LineForm
  /** The script, if that is known. */
  readonly script: string | undefined
}

/** Reads all that a run's log is made of, but for the output itself. */
export async function readRun(sources: LogSources, run: RunRow): Promise<RunRecord> {
  const tasks = await sources.store.read('listTasks', { runId: run.id, limit: MOST_ATTEMPTS })
  const [record] = await withFigures(sources, [{ run, tasks }])
  if (record === undefined) throw new Error('A run was read to none.')
  return record
}

/** As {@link readRun}, for several runs in one go; in their order. */
export async function readRuns(sources: LogSources, runs: readonly RunRow[]): Promise<RunRecord[]> {
  const tasks = await sources.store.read('listTasksOf', { runIds: runs.map(({ id }) => id), limit: MOST_TASKS })
  const tasksOf = Map.groupBy(tasks, ({ runId }) => runId)
  return await withFigures(
    sources,
    runs.map((run) => ({ run, tasks: tasksOf.get(run.id) ?? [] })),
  )
}

async function withFigures(
  { output, here }: LogSources,
  runs: readonly { readonly run: RunRow; readonly tasks: readonly TaskRow[] }[],
): Promise<RunRecord[]> {
  const known = runs.map(({ run, tasks }) => ({ run, begun: tasks.filter(({ startedAt }) => startedAt !== null) }))
  const asked = known.flatMap(({ begun }) => begun.map(({ id, state }) => ({ taskId: id, final: isFinished(state) })))
  const figures = new Map((await output.figures(asked)).map((each) => [each.taskId, each]))
  return known.map(({ run, begun }) => {
    const attempts = begun.map((task) => ({ task, figures: figures.get(task.id) }))
    const facts = attempts.find(({ figures: each }) => each?.facts.instance !== undefined)?.figures?.facts ?? {}
    return { run, attempts, form: new LineForm(idOf(facts, here)), script: facts.script }
  })
}

/** The lines of the engine as a stretch of a file. */
export function ownSegment(form: LineForm, lines: readonly OwnLine[]): Segment {
  return textSegment(lines.map((line) => form.show(line)).join(''))
}

/** What logs of continuous jobs say among the lines of the output. */
export interface SaidBetween {
  /** Until when to say now and then that the job still runs, epoch milliseconds. */
  readonly stillRunningUntil: number
  /** What is said besides, in the order of time. */
  readonly lines: readonly OwnLine[]
}

/** All attempts of a run, each with its beginning. */
export async function attemptSegments(
  { output, here }: Pick<LogSources, 'output' | 'here'>,
  { attempts }: Pick<RunRecord, 'attempts'>,
  between?: SaidBetween,
): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const [index, { task, figures }] of attempts.entries()) {
    if (figures !== undefined) {
      const form = new LineForm(idOf(figures.facts, here))
      const said = between === undefined ? [] : saidDuring(task, figures, between)
      segments.push(...(await attemptSegment(output, figures, form, said)))
    }
    if (index < attempts.length - 1 && task.finishedAt !== null) {
      segments.push(ownSegment(new LineForm(idOf(figures?.facts ?? {}, here)), retryLines(task.finishedAt, task)))
    }
  }
  return segments
}

function saidDuring({ finishedAt }: Attempt['task'], { openedAt }: LogFigures, between: SaidBetween): OwnLine[] {
  const still = openedAt === null ? [] : stillRunningLines(openedAt, finishedAt ?? between.stillRunningUntil)
  return [...still, ...between.lines].toSorted((one, other) => one.time - other.time)
}

/** That the script begins comes behind what made its folder ready, and before what it prints. */
async function attemptSegment(
  output: OutputStore,
  figures: LogFigures,
  form: LineForm,
  between: readonly OwnLine[],
): Promise<Segment[]> {
  const { facts, openedAt } = figures
  const begun = openedAt ?? 0
  const insertions: Insertion[] = between.map((line) => ({ time: line.time, line: form.show(line) }))
  const log = logSegment({ output, figures, form, insertions })
  if (facts.script === undefined) return [log]
  const begin = ownSegment(form, beginLines(begun, facts))
  const changes = Math.min(Number(facts.changes ?? 0), figures.counts.lines)
  if (changes === 0 || figures.lost.lines > 0) return [begin, log]
  const prepared = await lengthOfLines(log, changes)
  return [partOf(log, 0, prepared), begin, partOf(log, prepared, log.bytes)]
}

/** How long the first lines are. */
async function lengthOfLines(log: Segment, count: number): Promise<number> {
  if (count === 0) return 0
  let length = 0
  let left = count
  for await (const piece of log.read(0, log.bytes)) {
    for (const byte of piece) {
      length++
      if (byte === LINE_FEED && --left === 0) return length
    }
  }
  return length
}

const LINE_FEED = 10
