import type { Job } from '@jobyard/client'
import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { now } from '../app/clock.ts'
import { useMay } from '../app/may.ts'
import { jobsQuery, LIVE, runsQuery, statusQuery } from '../app/queries.ts'
import { Page } from '../parts/page.tsx'
import { Empty, Problem } from '../parts/problem.tsx'
import { When } from '../parts/time.tsx'
import { Failed, MOST_FAILURES } from './failed.tsx'
import { Next } from './next.tsx'
import { RunningNow } from './running.tsx'
import { Trouble } from './trouble.tsx'

const DAY_MS = 86_400_000
const STEP_MS = 300_000

/** What runs now, what failed and why, what comes next. */
export function Overview() {
  const jobs = useQuery(jobsQuery)
  const running = useQuery(runsQuery({ state: LIVE }, 100))
  // In steps of some minutes, so that the question stays the same for a while.
  const from = new Date(Math.floor((now() - DAY_MS) / STEP_MS) * STEP_MS).toISOString()
  const failed = useQuery(runsQuery({ state: ['failed'], from }, MOST_FAILURES))
  if (jobs.error) return <Problem error={jobs.error} again={() => void jobs.refetch()} />
  if (jobs.data?.length === 0) return <FirstJob title="Overview" />
  return (
    <Page title="Overview">
      <Figures jobs={jobs.data} running={running.data?.length} failed={failed.data?.length} />
      <div className="columns">
        <div>
          <Trouble jobs={jobs.data ?? []} />
          <Failed runs={failed.data} jobs={jobs.data ?? []} from={from} />
        </div>
        <div>
          <RunningNow runs={running.data} />
          <Next jobs={jobs.data} />
        </div>
      </div>
    </Page>
  )
}

interface FiguresProps {
  readonly jobs: readonly Job[] | undefined
  readonly running: number | undefined
  readonly failed: number | undefined
}

function Figures({ jobs, running, failed }: FiguresProps) {
  const { data: status } = useQuery(statusQuery)
  const due = jobs?.flatMap(({ nextDue, enabled }) => (enabled && nextDue !== null ? [nextDue] : [])).sort()[0]
  const stopped = jobs?.filter(({ enabled }) => !enabled).length ?? 0
  const many = (count: number | undefined): string =>
    count === undefined ? '–' : count >= 100 ? '100+' : String(count)
  return (
    <dl className="figures">
      <Figure name="Running now" value={many(running)} note={status && `room for ${status.concurrency}`} />
      <Figure name="Failed in 24 hours" value={many(failed)} tone={failed ? 'bad' : undefined} />
      <Figure
        name="Jobs"
        value={jobs ? String(jobs.length) : '–'}
        note={stopped > 0 ? `${stopped} stopped` : undefined}
      />
      <Figure name="Next run" value={due === undefined ? '–' : <When at={due} />} />
    </dl>
  )
}

interface FigureProps {
  readonly name: string
  readonly value: ReactNode
  readonly note?: string | undefined
  readonly tone?: 'bad' | undefined
}

function Figure({ name, value, note, tone }: FigureProps) {
  return (
    <div data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        <span className="num">{value}</span>
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  )
}

/** What stands in an empty yard: how the first job gets into it. */
export function FirstJob({ title }: { title: string }) {
  const may = useMay('deployer')
  return (
    <Page title={title}>
      <Empty title="No jobs yet">
        <p>A job is a script, or a zip with a script in it, and when it is to run.</p>
        {may ? (
          <>
            <Button component={Link} to="/webjobs/new" size="sm" leftSection={<IconPlus size={16} />}>
              Add a WebJob
            </Button>
            <p>From a terminal, with a file or a whole folder:</p>
            <pre>jobyard script deploy hello ./run.sh{'\n'}jobyard script run hello --follow</pre>
          </>
        ) : (
          <p>Whoever has the role deployer can add one.</p>
        )}
      </Empty>
    </Page>
  )
}
