import type { Job, Retry } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { jobLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { jobsQuery } from '../app/queries.ts'
import { EditSection } from '../parts/edit-section.tsx'
import { type Fact, Facts } from '../parts/page.tsx'
import { sayCount } from '../words/amounts.ts'
import { OVERLAPS, RulesEditor } from './rules-editor.tsx'

/** What becomes of starts that meet a run, of failures and crashes, and what is kept. */
export function RulesSection({ job }: { job: Job }) {
  return (
    <EditSection title="Rules" may={useMay('deployer')} editor={(editing) => <RulesEditor job={job} {...editing} />}>
      <Facts items={rulesOf(job)} />
    </EditSection>
  )
}

function rulesOf({ policy, type }: Job): readonly Fact[] {
  const { overlap, queueDepth, retry, keepRuns, keepAge, restart, onCrash, maxCrashes, onFailure } = policy
  const kept = keepAge === null ? '' : `, for ${keepAge}`
  const { backoff } = restart
  const growing = backoff === undefined ? '' : `, ${backoff.factor} times longer each time, up to ${backoff.max}`
  const crash = onCrash === 'fail' ? 'it fails' : `it is begun again, ${sayCount(maxCrashes, 'time')} at most`
  return [
    ...(type === 'continuous'
      ? [['Starts again', `${restart.delay} after a short run${growing}`] as const]
      : [
          ['While it runs', `${OVERLAPS[overlap]}${overlap === 'queue' ? `, ${queueDepth} at most` : ''}`] as const,
          ['Tried again', sayRetry(retry)] as const,
          ['If the server dies', crash] as const,
        ]),
    ...(onFailure.length === 0 ? [] : [['When it fails', <Started key="failure" ids={onFailure} />] as const]),
    ['History', `${sayCount(keepRuns, 'run')}${kept}`],
  ]
}

function sayRetry(retry: Retry): string {
  if (retry.kind === 'none') return 'no'
  const growing = retry.kind === 'exponential' ? `, longer each time, up to ${retry.maxDelay ?? '1h'}` : ''
  return `${sayCount(retry.attempts, 'attempt')}, ${retry.delay} apart${growing}`
}

function Started({ ids }: { ids: readonly string[] }) {
  const { data: jobs } = useQuery(jobsQuery)
  return (
    <>
      {ids.map((id, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <Link {...jobLink({ id })}>{jobs?.find((job) => job.id === id)?.name ?? id}</Link>
        </span>
      ))}{' '}
      {ids.length === 1 ? 'is' : 'are'} started
    </>
  )
}
