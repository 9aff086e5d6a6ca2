import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import { showRunId } from '../../domain/webjobs-run-id.ts'
import type { Bearer } from '../../services/auth/bearer.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { run } from '../webjobs/acts.ts'
import { sendJson, sendNothing, sendTagged } from '../webjobs/sending.ts'
import { siteOfHost } from '../webjobs/site.ts'
import { tagOfHistory } from '../webjobs/tags.ts'
import { armPlaceOf, historyFor, runFor } from './answers.ts'
import { callerOf, type KuduContext, linksOf, requireJob } from './context.ts'
import { type OfJob, type OfRun, route } from './routes.ts'

/** The route that starts a run. What is sent along is not looked at. */
export function runRoute(app: ApiApp, context: KuduContext, base: string): void {
  const path = `${base}/:name/run`
  const options = route(path, 'operator')
  const otherwise = webhookOf(context)
  app.post<OfJob>(path, { ...options, config: { ...options.config, otherwise } }, async (request, reply) => {
    const job = await requireJob(context, request, 'triggered', request.params.name)
    const made = await run(context, job, argumentsOf(request), callerOf(request))
    reply.header('location', linksOf(context, request).run(job, showRunId(made)))
    // Resource Manager would wait for the end of what it is told is under way.
    return sendNothing(reply, armPlaceOf(request) === undefined ? 202 : 200)
  })
}

/**
 * The address of a run is what the portal of WebJobs calls a job's webhook, so the password of the job's webhook opens it,
 * for this job and nothing else.
 */
function webhookOf(context: KuduContext) {
  const { reader, webhooks } = context
  return async (request: FastifyRequest, secret: string): Promise<Bearer | null> => {
    const { name } = request.params as OfJob['Params']
    const { id: collectionId } = await siteOfHost(context, UNLIMITED, request.hostname)
    const job = await reader.row(collectionId, 'triggered', name)
    if (job === null || !(await webhooks.triggers(job.id)).some(({ type }) => type === 'webhook')) return null
    if (!(await webhooks.verify(job, secret))) return null
    return { tokenId: `webhook:${job.id}`, name: `webhook of ${job.name}`, role: 'operator', collectionId }
  }
}

/** Whoever has not been asked yet who he is: no token says of which collection he speaks. */
const UNLIMITED: Bearer = { tokenId: '', name: '', role: 'viewer', collectionId: null }

/** The arguments as they were written, `+` for a blank; the name of the parameter in any case. */
function argumentsOf({ query }: FastifyRequest): string | undefined {
  const entries = Object.entries(query ?? {}) as [string, string | string[]][]
  const [, value] = entries.find(([name]) => name.toLowerCase() === 'arguments') ?? []
  return Array.isArray(value) ? value.join(',') : value
}

/** Routes that show the runs of a job. */
export function historyRoutes(app: ApiApp, context: KuduContext, base: string): void {
  const { reader, services } = context
  const list = `${base}/:name/history`
  app.get<OfJob>(list, route(list, 'viewer'), async (request, reply) => {
    const row = await requireJob(context, request, 'triggered', request.params.name)
    const newest = await reader.newestRun(row)
    // With Kudu such a job has no folder to look into.
    if (newest === undefined && !(await reader.complete(row)).scheduled) throw new JobyardError('run-unknown')
    const show = async () =>
      historyFor(request, await reader.runs(row), row, linksOf(context, request), services.clock.now())
    return await sendTagged(request, reply, tagOfHistory(newest), show)
  })
  const item = `${list}/:id`
  app.get<OfRun>(item, route(item, 'viewer'), async (request, reply) => {
    const { name, id } = request.params
    const row = await requireJob(context, request, 'triggered', name)
    const found = await reader.run(row.id, id)
    if (found === null) throw new JobyardError('run-unknown')
    return sendJson(reply, runFor(request, found, row, linksOf(context, request), services.clock.now()))
  })
}
