import type { Run } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { packageQuery } from '../app/queries.ts'
import { Facts } from '../parts/page.tsx'
import { Took, When } from '../parts/time.tsx'
import { sayDuration, sayHash, saySize } from '../words/amounts.ts'
import { explainWhy } from '../words/states.ts'

type Fact = readonly [name: string, value: ReactNode]

/** What is known of a run besides its state. */
export function RunFacts({ run }: { run: Run }) {
  const { startedAt, finishedAt, createdAt, scheduledFor, exitCode, cpuMs, peakBytes, args } = run
  const facts: Fact[] = [
    ['Started', startedAt === null ? <Waited key="waited" since={createdAt} /> : <When key="started" at={startedAt} />],
    ...(finishedAt === null ? [] : [['Ended', <When key="ended" at={finishedAt} />] as const]),
    ['Duration', <Took key="took" from={startedAt} to={finishedAt} />],
    ['Why', explainWhy(run)],
    ...(scheduledFor === null ? [] : [['Due', <When key="due" at={scheduledFor} />] as const]),
    ...(args.length === 0 ? [] : [['Arguments', <code key="args">{args.map(quoted).join(' ')}</code>] as const]),
    ...(exitCode === null
      ? []
      : [
          [
            'Exit code',
            <span key="exit" className="num">
              {exitCode}
            </span>,
          ] as const,
        ]),
    ...(cpuMs === null
      ? []
      : [
          [
            'CPU',
            <span key="cpu" className="num">
              {sayDuration(cpuMs)}
            </span>,
          ] as const,
        ]),
    ...(peakBytes === null
      ? []
      : [
          [
            'Peak memory',
            <span key="peak" className="num">
              {saySize(peakBytes)}
            </span>,
          ] as const,
        ]),
    ...(run.package === null ? [] : [['Script', <Script key="script" hash={run.package} />] as const]),
  ]
  return (
    <div className="run-facts">
      <Facts items={facts} />
    </div>
  )
}

function Waited({ since }: { since: string }) {
  return (
    <>
      not yet; asked for <When at={since} />
    </>
  )
}

function Script({ hash }: { hash: string }) {
  const { data } = useQuery(packageQuery(hash))
  return <code title={hash}>{data?.script?.file ?? sayHash(hash)}</code>
}

function quoted(arg: string): string {
  return /^[\w./:=@,+-]+$/.test(arg) ? arg : `"${arg.replaceAll('"', '\\"')}"`
}
