import type { LogFigures } from '../../../store/output/contract.ts'
import { logPlaceOf } from '../../../store/procedures/meta.ts'
import { addedBytes, findWarning, type RunPart, showWarning } from './always-on.ts'
import { type DescribedRun, describeRuns, type RunsOfJob } from './continuous-runs.ts'
import { findRolls, lineAfter, ROLL_BYTES } from './pieces.ts'
import { type FileFacts, renderedFile } from './rendered-file.ts'
import { LineForm } from './log-line.ts'
import { askedLines, continuousBegin, continuousEnd } from './run-lines.ts'
import { attemptSegments, type LogSources, ownSegment, type RunRecord, readRuns } from './run-log.ts'
import { partOf, type Segment, sumBytes, sumLost, textSegment } from './segments.ts'
import type { SiteFile } from './tree.ts'
import { modifiedAt } from './triggered-files.ts'

/** What a continuous job's log is called, and what was put aside of it. */
export const JOB_LOG = 'job_log.txt'
/** The log that was put aside last, of continuous jobs and of schedules. */
export const PREVIOUS_LOG = 'job_prev_log.txt'

/** Bytes of the newest runs that are looked at for where the log begins; older ones cannot be in it. */
const LOOKED_AT_BYTES = 4 * ROLL_BYTES

/** Runs that are read at once: a few are enough where they print much, and else very many are needed. */
const FIRST_RUNS = 8
const MORE_RUNS = 512

/** A place in a job's log that stays the same as the log grows, and as runs lose the oldest of what they printed. */
interface LogPlace {
  readonly runId: string
  /** Bytes behind the beginning of that run's part, lost ones too. */
  readonly at: number
}

/** What a continuous job's log is made of. */
export interface JobLogFacts extends RunsOfJob {
  readonly now: number
}

/** One run's part of a log. */
interface Part extends RunPart {
  readonly segments: readonly Segment[]
  /** Bytes that were lost behind its beginning. */
  readonly lost: number
  readonly modifiedAt: number
}

/** The log of a continuous job: all its runs one behind the other; and what of it was put aside before, if anything was. */
export async function jobLogs(sources: LogSources, facts: JobLogFacts): Promise<readonly SiteFile[]> {
  const { job } = facts
  const parts = await newestParts(sources, facts)
  const [first] = parts
  if (first === undefined) return []
  const segments = parts.flatMap((part) => part.segments)
  const end = sumBytes(segments)
  const place = await readPlace(sources, job.id)
  const begin = await beginOf(segments, end, parts, place)
  const rolls = await findRolls(segments, begin, (from) => addedBytes(parts, from))
  const current = rolls.at(-1) ?? begin
  const previous = rolls.length === 0 ? undefined : (rolls.at(-2) ?? begin)
  const next = placeAt(parts, previous ?? begin)
  // Where nothing was put aside it begins with the oldest run, whichever that is.
  const moved = next.runId !== place?.runId || next.at !== place.at
  if (moved && (rolls.length > 0 || begin > 0)) await keepPlace(sources, job.id, next)
  const modified = Math.max(...parts.map((part) => part.modifiedAt))
  const createdAt = first.run.createdAt
  const log = { name: JOB_LOG, createdAt, modifiedAt: modified }
  const aside = { name: PREVIOUS_LOG, createdAt, modifiedAt: modified }
  const files = [await cut(segments, log, parts, current, end)]
  if (previous !== undefined) files.push(await cut(segments, aside, parts, previous, current))
  return files
}

async function cut(
  segments: readonly Segment[],
  facts: FileFacts,
  parts: readonly Part[],
  from: number,
  to: number,
): Promise<SiteFile> {
  const warning = findWarning(parts, from, to)
  if (warning === undefined) return renderedFile(facts, within(segments, from, to))
  const line = textSegment(await showWarning(warning, segments))
  const [before, behind] = [within(segments, from, warning.at), within(segments, warning.at, to)]
  return renderedFile(facts, [...before, line, ...behind])
}

/** The bytes `from` to before `to` of stretches as stretches. */
function within(segments: readonly Segment[], from: number, to: number): Segment[] {
  const found: Segment[] = []
  let begin = 0
  for (const segment of segments) {
    const first = Math.max(from - begin, 0)
    const last = Math.min(to - begin, segment.bytes)
    if (last > first) found.push(partOf(segment, first, last))
    begin += segment.bytes
  }
  return found
}

/** Where the oldest piece begins: where it did when it was looked at last; else with the oldest run, as far as it matters. */
async function beginOf(
  segments: readonly Segment[],
  end: number,
  parts: readonly Part[],
  place: LogPlace | undefined,
): Promise<number> {
  let begin = 0
  for (const { run, bytes, lost } of parts) {
    const at = place?.at === 0 ? 0 : (place?.at ?? 0) - lost
    if (run.id === place?.runId && at >= 0 && at <= bytes && end - begin - at <= 2 * LOOKED_AT_BYTES) return begin + at
    begin += bytes
  }
  if (end <= LOOKED_AT_BYTES) return 0
  // Far behind the beginning of a long log it must begin somewhere: at a line that is found again as the log grows.
  const far = Math.floor((end - 3 * ROLL_BYTES) / ROLL_BYTES) * ROLL_BYTES
  return await lineAfter(segments, far, end)
}

function placeAt(parts: readonly Part[], at: number): LogPlace {
  let begin = 0
  for (const [index, { run, bytes, lost }] of parts.entries()) {
    if (at < begin + bytes || index === parts.length - 1) {
      return { runId: run.id, at: at === begin ? 0 : at - begin + lost }
    }
    begin += bytes
  }
  throw new Error('A log without runs has no places.')
}

async function readPlace({ store }: LogSources, jobId: string): Promise<LogPlace | undefined> {
  const text = await store.read('getMeta', { name: logPlaceOf(jobId) })
  return text === null ? undefined : JSON.parse(text)
}

/** Without it the log would begin elsewhere once older runs are deleted, or the server starts again. */
async function keepPlace({ store, onTrouble }: LogSources, jobId: string, place: LogPlace): Promise<void> {
  try {
    await store.write('keepLogPlace', { jobId, place: JSON.stringify(place) })
  } catch (error) {
    // A full disk is no reason not to show a log.
    onTrouble(error)
  }
}

/** The parts of the newest runs, in the order of their beginnings, as far back as the log may go. */
async function newestParts(sources: LogSources, facts: JobLogFacts): Promise<Part[]> {
  const known = describeRuns(facts)
  const parts: Part[] = []
  let bytes = 0
  for (let next = 0; next < known.length && bytes < LOOKED_AT_BYTES; ) {
    const group = known.slice(next, next + (next === 0 ? FIRST_RUNS : MORE_RUNS))
    const records = await readRuns(
      sources,
      group.map(({ run }) => run),
    )
    for (const [index, record] of records.entries()) {
      const described = group[index]
      if (described === undefined) continue
      const part = await partOfRun(sources, described, record, facts.now)
      parts.push(part)
      bytes += part.bytes
    }
    next += group.length
  }
  return parts.reverse()
}

async function partOfRun(sources: LogSources, described: DescribedRun, record: RunRecord, now: number): Promise<Part> {
  const { run, waitMs, again, called } = described
  const { attempts } = record
  const form = called === undefined ? record.form : new LineForm(called)
  const begin = continuousBegin(described)
  const first = ownSegment(form, begin.slice(0, again ? 0 : 1))
  const asked = askedLines(described)
  // Asked to end before it could print anything; a log that was opened after that does not change what was said before.
  const early = !attempts.some(({ figures }) => opened(figures) <= (described.askedAt ?? 0))
  const segments = [
    first,
    ownSegment(form, [...begin.slice(again ? 0 : 1), ...(early ? asked : [])]),
    ...(await attemptSegments(sources, record, { stillRunningUntil: now, lines: early ? [] : asked })),
    ownSegment(form, continuousEnd(described, waitMs)),
  ]
  return {
    run,
    form,
    segments,
    bytes: sumBytes(segments),
    lost: sumLost(segments),
    modifiedAt: modifiedAt(record),
    ...(first.bytes === 0 ? {} : { startBytes: first.bytes }),
    isWarned: attempts.some(({ figures }) => figures?.facts.alwaysOn === 'off'),
  }
}

function opened(figures: LogFigures | undefined): number {
  return figures === undefined ? Number.POSITIVE_INFINITY : (figures.openedAt ?? 0)
}
