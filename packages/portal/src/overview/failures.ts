import type { Run } from '@jobyard/client'

/** What is looked at of a run. */
interface FailedRun extends Pick<Run, 'state' | 'createdAt'> {
  readonly job: Pick<Run['job'], 'id'>
}

/**
 * The failures of each job, the newest first. One that fails all the time may fill the list of the newest ones alone, so
 * jobs whose latest run failed are there even when that is not among these.
 */
export function groupFailures<R extends FailedRun>(
  runs: readonly R[],
  jobs: readonly { readonly latestRun: R | null }[],
  from: string,
): readonly (readonly R[])[] {
  const listed = new Set(runs.map(({ job }) => job.id))
  const others = jobs.flatMap(({ latestRun: run }) => {
    if (run === null || run.state !== 'failed' || listed.has(run.job.id)) return []
    return Date.parse(run.createdAt) >= Date.parse(from) ? [run] : []
  })
  const known = [...runs, ...others]
  return Object.values(Object.groupBy(known, ({ job }) => job.id)).map((each) => each ?? [])
}
