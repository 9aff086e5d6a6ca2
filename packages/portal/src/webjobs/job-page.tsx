import type { Job } from '@jobyard/client'
import { Button, Group } from '@mantine/core'
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useMay } from '../app/may.ts'
import { jobQuery } from '../app/queries.ts'
import { Loading, Page } from '../parts/page.tsx'
import { Notice, Problem } from '../parts/problem.tsx'
import { JobState } from '../parts/state.tsx'
import { When } from '../parts/time.tsx'
import { sayCount } from '../words/amounts.ts'
import { useRun, useStart, useStop } from './acts.ts'
import { JobMenu } from './list-cells.tsx'
import { isHeld, Standing } from './standing.tsx'

const route = getRouteApi('/shell/webjobs/$job')

/** The frame of a job's pages: its name and state, what can be done with it, and its parts. */
export function JobPage() {
  const { job: id } = route.useParams()
  const { data: job, error, refetch } = useQuery(jobQuery(id))
  if (error !== null && job === undefined) {
    return (
      <Page title="WebJob" crumbs={[{ text: 'WebJobs', link: { to: '/webjobs' } }]}>
        <Problem error={error} again={() => void refetch()} />
      </Page>
    )
  }
  if (job === undefined) return <Loading />
  const heading = (
    <>
      {job.name} <JobState job={job} soft />
    </>
  )
  return (
    <Page
      title={job.name}
      heading={heading}
      crumbs={[{ text: 'WebJobs', link: { to: '/webjobs' } }]}
      actions={<JobActions job={job} />}
      fixed
    >
      {error !== null && <Notice tone="bad">This job is not there any longer.</Notice>}
      <Standing job={job} />
      <Warnings job={job} />
      <nav aria-label="Parts of the job" className="tabs">
        <Link to="/webjobs/$job" params={{ job: id }} activeOptions={{ exact: true }}>
          History
        </Link>
        <Link to="/webjobs/$job/properties" params={{ job: id }}>
          Properties
        </Link>
        <Link to="/webjobs/$job/packages" params={{ job: id }}>
          Packages
        </Link>
        <Link to="/webjobs/$job/data" params={{ job: id }}>
          Data
        </Link>
      </nav>
      <div className="tab-body">
        <Outlet />
      </div>
    </Page>
  )
}

function JobActions({ job }: { job: Job }) {
  const may = useMay('operator')
  const navigate = useNavigate()
  const run = useRun(
    job,
    (made) => void navigate({ to: '/webjobs/$job/runs/$run', params: { job: job.id, run: made.id } }),
  )
  const [start, stop] = [useStart(job), useStop(job)]
  const continuous = job.type === 'continuous'
  return (
    <Group gap="xs" wrap="nowrap">
      {may && !continuous && (
        <Button
          leftSection={<IconPlayerPlay size={15} />}
          loading={run.isPending}
          disabled={isHeld(job)}
          onClick={() => run.mutate(undefined)}
        >
          Run
        </Button>
      )}
      {may && continuous && !job.enabled && (
        <Button
          leftSection={<IconPlayerPlay size={15} />}
          loading={start.isPending}
          onClick={() => start.mutate(undefined)}
        >
          Start
        </Button>
      )}
      {may && continuous && job.enabled && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={15} />}
          loading={stop.isPending}
          onClick={() => stop.mutate(undefined)}
        >
          Stop
        </Button>
      )}
      <JobMenu job={job} onDeleted={() => void navigate({ to: '/webjobs' })} />
    </Group>
  )
}

function Warnings({ job: { places = [], warnings, state } }: { job: Job }) {
  const looping = places.filter(({ crashLoop }) => crashLoop)
  return (
    <>
      {state === 'crash-loop' &&
        looping.map(({ place, quickEnds, restartAt }) => (
          <Notice key={place} tone="bad">
            <strong>It ends again and again.</strong> The last {sayCount(quickEnds, 'run')} in a row ended within two
            minutes of their start{place === '*' ? '' : ` on ${place}`}.{' '}
            {restartAt !== null && (
              <>
                The next start is <When at={restartAt} />.
              </>
            )}
          </Notice>
        ))}
      {warnings.map(({ code, message }) => (
        <Notice key={code + message} tone="wait">
          {message}
        </Notice>
      ))}
    </>
  )
}
