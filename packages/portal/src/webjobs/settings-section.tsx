import type { Job, Retry, ScriptSpec } from '@jobyard/client'
import type { ReactNode } from 'react'
import { Facts, Section } from '../parts/page.tsx'
import { sayCount } from '../words/amounts.ts'

type Fact = readonly [name: string, value: ReactNode]

/** The rules of a job, and what its script is given. */
export function SettingsSection({ job }: { job: Job }) {
  const spec: ScriptSpec = job.spec
  return (
    <Section title="Settings">
      <Facts items={[...rulesOf(job), ...scriptOf(spec)]} />
      <Variables spec={spec} />
    </Section>
  )
}

function rulesOf({ policy, type }: Job): readonly Fact[] {
  const { overlap, retry, timeout, misfire, keepRuns, keepAge, grace, output, restart } = policy
  const kept = keepAge === null ? '' : `, for ${keepAge}`
  return [
    ...(type === 'continuous'
      ? [['Starts again', `after ${restart.delay}`] as const]
      : [
          ['While it runs', OVERLAPS[overlap]] as const,
          ['Missed times', misfire.kind === 'skip' ? 'skipped' : `${misfire.kind} within ${misfire.window}`] as const,
          ['Tried again', sayRetry(retry)] as const,
        ]),
    ['Time limit', timeout ?? 'none'],
    ['To end when stopped', grace ?? 'as usual'],
    ['History', `${sayCount(keepRuns, 'run')}${kept}`],
    ['Output', `up to ${output} a run`],
  ]
}

const OVERLAPS: Readonly<Record<Job['policy']['overlap'], string>> = {
  forbid: 'another start is refused',
  queue: 'another start waits',
  skip: 'another start is skipped',
  replace: 'another start replaces it',
  allow: 'another start runs beside it',
}

function sayRetry(retry: Retry): string {
  if (retry.kind === 'none') return 'no'
  const growing = retry.kind === 'exponential' ? ', longer each time' : ''
  return `${sayCount(retry.attempts, 'attempt')}, ${retry.delay} apart${growing}`
}

function scriptOf({ args, memory, processes, idleTimeout, inPlace }: ScriptSpec): readonly Fact[] {
  return [
    ...(args === undefined || args.length === 0
      ? []
      : [['Arguments', <code key="args">{args.join(' ')}</code>] as const]),
    ...(memory === undefined ? [] : [['Memory', memory] as const]),
    ...(processes === undefined ? [] : [['Processes', processes === 0 ? 'no limit' : processes] as const]),
    ...(idleTimeout === undefined ? [] : [['Ended when idle for', idleTimeout] as const]),
    ...(inPlace === true ? [['Working folder', 'keeps what runs change'] as const] : []),
  ]
}

function Variables({ spec: { env = {}, secrets = {} } }: { spec: ScriptSpec }) {
  const names = [...Object.keys(env), ...Object.keys(secrets)].sort()
  if (names.length === 0) return null
  return (
    <table className="variables">
      <caption className="unseen">Environment variables</caption>
      <thead>
        <tr>
          <th scope="col">Variable</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td>{name in secrets ? <span className="quiet">secret</span> : <code>{env[name]}</code>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
