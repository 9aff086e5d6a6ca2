import type { Job, Trigger } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { jobLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { jobQuery, jobsQuery, packageQuery } from '../app/queries.ts'
import { Copyable } from '../parts/copy.tsx'
import { Facts, Loading, Section } from '../parts/page.tsx'
import { When } from '../parts/time.tsx'
import { sayHash } from '../words/amounts.ts'
import { sayState } from '../words/states.ts'
import { EnvironmentSection } from './environment-section.tsx'
import { LimitsSection } from './limits-section.tsx'
import { RulesSection } from './rules-section.tsx'
import { ScheduleSection } from './schedule-section.tsx'
import { ScriptSection } from './script-section.tsx'
import { WebhookSection } from './webhook-section.tsx'

const route = getRouteApi('/shell/webjobs/$job')

/** What a job is, when it runs, who may call it, and what its settings are. */
export function Properties() {
  const { job: id } = route.useParams()
  const { data: job } = useQuery(jobQuery(id))
  const mayDeploy = useMay('deployer')
  if (job === undefined) return <Loading />
  return (
    <div className="columns">
      <div>
        <AboutSection job={job} />
        <ScriptSection job={job} />
        <EnvironmentSection job={job} />
        {mayDeploy && job.type === 'triggered' && <WebhookSection job={job} />}
      </div>
      <div>
        <ScheduleSection job={job} />
        <RulesSection job={job} />
        <LimitsSection job={job} />
      </div>
    </div>
  )
}

function AboutSection({ job }: { job: Job }) {
  const after = job.triggers.filter((trigger) => trigger.type === 'after')
  return (
    <Section title="About">
      <Facts
        items={[
          ['Type', <TypeText key="type" job={job} />],
          ...(after.length === 0 ? [] : [['Starts after', <After key="after" triggers={after} />] as const]),
          ['Runs', job.package === null ? 'nothing: it has no package' : <Script key="script" hash={job.package} />],
          ['Collection', job.collection],
          ['Number', job.number],
          ['Id', <Copyable key="id" text={job.id} label="id" />],
          ['Created', <When key="created" at={job.createdAt} />],
          ['Changed', <When key="changed" at={job.updatedAt} />],
          ...(job.places ?? []).map(
            (place) =>
              [`On ${place.place === '*' ? 'one instance' : place.place}`, <Place key="place" {...place} />] as const,
          ),
        ]}
      />
    </Section>
  )
}

/** The jobs whose ends start this one. */
function After({ triggers }: { triggers: readonly Extract<Trigger, { type: 'after' }>[] }) {
  const { data: jobs } = useQuery(jobsQuery)
  return (
    <ul>
      {triggers.map(({ jobId, on }) => (
        <li key={jobId}>
          <Link {...jobLink({ id: jobId })}>{jobs?.find(({ id }) => id === jobId)?.name ?? jobId}</Link>, when that has{' '}
          {on.map((state) => sayState(state).text.toLowerCase()).join(' or ')}
        </li>
      ))}
    </ul>
  )
}

function Place({ startedAt, restartAt, runId, starts, quickEnds }: NonNullable<Job['places']>[number]) {
  return (
    <span className="num">
      {runId !== null && startedAt !== null && (
        <>
          running, started <When at={startedAt} />
        </>
      )}
      {runId === null && restartAt !== null && (
        <>
          starts again <When at={restartAt} />
        </>
      )}
      {runId === null && restartAt === null && 'not running'}, {starts} starts
      {quickEnds > 0 && `, ${quickEnds} quick ends in a row`}
    </span>
  )
}

function TypeText({ job: { type, triggers } }: { job: Job }) {
  if (type !== 'continuous')
    return triggers.some((each) => each.type === 'schedule') ? 'Triggered, by a schedule' : 'Triggered, by hand'
  const single = triggers.some((each) => each.type === 'continuous' && each.singleton)
  return single ? 'Continuous, on a single instance' : 'Continuous, on all instances'
}

function Script({ hash }: { hash: string }) {
  const { data } = useQuery(packageQuery(hash))
  return (
    <span>
      <code>{data?.script?.file ?? '…'}</code> with {data?.script?.interpreter ?? '…'}, package{' '}
      <code>{sayHash(hash)}</code>
    </span>
  )
}
