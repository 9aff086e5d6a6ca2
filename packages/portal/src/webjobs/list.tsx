import type { Job } from '@jobyard/client'
import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState } from 'react'
import { useMay } from '../app/may.ts'
import { jobsQuery } from '../app/queries.ts'
import { FirstJob } from '../overview/overview.tsx'
import { Loading, Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { type Column, Rows } from '../parts/rows.tsx'
import { NoMatch, SearchBar } from '../parts/search-bar.tsx'
import { JobState } from '../parts/state.tsx'
import { sayCount } from '../words/amounts.ts'
import { countViews, filterJobs, type JobView, SHOWS } from './filter.ts'
import { FolderProblems } from './folder.tsx'
import { JobMenu, LastRun, NameCell, NextRun, QuickAct, TypeCell } from './list-cells.tsx'
import { HeldCollections } from './standing.tsx'

const COLUMNS: readonly Column[] = [
  { title: 'Name', width: 'minmax(7rem, 2fr)', narrow: 'minmax(0, 1fr)' },
  { title: 'Status', width: '7.5rem', narrow: '6.6rem' },
  { title: 'Type', width: '6rem', wide: true },
  { title: 'Last run', width: 'minmax(9.5rem, 1.2fr)', wide: true },
  { title: 'Next run', width: '5rem', wide: true },
  { title: 'Actions', width: '4.5rem', silent: true },
]
const ROW_PX = 46
const START: JobView = { search: '', show: 'all' }

/** All WebJobs with their status, last and next run, kept up to date by live events. */
export function WebJobs() {
  const { data, error, refetch } = useQuery(jobsQuery)
  const [view, setView] = useState(START)
  const deferred = useDeferredValue(view)
  const jobs = useMemo(() => data?.filter(({ kind }) => kind === 'script'), [data])
  const shown = useMemo(() => filterJobs(jobs ?? [], deferred), [jobs, deferred])
  const shows = useMemo(() => showsOf(jobs ?? []), [jobs])
  const collections = useMemo(() => new Set(jobs?.map(({ collection }) => collection)).size, [jobs])
  if (error !== null && data === undefined) return <Problem error={error} again={() => void refetch()} />
  if (jobs?.length === 0) return <FirstJob title="WebJobs" />
  const cells = (job: Job) => [
    <NameCell key="name" job={job} withCollection={collections > 1} />,
    <JobState key="state" job={job} />,
    <TypeCell key="type" job={job} />,
    <LastRun key="last" job={job} />,
    <NextRun key="next" job={job} />,
    <div key="act" className="row-acts">
      <QuickAct job={job} />
      <JobMenu job={job} />
    </div>,
  ]
  return (
    <Page title="WebJobs" fixed actions={<AddButton />}>
      <HeldCollections jobs={jobs ?? []} />
      <FolderProblems jobs={jobs ?? []} />
      <SearchBar
        view={view}
        onView={setView}
        placeholder="Search by name"
        shows={shows}
        count={sayCount(jobs?.length ?? 0, 'job')}
      />
      {jobs === undefined ? (
        <Loading rows={8} />
      ) : (
        <Rows
          label="WebJobs"
          columns={COLUMNS}
          items={shown}
          keyOf={({ id }) => id}
          cells={cells}
          height={ROW_PX}
          foot={shown.length === 0 && <NoMatch title="No job fits." onClear={() => setView(START)} />}
        />
      )}
    </Page>
  )
}

function AddButton() {
  if (!useMay('deployer')) return null
  return (
    <Button component={Link} to="/webjobs/new" leftSection={<IconPlus size={15} />}>
      Add
    </Button>
  )
}

/** The looks, and how many jobs each of them shows. */
function showsOf(jobs: readonly Job[]) {
  const counts = countViews(jobs)
  return SHOWS.map((show) => ({ value: show, label: `${capital(show)} (${counts[show]})` }))
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
