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
export async function readRun({ store, output, here }: LogSources, run: RunRow): Promise<RunRecord> {
  const tasks = await store.read('listTasks', { runId: run.id, limit: MOST_ATTEMPTS })
  const begun = tasks.filter(({ startedAt }) => startedAt !== null)
  const asked = begun.map(({ id, state }) => ({ taskId: id, final: isFinished(state) }))
  const figures = new Map((await output.figures(asked)).map((each) => [each.taskId, each]))
  const attempts = begun.map((task) => ({ task, figures: figures.get(task.id) }))
  const facts = attempts.find(({ figures: known }) => known?.facts.instance !== undefined)?.figures?.facts ?? {}
  return { run, attempts, form: new LineForm(idOf(facts, here)), script: facts.script }
}

/** The lines of the engine as a stretch of a file. */
export function ownSegment(form: LineForm, lines: readonly OwnLine[]): Segment {
  return textSegment(lines.map((line) => form.show(line)).join(''))
}

/** All attempts of a run, each with its beginning. `stillRunningUntil`: say so until then, as logs of continuous jobs do. */
export async function attemptSegments(
  { output, here }: Pick<LogSources, 'output' | 'here'>,
  { attempts }: Pick<RunRecord, 'attempts'>,
  stillRunningUntil?: number,
): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const [index, { task, figures }] of attempts.entries()) {
    if (figures !== undefined) {
      const form = new LineForm(idOf(figures.facts, here))
      const end = stillRunningUntil === undefined ? undefined : (task.finishedAt ?? stillRunningUntil)
      segments.push(...(await attemptSegment(output, figures, form, end)))
    }
    if (index < attempts.length - 1 && task.finishedAt !== null) {
      segments.push(ownSegment(new LineForm(idOf(figures?.facts ?? {}, here)), retryLines(task.finishedAt, task)))
    }
  }
  return segments
}

/** That the script begins comes behind what made its folder ready, and before what it prints. */
async function attemptSegment(
  output: OutputStore,
  figures: LogFigures,
  form: LineForm,
  stillRunningUntil: number | undefined,
): Promise<Segment[]> {
  const { facts, openedAt } = figures
  const begun = openedAt ?? 0
  const insertions: Insertion[] =
    stillRunningUntil === undefined || openedAt === null
      ? []
      : stillRunningLines(openedAt, stillRunningUntil).map((line) => ({ time: line.time, line: form.show(line) }))
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
