import type { Job, Run } from '@jobyard/client'
import type { LinkProps } from '@tanstack/react-router'

/** Where the page of a job is. */
export function jobLink({ id }: Pick<Job, 'id'>): LinkProps {
  return { to: '/webjobs/$job', params: { job: id } }
}

/** Where the page of a run is. */
export function runLink({ id, job }: { readonly id: string; readonly job: Pick<Run['job'], 'id'> }): LinkProps {
  return { to: '/webjobs/$job/runs/$run', params: { job: job.id, run: id } }
}

/** Where the properties of a job are. */
export function propertiesLink({ id }: Pick<Job, 'id'>): LinkProps {
  return { to: '/webjobs/$job/properties', params: { job: id } }
}

/** Where the packages of a job are, and another one is deployed. */
export function packagesLink({ id }: Pick<Job, 'id'>): LinkProps {
  return { to: '/webjobs/$job/packages', params: { job: id } }
}
