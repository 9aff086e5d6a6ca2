import type { Job } from '@jobyard/client'

/** Which jobs are shown. */
export interface JobView {
  readonly search: string
  readonly show: Show
}

/** What can be looked for, besides a name. */
export const SHOWS = ['all', 'running', 'failed', 'scheduled', 'continuous', 'stopped'] as const

/** One of {@link SHOWS}. */
export type Show = (typeof SHOWS)[number]

const TESTS: Readonly<Record<Show, (job: Job) => boolean>> = {
  all: () => true,
  running: ({ state }) => state === 'running' || state === 'restarting',
  failed: ({ state, latestRun }) => state === 'crash-loop' || (state === 'idle' && latestRun?.state === 'failed'),
  scheduled: ({ triggers }) => triggers.some(({ type }) => type === 'schedule'),
  continuous: ({ type }) => type === 'continuous',
  stopped: ({ enabled }) => !enabled,
}

/** The jobs that a view lets through: those with every word of its search in their names. */
export function filterJobs(jobs: readonly Job[], { search, show }: JobView): Job[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return jobs.filter((job) => {
    const name = `${job.name} ${job.collection}`.toLowerCase()
    return TESTS[show](job) && words.every((word) => name.includes(word))
  })
}

/** How many jobs each view shows. */
export function countViews(jobs: readonly Job[]): Readonly<Record<Show, number>> {
  const counts = Object.fromEntries(SHOWS.map((show) => [show, jobs.filter(TESTS[show]).length]))
  return counts as Record<Show, number>
}
