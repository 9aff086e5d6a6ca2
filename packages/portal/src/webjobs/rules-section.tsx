import type { EffectiveRules, Job, Policy, Retry } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { jobLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { jobsQuery } from '../app/queries.ts'
import { EditSection } from '../parts/edit-section.tsx'
import { type Fact, Facts } from '../parts/page.tsx'
import { sayCount } from '../words/amounts.ts'
import { sayOrigin } from '../words/origins.ts'
import { OVERLAPS, RulesEditor } from './rules-editor.tsx'

/** What becomes of starts that meet a run, of failures and crashes, and what is kept. */
export function RulesSection({ job }: { job: Job }) {
  return (
    <EditSection title="Rules" may={useMay('deployer')} editor={(editing) => <RulesEditor job={job} {...editing} />}>
      <Facts items={rulesOf(job)} />
    </EditSection>
  )
}

function rulesOf({ policy, type, effective }: Job): readonly Fact[] {
  const { overlap, queueDepth, retry, keepAge, onCrash, maxCrashes, onFailure } = policy
  const kept = keepAge === null ? '' : `, for ${keepAge}`
  const crash = onCrash === 'fail' ? 'it fails' : `it is begun again, ${sayCount(maxCrashes, 'time')} at most`
  return [
    ...(type === 'continuous'
      ? [['Starts again', sayRestart(policy, effective)] as const]
      : [
          ['While it runs', `${OVERLAPS[overlap]}${overlap === 'queue' ? `, ${queueDepth} at most` : ''}`] as const,
          ['Tried again', sayRetry(retry)] as const,
          ['If the server dies', crash] as const,
        ]),
    ...(onFailure.length === 0 ? [] : [['When it fails', <Started key="failure" ids={onFailure} />] as const]),
    [
      'History',
      `${sayCount(effective.keepRuns.value, 'run')}${kept}${sayOrigin(effective.keepRuns, 'WEBJOBS_HISTORY_SIZE')}`,
    ],
  ]
}

function sayRestart({ restart: { delay, backoff } }: Policy, { restart }: EffectiveRules): string {
  const growing = backoff === undefined ? '' : `, ${backoff.factor} times longer each time, up to ${backoff.max}`
  const wait = restart?.value ?? delay
  const origin = restart === undefined ? '' : sayOrigin(restart, 'WEBJOBS_RESTART_TIME')
  return `${wait === '0s' ? 'at once' : wait} after a short run${growing}${origin}`
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
