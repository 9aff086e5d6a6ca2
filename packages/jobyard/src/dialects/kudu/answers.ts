import type { FastifyRequest } from 'fastify'
import type { RunRow } from '../../domain/model.ts'
import { type ArmPlace, armItem, armJob, armRun } from '../webjobs/arm-items.ts'
import type { JobName, Links } from '../webjobs/links.ts'
import { showJob, showRun, type WebJob } from '../webjobs/shapes.ts'

/**
 * Where the request lies in Azure Resource Manager when it comes from there, which its header `x-ms-geo-location` says; the
 * address that its client asked for is in `Referer`.
 */
export function armPlaceOf({ headers, url }: FastifyRequest): ArmPlace | undefined {
  const location = headers['x-ms-geo-location']
  if (typeof location !== 'string') return undefined
  const { referer } = headers
  const path = referer === undefined ? url : (URL.parse(referer)?.pathname ?? referer)
  return { path: path.split('?', 1)[0]?.replace(/\/$/, '') ?? path, location }
}

/** A job as the caller expects it. `now` in epoch milliseconds. */
export function jobFor(request: FastifyRequest, job: WebJob, links: Links, now: number): unknown {
  const place = armPlaceOf(request)
  return place === undefined ? showJob(job, links, now) : armItem(place, armJob(job, links, now))
}

/** Jobs as the caller expects them. */
export function jobsFor(request: FastifyRequest, jobs: readonly WebJob[], links: Links, now: number): unknown {
  const place = armPlaceOf(request)
  if (place === undefined) return jobs.map((job) => showJob(job, links, now))
  return { value: jobs.map((job) => armItem(place, armJob(job, links, now), job.name)) }
}

/** A run as the caller expects it. */
export function runFor(request: FastifyRequest, run: RunRow, job: JobName, links: Links, now: number): unknown {
  const place = armPlaceOf(request)
  return place === undefined ? showRun(run, job, links, now) : armItem(place, armRun(run, job, links, now))
}

/** A history as the caller expects it. */
export function historyFor(
  request: FastifyRequest,
  runs: readonly RunRow[],
  job: JobName,
  links: Links,
  now: number,
): unknown {
  const place = armPlaceOf(request)
  if (place === undefined) return { runs: runs.map((run) => showRun(run, job, links, now)) }
  return { value: runs.map((run) => armItem(place, armRun(run, job, links, now), showRun(run, job, links, now).id)) }
}
