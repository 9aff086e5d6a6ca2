import type { Job, Run } from '@jobyard/client'
import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { runLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { Loading, Section } from '../parts/page.tsx'
import { When } from '../parts/time.tsx'
import { sayCount } from '../words/amounts.ts'
import { groupFailures } from './failures.ts'

/** The most jobs that are listed. */
const MOST = 12
/** The most failures that are looked at. */
export const MOST_FAILURES = 100

interface FailedProps {
  /** The newest failures; there may be more. */
  readonly runs: readonly Run[] | undefined
  readonly jobs: readonly Job[]
  /** From when on failures count. */
  readonly from: string
}

/** What failed in the last day and why: the latest failure of each job, and how often. */
export function Failed({ runs, jobs, from }: FailedProps) {
  const byJob = groupFailures(runs ?? [], jobs, from)
  return (
    <Section title="Failed in the last 24 hours">
      {runs === undefined && <Loading rows={3} />}
      {runs?.length === 0 && <p className="nothing">Nothing failed.</p>}
      <ul className="items">
        {byJob
          .slice(0, MOST)
          .map(
            (failures) =>
              failures[0] && (
                <Failure
                  key={failures[0].id}
                  run={failures[0]}
                  times={failures.length}
                  more={failures.length > 1 && runs?.length === MOST_FAILURES}
                />
              ),
          )}
      </ul>
      {byJob.length > MOST && <p className="more">and {sayCount(byJob.length - MOST, 'more job')}</p>}
    </Section>
  )
}

interface FailureProps {
  readonly run: Run
  readonly times: number
  /** True: there may have been more, which were not read. */
  readonly more: boolean
}

function Failure({ run, times, more }: FailureProps) {
  const may = useMay('operator')
  const again = useAct({
    run: () => jobyard.runs.rerun(run.id),
    done: (made) => `${run.job.name} #${made.number} was started.`,
  })
  return (
    <li data-tone="bad">
      <div>
        <Link {...runLink(run)}>
          {run.job.name} <span className="quiet">#{run.number}</span>
        </Link>
        <p>
          {run.reason?.text ?? 'No reason is known.'}
          {times > 1 && (
            <span className="quiet">
              {' '}
              {times} times{more && ' or more'}.
            </span>
          )}
        </p>
      </div>
      <div className="item-side">
        <When at={run.finishedAt ?? run.createdAt} />
        {may && run.job.type === 'triggered' && (
          <Button variant="default" size="compact-xs" onClick={() => again.mutate()} loading={again.isPending}>
            Rerun
          </Button>
        )}
      </div>
    </li>
  )
}
