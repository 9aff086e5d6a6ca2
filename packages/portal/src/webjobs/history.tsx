import type { Run } from '@jobyard/client'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo } from 'react'
import { runLink } from '../app/links.ts'
import { historyQuery, queryClient, runsQuery } from '../app/queries.ts'
import { Loading } from '../parts/page.tsx'
import { Empty, Problem } from '../parts/problem.tsx'
import { type Column, Rows } from '../parts/rows.tsx'
import { RunState } from '../parts/state.tsx'
import { Took, When } from '../parts/time.tsx'
import { explainWhy } from '../words/states.ts'

const route = getRouteApi('/shell/webjobs/$job')

const COLUMNS: readonly Column[] = [
  { title: 'Run', width: '4rem', narrow: '4rem' },
  { title: 'Status', width: '7rem', narrow: 'minmax(0, 1fr)' },
  { title: 'Started', width: '6rem' },
  { title: 'Duration', width: '6.5rem', wide: true },
  { title: 'Why', width: 'minmax(5.5rem, 1fr)', wide: true },
  { title: 'Exit code', width: '4rem', wide: true },
  { title: 'Reason', width: 'minmax(5.5rem, 1.6fr)', wide: true },
]
const ROW_PX = 38
const NEWEST = 50

/** The runs of a job, the newest first, as far back as somebody scrolls. */
export function History() {
  const { job } = route.useParams()
  const { runs, error, more, complete } = useHistory(job)
  if (error !== null && runs === undefined) return <Problem error={error} />
  if (runs === undefined) return <Loading rows={8} />
  if (runs.length === 0) return <Empty title="It has not run yet." />
  return (
    <Rows
      label="Runs"
      columns={COLUMNS}
      items={runs}
      keyOf={({ id }) => id}
      cells={cellsOf}
      height={ROW_PX}
      onEnd={more}
      foot={!complete && <Loading rows={2} />}
    />
  )
}

function cellsOf(run: Run) {
  return [
    <Link key="number" {...runLink(run)} className="num">
      #{run.number}
    </Link>,
    <span key="state" className="name-lines">
      <RunState state={run.state} />
      {run.reason !== null && <small className="quiet narrow cut">{run.reason.text}</small>}
    </span>,
    <When key="when" at={run.startedAt ?? run.createdAt} />,
    <Took key="took" from={run.startedAt} to={run.finishedAt} />,
    <span key="why" className="quiet cut">
      {explainWhy(run)}
    </span>,
    <span key="exit" className="num">
      {run.exitCode}
    </span>,
    <span key="reason" className="cut" title={run.reason?.text}>
      {run.reason?.text}
    </span>,
  ]
}

/** The newest runs, which are kept up to date, before the older ones, which do not change any more. */
function useHistory(job: string) {
  const filter = useMemo(() => ({ job }), [job])
  const newest = useQuery(runsQuery(filter, NEWEST))
  const older = useInfiniteQuery(historyQuery(filter))
  const read = useMemo(() => older.data?.pages.flatMap(({ items }) => items), [older.data])
  const runs = useMemo(() => joinRuns(newest.data, read), [newest.data, read])
  const gap = newest.data !== undefined && read !== undefined && runs === undefined
  useEffect(() => {
    if (gap) void queryClient.resetQueries({ queryKey: historyQuery(filter).queryKey })
  }, [gap, filter])
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = older
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  return { runs: runs ?? read, error: newest.error ?? older.error, more, complete: !hasNextPage }
}

/** Both lists as one; undefined when so many runs were made that there is a gap between them. */
export function joinRuns(
  newest: readonly Run[] | undefined,
  older: readonly Run[] | undefined,
): readonly Run[] | undefined {
  if (newest === undefined || older === undefined) return newest ?? older
  const last = newest.at(-1)
  const [first] = older
  if (last === undefined || first === undefined) return newest
  if (last.number > first.number + 1) return undefined
  return [...newest, ...older.filter(({ number }) => number < last.number)]
}
