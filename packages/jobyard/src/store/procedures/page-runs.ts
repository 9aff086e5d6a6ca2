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

/**
 * A page of runs. Ids begin with the time, so both order and time range go by them. A finished run stands in the indexes
 * of pages under (job, collection or kind; why; state), so a page is put together from the newest of each such heap that
 * may hold some of it: its cost is that of the page, however many runs there are and however few of them match.
 */
export function* listRuns(filter: RunFilter): Steps<RunRow[]> {
  const { jobId, collectionId, kind, states, why, limit } = filter
  if (jobId !== undefined && !(yield* belongs(jobId, collectionId, kind))) return []
  const narrowed = [jobId, collectionId, kind, states, why].some((each) => each !== undefined)
  const { text, params } = narrowed ? merge(yield* heapsOf(filter), limit) : wholePage(filter)
  const rows = yield* all<RunRecord>(new Query(() => text, false), ...params)
  return rows.map(toRun)
}

const jobIs = sql('select collection_id as "collectionId", kind from job where id = ?')

/** Collection and kind are the job's, so they are asked of it and not of each run. */
function* belongs(jobId: string, collectionId: string | undefined, kind: string | undefined): Steps<boolean> {
  if (collectionId === undefined && kind === undefined) return true
  const job = yield* first<{ collectionId: string; kind: string }>(jobIs, jobId)
  return job !== undefined && (collectionId ?? job.collectionId) === job.collectionId && (kind ?? job.kind) === job.kind
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
  return live?.length === 0 ? heaps : [...heaps, liveHeap(filter, live)]
}

/** Where to look for finished runs: one place for a job, a collection or a kind, and each kind for all. */
function* scopesOf({ jobId, collectionId, kind }: RunFilter): Steps<Part[]> {
  if (jobId !== undefined) return [{ text: 'job_id = ?', params: [jobId] }]
  if (collectionId !== undefined && kind !== undefined) {
    return [{ text: 'collection_id = ? and kind = ?', params: [collectionId, kind] }]
  }
  if (collectionId !== undefined) return [{ text: 'collection_id = ?', params: [collectionId] }]
  const kinds = kind === undefined ? yield* readKinds() : [kind]
  return kinds.map((each) => ({ text: 'kind = ?', params: [each] }))
}

const kindAfter = sql('select min(kind) as kind from run where finished_at is not null and kind > ?')

/** The kinds of which there are finished runs: one look into the index for each. */
function* readKinds(): Steps<string[]> {
  const kinds: string[] = []
  for (;;) {
    const next = (yield* first<{ kind: string | null }>(kindAfter, kinds.at(-1) ?? ''))?.kind
    if (next === null || next === undefined) return kinds
    kinds.push(next)
  }
}

/** Few runs are unfinished: they are found by their own index and sorted, which an expression instead of the id ensures. */
function liveHeap(filter: RunFilter, states: readonly State[] | undefined): Part {
  const { jobId, collectionId, kind, why, limit } = filter
  const range = rangeOf(filter, `(id || '')`)
  const equal = Object.entries({ job_id: jobId, collection_id: collectionId, kind, why }).flatMap(([column, value]) =>
    value === undefined ? [] : [{ text: ` and ${column} = ?`, value }],
  )
  const among = states === undefined ? '' : ` and state in (${states.map(() => '?').join(', ')})`
  return {
    text: `select id from run where finished_at is null${equal.map(({ text }) => text).join('')}${among}${range.text}
      order by (id || '') desc limit ?`,
    params: [...equal.map(({ value }) => value), ...(states ?? []), ...range.params, limit],
  }
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
