import { useQuery } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { jobsQuery } from '../app/queries.ts'
import { Loading } from '../parts/page.tsx'

/** Leads from addresses of the dashboard of Azure WebJobs (`/azurejobs/#/jobs/triggered/NAME`) to the same page here. */
export function OldAddress() {
  const { data: jobs } = useQuery(jobsQuery)
  const [, type, name] = /^#\/jobs\/(triggered|continuous)\/([^/]+)/.exec(location.hash) ?? []
  if (jobs === undefined) return <Loading />
  const wanted = decodeURIComponent(name ?? '').toLowerCase()
  const job = jobs.find((each) => each.type === type && each.name.toLowerCase() === wanted)
  return job === undefined ? (
    <Navigate to="/webjobs" replace />
  ) : (
    <Navigate to="/webjobs/$job" params={{ job: job.id }} replace />
  )
}
