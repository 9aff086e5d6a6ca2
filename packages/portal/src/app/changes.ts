import { isGap, type Job, JobyardProblem, type LiveEvent } from '@jobyard/client'
import { jobyard } from './client.ts'
import { now } from './clock.ts'
import { jobsQuery, queryClient } from './queries.ts'

/** More changed jobs than these, and the whole list is asked for instead of each. */
const MOST_SINGLE = 20
/** Lists are asked for again this often at the most, in milliseconds: on a busy server something changes all the time. */
const LIST_EVERY_MS = 1500

/** What may look different after a change of app settings. */
const STEERED = ['settings', 'jobs', 'job'] as const

/** Brings what is shown up to date with what has happened. */
export async function applyChanges(events: readonly LiveEvent[]): Promise<void> {
  if (events.some(isGap)) {
    await queryClient.invalidateQueries()
    return
  }
  const ids = (member: string): Set<string> =>
    new Set(events.map((event) => event[member]).filter((id) => typeof id === 'string'))
  const runs = ids('runId')
  await Promise.all([
    refreshJobs(ids('jobId')),
    ...[...runs].flatMap((id) => [refresh('run', id), refresh('tasks', id)]),
  ])
  // A run that goes on writes what its job keeps.
  if (runs.size > 0) for (const name of ['runs', 'data']) refreshSoon(name)
  // What steers the server changes what its jobs do.
  if (events.some(({ type }) => type === 'settings.changed')) for (const name of STEERED) refreshSoon(name)
}

function refresh(...queryKey: readonly string[]): Promise<void> {
  return queryClient.invalidateQueries({ queryKey })
}

const askedAt = new Map<string, number>()
const waiting = new Set<string>()

/** Asks for a list again: at once, or when its last time is long enough ago. */
function refreshSoon(name: string): void {
  if (waiting.has(name)) return
  waiting.add(name)
  const wait = (askedAt.get(name) ?? 0) + LIST_EVERY_MS - now()
  setTimeout(
    () => {
      waiting.delete(name)
      askedAt.set(name, now())
      void refresh(name)
    },
    Math.max(0, wait),
  )
}

async function refreshJobs(ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return
  if (ids.size > MOST_SINGLE) {
    for (const list of ['jobs', 'job']) refreshSoon(list)
    return
  }
  const changed = await Promise.all([...ids].map(async (id) => [id, await readJob(id)] as const))
  for (const [id, job] of changed) {
    if (job === undefined) continue
    queryClient.setQueryData(jobsQuery.queryKey, (jobs) => jobs && withJob(jobs, id, job))
    if (job === null) void queryClient.invalidateQueries({ queryKey: ['job', id] })
    else queryClient.setQueryData(['job', id], job)
  }
}

/** A job as it is now; null when it is gone, undefined when nobody knows. */
async function readJob(id: string): Promise<Job | null | undefined> {
  try {
    return await jobyard.jobs.get(id)
  } catch (error) {
    if (error instanceof JobyardProblem) return error.status === 404 ? null : undefined
    throw error
  }
}

/** The list with a job changed, entered at its place, or taken out. */
export function withJob(jobs: readonly Job[], id: string, job: Job | null): Job[] {
  const index = jobs.findIndex((each) => each.id === id)
  if (job === null) return index < 0 ? [...jobs] : jobs.toSpliced(index, 1)
  if (index >= 0) return jobs.with(index, job)
  const key = job.name.toLowerCase()
  const place = jobs.findIndex(({ name }) => name.toLowerCase() > key)
  return place < 0 ? [...jobs, job] : jobs.toSpliced(place, 0, job)
}
