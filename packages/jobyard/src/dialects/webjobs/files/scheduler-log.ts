import type { JobRow } from '../../../domain/model.ts'
import { parseNcrontab } from '../../../domain/ncrontab.ts'
import { nextOccurrence, previewOccurrences } from '../../../domain/occurrences.ts'
import { unreadableSchedule } from '../../../kinds/script/unreadable-schedule.ts'
import type { Repository } from '../../../store/procedures/index.ts'
import type { AuditedSchedule, UnreadableSchedule } from '../../../store/procedures/replace-triggers.ts'
import type { AuditRow, OccurrenceRow } from '../../../store/procedures/read-jobs.ts'
import { showTimeSpan } from '../net-time.ts'
import { PREVIOUS_LOG } from './job-log.ts'
import { LineForm, type OwnLine, showTime } from './log-line.ts'
import { findRolls } from './pieces.ts'
import { renderedFile } from './rendered-file.ts'
import { partOf, textSegment } from './segments.ts'
import type { SiteFile } from './tree.ts'

/** The log of a job's schedule. */
export const SCHEDULER_LOG = 'job_scheduler.log'

/** Occurrences that are looked at, the newest: more than two pieces of the log hold. */
const MOST_OCCURRENCES = 25_000
const PAGE = 1000

/** Changes of a job that are looked at, the newest. */
const MOST_CHANGES = 1000

/** What the log of a schedule is worked out from; each in the order of time. */
export interface ScheduleRecords {
  readonly occurrences: readonly OccurrenceRow[]
  readonly changes: readonly Pick<AuditRow, 'time' | 'detail'>[]
}

/** A schedule of a job, as it was set. */
type SetSchedule = AuditedSchedule | UnreadableSchedule

/** The log of a job's schedule, and what of it was put aside before; nothing for a job that never had a schedule. */
export async function schedulerLogs(store: Repository, job: JobRow, id: string): Promise<readonly SiteFile[]> {
  const lines = schedulerLines(await readRecords(store, job))
  const [first] = lines
  const last = lines.at(-1)
  if (first === undefined || last === undefined) return []
  const forms = new Map(lines.map(({ called = id }) => [called, new LineForm(called)]))
  const segment = textSegment(lines.map((line) => forms.get(line.called ?? id)?.show(line) ?? '').join(''))
  const rolls = await findRolls([segment], 0)
  const times = { createdAt: first.time, modifiedAt: last.time }
  const begin = rolls.at(-1) ?? 0
  const current = { name: SCHEDULER_LOG, ...times }
  const files = [renderedFile(current, [partOf(segment, begin, segment.bytes)])]
  if (rolls.length === 0) return files
  const before = { name: PREVIOUS_LOG, ...times }
  return [...files, renderedFile(before, [partOf(segment, rolls.at(-2) ?? 0, begin)])]
}

async function readRecords(store: Repository, job: JobRow): Promise<ScheduleRecords> {
  const { id: jobId, updatedAt: time } = job
  const occurrences = await readOccurrences(store, jobId)
  const [schedule] = await readSchedules(store, job)
  const audit = await store.read('listAudit', { targetId: jobId, limit: MOST_CHANGES })
  const changes = audit.filter(({ action }) => action.startsWith('job.')).reverse()
  const known = changes.some(({ detail }) => detail.schedules !== undefined)
  // The audit log is not kept for ever.
  const set = schedule === undefined || known ? [] : [{ time, detail: { schedules: [schedule] } }]
  return { occurrences, changes: [...changes, ...set] }
}

async function readSchedules(store: Repository, { id, updatedAt, spec: ofScript }: JobRow): Promise<SetSchedule[]> {
  const triggers = await store.read('listTriggers', { jobIds: [id] })
  const readable = triggers.flatMap(({ spec }) => {
    if (spec.type !== 'schedule') return []
    const { ncrontab, timeZone } = spec
    return [{ ncrontab, timeZone, next: nextOccurrence({ ncrontab: parseNcrontab(ncrontab), timeZone }, updatedAt) }]
  })
  const unreadable = readable.length === 0 ? unreadableSchedule(ofScript) : undefined
  return unreadable === undefined ? readable : [unreadable]
}

async function readOccurrences(store: Repository, jobId: string): Promise<OccurrenceRow[]> {
  const found: OccurrenceRow[] = []
  while (found.length < MOST_OCCURRENCES) {
    const before = found.at(-1)?.due
    const page = await store.read('listOccurrences', {
      jobId,
      ...(before === undefined ? {} : { before }),
      limit: PAGE,
    })
    found.push(...page)
    if (page.length < PAGE) break
  }
  // What stands at no whole second is the refusal of another trigger.
  return found.filter(({ due }) => due % 1000 === 0).reverse()
}

/** A line, and the rank of its cause among those of the same moment. */
interface Placed {
  readonly line: OwnLine
  readonly rank: number
}

/** What the scheduler of WebJobs would have written. */
export function schedulerLines({ occurrences, changes }: ScheduleRecords): OwnLine[] {
  const settings = followChanges(changes)
  const placed: Placed[] = [...settings.lines.map((line) => ({ line, rank: 0 }))]
  for (const group of groupMissed(occurrences)) {
    const next = nextAfter(group, occurrences, settings.scheduleAt)
    placed.push(...tell(group, next, settings.scheduleAt).map((line) => ({ line, rank: 1 })))
  }
  return placed.toSorted((a, b) => a.line.time - b.line.time || a.rank - b.rank).map(({ line }) => line)
}

interface FollowedChanges {
  readonly lines: readonly OwnLine[]
  /** The schedule at a moment; undefined when there was none, or nobody knows. */
  scheduleAt(time: number): AuditedSchedule | undefined
}

/** Goes through the changes of a job for those of its schedule. */
function followChanges(changes: ScheduleRecords['changes']): FollowedChanges {
  const lines: OwnLine[] = []
  const known: { readonly time: number; readonly schedule: AuditedSchedule | undefined }[] = []
  let before: SetSchedule | undefined
  for (const { time, detail } of changes) {
    const [schedule] = Array.isArray(detail.schedules) ? (detail.schedules as SetSchedule[]) : []
    if (isSame(schedule, before)) continue
    known.push({ time, schedule: isReadable(schedule) ? schedule : undefined })
    const by = typeof detail.called === 'string' ? { called: detail.called } : {}
    lines.push(...tellChange(schedule, before, time).map((line) => ({ time, ...by, ...line })))
    before = schedule
  }
  return {
    lines,
    scheduleAt: (time) => (known.findLast((each) => each.time <= time) ?? known[0])?.schedule,
  }
}

function isReadable(schedule: SetSchedule | undefined): schedule is AuditedSchedule {
  return schedule !== undefined && 'ncrontab' in schedule
}

function isSame(one: SetSchedule | undefined, other: SetSchedule | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  if (!isReadable(one) || !isReadable(other)) return isSameText(one, other)
  return one.ncrontab === other.ncrontab && one.timeZone === other.timeZone && one.rests === other.rests
}

function isSameText(one: SetSchedule, other: SetSchedule): boolean {
  return !isReadable(one) && !isReadable(other) && one.unreadable === other.unreadable
}

/** What is said when a schedule takes the place of another one, or of none. */
function tellChange(
  schedule: SetSchedule | undefined,
  before: SetSchedule | undefined,
  time: number,
): Omit<OwnLine, 'time'>[] {
  if (isReadable(schedule)) return [{ text: tellSet(schedule, time) }]
  const removed = isReadable(before) ? [{ text: 'Removing current schedule from WebJob' }] : []
  if (schedule === undefined) return removed
  const text = `Failed to parse schedule "${schedule.unreadable}". Error: ${schedule.error}`
  return [{ level: 'ERR ', text }, ...removed]
}

/** The settings by which schedules stand still. */
const RESTS = { unscheduled: 'WEBJOBS_DISABLE_SCHEDULE', stopped: 'WEBJOBS_STOPPED' } as const

function tellSet(schedule: AuditedSchedule, time: number): string {
  const { next, rests } = schedule
  if (rests !== undefined) return `The schedule ${normalise(schedule)} is not followed because of ${RESTS[rests]}`
  return `Scheduling WebJob with ${normalise(schedule)} next schedule ${expected(next, time)}`
}

function normalise({ ncrontab }: AuditedSchedule): string {
  return parseNcrontab(ncrontab).normalised
}

/** Occurrences that were missed together are told together; each of the others by itself. */
function groupMissed(occurrences: readonly OccurrenceRow[]): OccurrenceRow[][] {
  const groups: OccurrenceRow[][] = []
  for (const each of occurrences) {
    const last = groups.at(-1)
    const [first] = last ?? []
    if (each.outcome === 'missed' && first?.outcome === 'missed' && first.recordedAt === each.recordedAt)
      last?.push(each)
    else groups.push([each])
  }
  return groups
}

/** The occurrence that was expected after some: the next on record, unless some before that are not listed. */
function nextAfter(
  group: readonly OccurrenceRow[],
  occurrences: readonly OccurrenceRow[],
  scheduleAt: FollowedChanges['scheduleAt'],
): number | null {
  const last = group.at(-1)
  if (last === undefined) return null
  const schedule = scheduleAt(last.recordedAt)
  if (schedule !== undefined) {
    const { timeZone } = schedule
    return nextOccurrence({ ncrontab: parseNcrontab(schedule.ncrontab), timeZone }, Math.max(last.due, last.recordedAt))
  }
  return occurrences.find(({ due }) => due > last.due)?.due ?? null
}

function tell(
  group: readonly OccurrenceRow[],
  next: number | null,
  scheduleAt: FollowedChanges['scheduleAt'],
): OwnLine[] {
  const last = group.at(-1)
  if (last === undefined) return []
  const time = last.recordedAt
  const by = last.called === null ? {} : { called: last.called }
  const expectation = { time, ...by, text: `Next schedule ${expected(next, time)}` }
  if (last.outcome === 'missed') {
    const count = group.reduce((sum, { more }) => sum + 1 + more, 0)
    const zone = scheduleAt(time)?.timeZone ?? 'UTC'
    return [
      { time, ...by, level: 'WARN', text: `Missed ${count} schedules, most recent at ${showLocal(last.due, zone)}` },
      expectation,
    ]
  }
  if (last.outcome === 'ran') return [{ time, ...by, text: 'WebJob invoked' }, expectation]
  return [
    { time, ...by, level: 'WARN', text: `WebJob was not invoked: ${last.reason ?? 'it was passed over'}` },
    expectation,
  ]
}

function expected(next: number | null, time: number): string {
  return next === null ? 'is never expected' : `expected in ${showTimeSpan(next - time)}`
}

/** A moment by the clock of a zone, as .NET writes it where no culture is asked for. */
function showLocal(time: number, timeZone: string): string {
  const everySecond = { ncrontab: parseNcrontab('* * * * * *'), timeZone }
  const [found] = previewOccurrences(everySecond, { after: time - 1000, count: 1 })
  return showTime(found === undefined ? time : Date.parse(`${found.local}Z`))
}
