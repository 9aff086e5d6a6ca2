import { type Job, JobyardProblem, type RunFilter, type State } from '@jobyard/client'
import { isFinished, STATES } from '@jobyard/jobs'
import { infiniteQueryOptions, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import { jobyard } from './client.ts'

/** What is not told live, such as what other instances of a shared database do, is asked again after so long. */
const ASK_AGAIN_MS = 30_000
/** How the calls of hooks went is asked for again after so long, by who looks at them. */
const HOOKS_AGAIN_MS = 2000
/** The most jobs that are listed. */
const MOST_JOBS = 5000

/** Called when the server says that nobody is signed in any longer. */
let onSignedOut: () => void = () => undefined

/** Says what is to happen when the session is over. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

/** Everything that was asked of the server. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (isSignedOut(error)) onSignedOut()
    },
  }),
  defaultOptions: {
    queries: { staleTime: 5000, refetchOnWindowFocus: true, retry: false, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})

/** Whether an error says that the session is over. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof JobyardProblem && error.status === 401
}

/** Who is signed in. */
export const meQuery = queryOptions({ queryKey: ['me'], queryFn: () => jobyard.me(), staleTime: 60_000 })

/** How busy the server is. */
export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: () => jobyard.status(),
  refetchInterval: 10_000,
})

/** All jobs, by name. */
export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }): Promise<Job[]> => jobyard.jobs.list({}, { pageSize: 500, signal }).take(MOST_JOBS),
  refetchInterval: ASK_AGAIN_MS,
  staleTime: 20_000,
})

/** A job. */
export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ['job', id],
    queryFn: () => jobyard.jobs.get(id),
    refetchInterval: ASK_AGAIN_MS,
    initialData: () => queryClient.getQueryData(jobsQuery.queryKey)?.find((job) => job.id === id),
    initialDataUpdatedAt: () => queryClient.getQueryState(jobsQuery.queryKey)?.dataUpdatedAt,
  })
}

/** The newest runs that a filter lets through. */
export function runsQuery(filter: RunFilter, count: number) {
  return queryOptions({
    queryKey: ['runs', filter, count],
    queryFn: async ({ signal }) => (await jobyard.runs.list(filter, { pageSize: count, signal }).page()).items,
    refetchInterval: ASK_AGAIN_MS,
    placeholderData: (before) => before,
  })
}

/** Runs of a job page by page, as far down as somebody has looked. They are read once; what changes comes by {@link runsQuery}. */
export function historyQuery(filter: RunFilter) {
  return infiniteQueryOptions({
    queryKey: ['history', filter],
    queryFn: ({ pageParam, signal }) => jobyard.runs.list(filter, { pageSize: 100, signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
}

/** A run. */
export function runQuery(id: string) {
  return queryOptions({ queryKey: ['run', id], queryFn: () => jobyard.runs.get(id), refetchInterval: ASK_AGAIN_MS })
}

/** The tasks of a run, as far as they are shown. */
export function tasksQuery(runId: string) {
  return queryOptions({
    queryKey: ['tasks', runId],
    queryFn: ({ signal }) => jobyard.runs.tasks(runId, { pageSize: 200, signal }).take(1000),
    refetchInterval: ASK_AGAIN_MS,
  })
}

/** When a job falls due next. `schedules` is what that depends on. */
export function nextQuery(jobId: string, schedules: string) {
  return queryOptions({ queryKey: ['next', jobId, schedules], queryFn: () => jobyard.jobs.next(jobId, 10) })
}

/** When a schedule falls due. An empty zone is that of the collection; undefined: UTC. */
export function previewQuery(ncrontab: string, timeZone: string, collection: string | undefined) {
  const zone = timeZone.trim() === '' ? {} : { timeZone }
  const place = collection === undefined ? {} : { collection }
  return queryOptions({
    queryKey: ['preview', ncrontab, timeZone, collection],
    queryFn: () => jobyard.schedules.preview({ ncrontab, ...zone, ...place, count: 10 }),
    enabled: ncrontab.trim() !== '',
    placeholderData: (before) => before,
  })
}

/** The time zone of schedules in a collection that name none. */
export function zoneQuery(collection: string | undefined) {
  const place = collection === undefined ? {} : { collection }
  return queryOptions({
    queryKey: ['zone', collection],
    queryFn: async () => (await jobyard.schedules.preview({ ncrontab: '0 0 0 * * *', ...place, count: 1 })).timeZone,
  })
}

/** The deployments of a job. `current` is the hash of the one it runs. */
export function deploymentsQuery(jobId: string, current: string | null) {
  return queryOptions({ queryKey: ['deployments', jobId, current], queryFn: () => jobyard.jobs.packages(jobId) })
}

/** What a package is. */
export function packageQuery(hash: string) {
  return queryOptions({
    queryKey: ['package', hash],
    queryFn: () => jobyard.packages.get(hash),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** All collections that whoever is signed in may see, by name. */
export const collectionsQuery = queryOptions({
  queryKey: ['collections'],
  queryFn: () => jobyard.collections.list({ pageSize: 500 }).take(2000),
  staleTime: 60_000,
})

/** The folder that the jobs of a collection come from; null: none. */
export function folderQuery(collection: string) {
  return queryOptions({
    queryKey: ['folder', collection],
    queryFn: () => jobyard.collections.folder(collection),
    refetchInterval: ASK_AGAIN_MS,
  })
}

/** The app settings of a collection, by name. */
export function settingsQuery(collection: string) {
  return queryOptions({
    queryKey: ['settings', collection],
    queryFn: () => jobyard.settings.list({ collection }),
    refetchInterval: ASK_AGAIN_MS,
  })
}

/** The hooks of a collection. How their calls went is not told live. */
export function hooksQuery(collection: string) {
  return queryOptions({
    queryKey: ['hooks', collection],
    queryFn: ({ signal }) => jobyard.hooks.list({ collection }, { pageSize: 200, signal }).take(1000),
    refetchInterval: HOOKS_AGAIN_MS,
  })
}

/** What lies in a folder of what a job keeps. */
export function dataQuery(jobId: string, path: string) {
  return queryOptions({
    queryKey: ['data', jobId, path],
    queryFn: () => jobyard.data.list(jobId, path),
    refetchInterval: ASK_AGAIN_MS,
  })
}

/** States of a run that is not finished. */
export const LIVE: readonly State[] = STATES.filter((state) => !isFinished(state))
