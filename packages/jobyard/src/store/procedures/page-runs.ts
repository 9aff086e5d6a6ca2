import type { State } from '@jobyard/jobs'
import type { RunRow, Why } from '../../domain/model.ts'
import { all, first, Query, type Steps, sql } from '../sql.ts'
import { RUN_COLUMNS, type RunRecord, toRun } from './entities.ts'
import type { Part } from './parts.ts'

/** Which runs to list, the newest first. All that is given must hold. */
export interface RunFilter {
  readonly jobId?: string
  readonly collectionId?: string
  readonly kind?: string
  readonly states?: readonly State[]
  readonly why?: Why
  /** Created at or after, epoch milliseconds. */
  readonly from?: number
  /** Created before, epoch milliseconds. */
  readonly to?: number
  /** Only runs older than the one with this id: where the page before ended. */
  readonly before?: string
  readonly limit: number
}

/** Every reason to begin, as the indexes of pages have them. */
const WHYS = Object.keys({
  manual: true,
  continuous: true,
  schedule: true,
  webhook: true,
  after: true,
  rerun: true,
  failure: true,
} satisfies Record<Why, true>) as Why[]
const FINAL: readonly State[] = ['completed', 'failed', 'stopped']

/** Heaps that one statement looks into: SQLite takes 500 parts, and PostgreSQL plans a long list of them slowly. */
const MOST_HEAPS = 200

/**
 * A page of runs. Ids begin with the time, so both order and time range go by them. The indexes of pages have runs in
 * heaps: of a job, or of a collection and a kind; why; and state. A page is put together from the newest of each heap that may
 * hold some of it, so its cost is that of the page, however many runs there are and however few of them match.
 */
export function* listRuns(asked: RunFilter): Steps<RunRow[]> {
  const filter = yield* completeByJob(asked)
  if (filter === undefined) return []
  const { jobId, collectionId, kind, states, why, limit } = filter
  const narrowed = [jobId, collectionId, kind, states, why].some((each) => each !== undefined)
  if (!narrowed) return (yield* ask(wholePage(filter))).map(toRun)
  const heaps = yield* heapsOf(filter)
  const rows: RunRecord[] = []
  for (let from = 0; from < heaps.length; from += MOST_HEAPS) {
    rows.push(...(yield* ask(merge(heaps.slice(from, from + MOST_HEAPS), limit))))
  }
  if (heaps.length > MOST_HEAPS) rows.sort((a, b) => (a.id < b.id ? 1 : -1))
  return rows.slice(0, limit).map(toRun)
}

function ask({ text, params }: Part): Steps<readonly RunRecord[]> {
  return all<RunRecord>(new Query(() => text, false), ...params)
}

const jobIs = sql('select collection_id as "collectionId", kind from job where id = ?')

/** With the collection and kind of the job, which are those of its runs; undefined when others are asked for. */
function* completeByJob(filter: RunFilter): Steps<RunFilter | undefined> {
  if (filter.jobId === undefined) return filter
  const job = yield* first<{ collectionId: string; kind: string }>(jobIs, filter.jobId)
  if (job === undefined) return undefined
  const { collectionId = job.collectionId, kind = job.kind } = filter
  return collectionId === job.collectionId && kind === job.kind ? { ...filter, collectionId, kind } : undefined
}

function wholePage(filter: RunFilter): Part {
  const range = rangeOf(filter, 'id')
  const where = range.text === '' ? '' : ` where ${range.text.replace(' and ', '')}`
  return {
    text: `select ${RUN_COLUMNS} from run${where} order by id desc limit ?`,
    params: [...range.params, filter.limit],
  }
}

/** The newest of all heaps. The join has its order, so that no database reads all runs for the sake of the few. */
function merge(heaps: readonly Part[], limit: number): Part {
  const union = heaps.map(({ text }) => `select id from (${text}) as heap_`).join(' union all ')
  return {
    text: `select ${RUN_COLUMNS} from (select id from (${union}) as heaps_ order by id desc limit ?) as page_
      cross join run where run.id = page_.id order by page_.id desc`,
    params: [...heaps.flatMap(({ params }) => params), limit],
  }
}

function* heapsOf(filter: RunFilter): Steps<Part[]> {
  const { states, why, limit } = filter
  const scopes = yield* scopesOf(filter)
  const whys = why === undefined ? WHYS : [why]
  const ended = states === undefined ? FINAL : FINAL.filter((state) => states.includes(state))
  const range = rangeOf(filter, 'id')
  const heaps = scopes.flatMap((scope) =>
    whys.flatMap((each) =>
      ended.map((state) => ({
        text: `select id from run where finished_at is not null and ${scope.text} and why = ? and state = ?${range.text}
          order by id desc limit ?`,
        params: [...scope.params, each, state, ...range.params, limit],
      })),
    ),
  )
  const live = states?.filter((state) => !FINAL.includes(state))
  return live?.length === 0 ? heaps : [...heaps, ...(yield* liveHeaps(filter, live))]
}

/** Where to look for finished runs: one place for a job, and one for each kind, of a collection or of all. */
function* scopesOf({ jobId, collectionId, kind }: RunFilter): Steps<Part[]> {
  if (jobId !== undefined) return [{ text: 'job_id = ?', params: [jobId] }]
  const kinds = kind === undefined ? yield* readKinds(collectionId) : [kind]
  return kinds.map((each) =>
    collectionId === undefined
      ? { text: 'kind = ?', params: [each] }
      : { text: 'collection_id = ? and kind = ?', params: [collectionId, each] },
  )
}

const kindAfter = sql('select min(kind) as kind from run where finished_at is not null and kind > ?')
const kindAfterIn = sql(
  'select min(kind) as kind from run where finished_at is not null and collection_id = ? and kind > ?',
)

/** The kinds of which there are finished runs, in a collection or in all: one look into the index for each. */
function* readKinds(collectionId: string | undefined): Steps<string[]> {
  const kinds: string[] = []
  for (;;) {
    const after = kinds.at(-1) ?? ''
    const next =
      collectionId === undefined
        ? yield* first<{ kind: string | null }>(kindAfter, after)
        : yield* first<{ kind: string | null }>(kindAfterIn, collectionId, after)
    if (next?.kind === null || next === undefined) return kinds
    kinds.push(next.kind)
  }
}

/**
 * Unfinished runs. What an instance has taken is little, and is sorted. What nobody has taken may be very many, and stands
 * in heaps; that of a job alone has an index of its own, in which the newest are soon found unless few are in the state.
 */
function* liveHeaps(filter: RunFilter, states: readonly State[] | undefined): Steps<Part[]> {
  if (filter.jobId !== undefined && states?.includes('pending') !== false) return [jobHeap(filter, states)]
  const waiting = yield* readWaiting(filter, states)
  return [takenHeap(filter, states), ...waiting.map((heap) => waitingHeap(filter, heap))]
}

function jobHeap(filter: RunFilter, states: readonly State[] | undefined): Part {
  const equal = allOf({ job_id: filter.jobId, why: filter.why })
  const among = anyOf(states)
  const range = rangeOf(filter, 'id')
  return {
    text: `select id from run where finished_at is null${equal.text}${among.text}${range.text}
      order by finished_at desc, id desc limit ?`,
    params: [...equal.params, ...among.params, ...range.params, filter.limit],
  }
}

/** A condition on `(id || '')` or `(job_id || '')` cannot tempt a database to go by anything but the owner. */
function takenHeap(filter: RunFilter, states: readonly State[] | undefined): Part {
  const { jobId, collectionId, kind, why, limit } = filter
  const equal = allOf({ "(job_id || '')": jobId, collection_id: collectionId, kind, why })
  const among = anyOf(states)
  const range = rangeOf(filter, `(id || '')`)
  return {
    text: `select id from run where owner > ''${equal.text}${among.text}${range.text} order by (id || '') desc limit ?`,
    params: [...equal.params, ...among.params, ...range.params, limit],
  }
}

function waitingHeap(filter: RunFilter, { collectionId, kind, why, state }: Heap): Part {
  const job = allOf({ "(job_id || '')": filter.jobId })
  const range = rangeOf(filter, 'id')
  return {
    text: `select id from run where owner is null and finished_at is null and collection_id = ? and kind = ? and why = ?
      and state = ?${job.text}${range.text} order by id desc limit ?`,
    params: [collectionId, kind, why, state, ...job.params, ...range.params, filter.limit],
  }
}

/** Where runs stand that wait for somebody to take them. */
interface Heap {
  readonly collectionId: string
  readonly kind: string
  readonly why: Why
  readonly state: State
}

// No id comes after ~, so that SQLite, which begins at the row that is given, begins behind the heap.
const heapAfter = sql(
  `select collection_id as "collectionId", kind, why, state from run where owner is null and finished_at is null
      and (collection_id, kind, why, state, id) > (?, ?, ?, ?, '~')
    order by collection_id, kind, why, state, id limit 1`,
)

/** The heaps of waiting runs that may match: one look into the index for each that is there. */
function* readWaiting(filter: RunFilter, states: readonly State[] | undefined): Steps<Heap[]> {
  const { collectionId, kind, why } = filter
  const heaps: Heap[] = []
  let after: readonly string[] = [collectionId ?? '', collectionId === undefined ? '' : (kind ?? ''), '', '']
  for (;;) {
    const next = yield* first<Heap>(heapAfter, ...after)
    if (next === undefined || (collectionId ?? next.collectionId) !== next.collectionId) return heaps
    if (collectionId !== undefined && (kind ?? next.kind) !== next.kind) return heaps
    if ((kind ?? next.kind) === next.kind && (why ?? next.why) === next.why && states?.includes(next.state) !== false) {
      heaps.push(next)
    }
    after = [next.collectionId, next.kind, next.why, next.state]
  }
}

function anyOf(states: readonly State[] | undefined): Part {
  return {
    text: states === undefined ? '' : ` and state in (${states.map(() => '?').join(', ')})`,
    params: states ?? [],
  }
}

/** The condition that all of these have their values; undefined ones may have any. */
function allOf(values: Readonly<Record<string, string | undefined>>): Part {
  const given = Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]))
  return { text: given.map(({ column }) => ` and ${column} = ?`).join(''), params: given.map(({ value }) => value) }
}

function rangeOf({ from, to, before }: RunFilter, id: string): Part {
  const bounds: { text: string; value: string }[] = []
  if (from !== undefined) bounds.push({ text: ` and ${id} >= ?`, value: firstIdAt(from) })
  if (to !== undefined) bounds.push({ text: ` and ${id} < ?`, value: firstIdAt(to) })
  if (before !== undefined) bounds.push({ text: ` and ${id} < ?`, value: before })
  return { text: bounds.map(({ text }) => text).join(''), params: bounds.map(({ value }) => value) }
}

/** The smallest UUIDv7 of a millisecond. */
export function firstIdAt(time: number): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
