import type { ApiApp } from '../../services/http/api-app.ts'
import { remove } from '../webjobs/acts.ts'
import type { WebJobType } from '../webjobs/reader.ts'
import { sendJson, sendNothing, sendTagged } from '../webjobs/sending.ts'
import { tagOfJobs } from '../webjobs/tags.ts'
import { jobFor, jobsFor } from './answers.ts'
import { callerOf, type KuduContext, linksOf, requireJob, siteOf } from './context.ts'
import { type OfJob, route } from './routes.ts'

/** A route that lists jobs: those of a type, or all. */
export function listRoute(app: ApiApp, context: KuduContext, path: string, type?: WebJobType): void {
  const { reader, services } = context
  app.get(path, route(path, 'viewer'), async (request, reply) => {
    const jobs = await reader.outline(await siteOf(context, request), type)
    const now = services.clock.now()
    const show = async () => jobsFor(request, await reader.fill(jobs), linksOf(context, request), now)
    return await sendTagged(request, reply, tagOfJobs(jobs, now), show)
  })
}

/** Routes that show a job and take it away. */
export function jobRoutes(app: ApiApp, context: KuduContext, base: string, type: WebJobType): void {
  const { reader, services } = context
  const path = `${base}/:name`
  app.get<OfJob>(path, route(path, 'viewer'), async (request, reply) => {
    const job = await reader.complete(await requireJob(context, request, type, request.params.name))
    return sendJson(reply, jobFor(request, job, linksOf(context, request), services.clock.now()))
  })
  app.delete<OfJob>(path, route(path, 'deployer'), async (request, reply) => {
    const address = { collectionId: await siteOf(context, request), type, name: request.params.name }
    // Files that are about to become the job, or part of it, go with it.
    await context.edits.drop(address)
    const job = await reader.row(address.collectionId, type, address.name)
    // One that is not there is gone, which is what was wanted.
    if (job !== null) await remove(context, job, callerOf(request))
    return sendNothing(reply)
  })
}
