import { createHash } from 'node:crypto'
import { isFinished } from '@jobyard/jobs'
import type { RunOutline } from '../../store/procedures/outline-jobs.ts'
import type { WebJob } from './shapes.ts'
import { runStatus } from './statuses.ts'

/** What the tag of a list is made of. */
export type TaggedJob = Pick<WebJob, 'name' | 'command' | 'type' | 'latestRun' | 'status'>

/**
 * The tag of a list of jobs. As with Kudu, settings do not change it, and the duration of a run that goes on does all the
 * time. `now` in epoch milliseconds.
 */
export function tagOfJobs(jobs: readonly TaggedJob[], now: number): string {
  return tagOf(
    jobs.map(({ name, command, type, latestRun, status }) => [
      name,
      command,
      type,
      status === null ? tagOfRun(latestRun, now) : status.detail,
    ]),
  )
}

function tagOfRun(run: RunOutline | null, now: number): unknown {
  if (run === null) return null
  const end = isFinished(run.state) ? (run.finishedAt ?? now) : now
  return [run.id, runStatus(run), end - (run.startedAt ?? run.createdAt)]
}

/** The tag of a history: its newest run, that run's status and end. */
export function tagOfHistory(latest: RunOutline | undefined): string {
  return tagOf(latest === undefined ? [] : [latest.id, runStatus(latest), latest.finishedAt])
}

function tagOf(facts: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)}"`
}

/** Whether a header If-None-Match names a tag. */
export function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((part) => {
    const named = part.trim().replace(/^W\//, '')
    return named === tag || named === '*'
  })
}
