import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { run } from '../webjobs/acts.ts'
import { showRunId } from '../webjobs/run-id.ts'
import { sendJson, sendNothing, sendTagged } from '../webjobs/sending.ts'
import { tagOfHistory } from '../webjobs/tags.ts'
import { armPlaceOf, historyFor, runFor } from './answers.ts'
import { callerOf, type KuduContext, linksOf, requireJob } from './context.ts'
import { type OfJob, type OfRun, route } from './routes.ts'

/** The route that starts a run. What is sent along is not looked at. */
export function runRoute(app: ApiApp, context: KuduContext, base: string): void {
  const path = `${base}/:name/run`
  app.post<OfJob>(path, route(path, 'operator'), async (request, reply) => {
    const job = await requireJob(context, request, 'triggered', request.params.name)
    const made = await run(context, job, argumentsOf(request), callerOf(request))
    reply.header('location', linksOf(context, request).run(job, showRunId(made)))
    // Resource Manager would wait for the end of what it is told is under way.
    return sendNothing(reply, armPlaceOf(request) === undefined ? 202 : 200)
  })
}

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
    const [job, runs] = await Promise.all([reader.complete(row), reader.runs(row)])
    // With Kudu such a job has no folder to look into.
    if (runs.length === 0 && !job.scheduled) throw new JobyardError('run-unknown')
    const show = () => historyFor(request, runs, job, linksOf(context, request), services.clock.now())
    return sendTagged(request, reply, tagOfHistory(runs[0]), show)
  })
  const item = `${list}/:id`
  app.get<OfRun>(item, route(item, 'viewer'), async (request, reply) => {
    const { name, id } = request.params
    const row = await requireJob(context, request, 'triggered', name)
    const [job, found] = await Promise.all([reader.complete(row), reader.run(row.id, id)])
    if (found === null) throw new JobyardError('run-unknown')
    return sendJson(reply, runFor(request, found, job, linksOf(context, request), services.clock.now()))
  })
}
