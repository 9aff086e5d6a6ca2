import type { Job } from '@jobyard/client'
import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useMay } from '../app/may.ts'
import { Notice } from '../parts/problem.tsx'
import { useStart } from './acts.ts'

/** Whether the settings of its collection keep a job from starting, whatever starts it. */
export function isHeld({ enabled, state }: Pick<Job, 'enabled' | 'state'>): boolean {
  return enabled && state === 'stopped'
}

/** The collections among these jobs' whose settings let nothing start. */
export function HeldCollections({ jobs }: { jobs: readonly Job[] }) {
  const names = new Set(jobs.filter(isHeld).map(({ collection }) => collection))
  return [...names].map((name) => <HeldCollection key={name} name={name} />)
}

function HeldCollection({ name }: { name: string }) {
  return (
    <Notice tone="wait">
      <strong>All jobs of {name} are stopped</strong> by an app setting, WEBJOBS_STOPPED.{' '}
      <Link to="/app-settings" search={{ collection: name }}>
        App settings
      </Link>
    </Notice>
  )
}

/** Why a job does not start, where that is no fault of its own, and how it does again. */
export function Standing({ job }: { job: Job }) {
  const may = useMay('operator')
  const start = useStart(job)
  if (isHeld(job)) return <HeldCollection name={job.collection} />
  if (job.enabled || job.type === 'continuous') return null
  return (
    <Notice tone="quiet">
      <span className="notice-act">
        <span>
          <strong>Its triggers are stopped:</strong> no schedule, webhook or other job starts it. It can be run by hand.
        </span>
        {may && (
          <Button variant="default" size="compact-xs" loading={start.isPending} onClick={() => start.mutate(undefined)}>
            Start its triggers
          </Button>
        )}
      </span>
    </Notice>
  )
}
