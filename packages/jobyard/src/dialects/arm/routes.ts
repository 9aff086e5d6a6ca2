import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import { showRunId } from '../../domain/webjobs-run-id.ts'
import type { Access } from '../../services/auth/bearer.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { putSettings, remove, run, setEnabled } from '../webjobs/acts.ts'
import { armItem, armJob, armRun } from '../webjobs/arm-items.ts'
import { readArmSettings } from '../webjobs/arm-settings.ts'
import { readText } from '../webjobs/bodies.ts'
import type { WebJobType } from '../webjobs/reader.ts'
import { sendJson, sendNothing } from '../webjobs/sending.ts'
import {
  type ArmContext,
  callerOf,
  linksOf,
  type OfJob,
  type OfRun,
  type OfSite,
  placeOf,
  requireJob,
  siteOf,
} from './site.ts'

/** What every route of Resource Manager says of itself. */
export function route(access: Access) {
  return { config: { access, credentials: 'bearer', idempotency: 'off' } as const, schema: { hide: true } }
}

/** Routes that list and show jobs: those of a type, or of both. */
export function jobRoutes(app: ApiApp, context: ArmContext, base: string, type?: WebJobType): void {
  const { reader, services } = context
  const types: readonly WebJobType[] = type === undefined ? ['triggered', 'continuous'] : [type]
  app.get<OfSite>(base, route('viewer'), async (request, reply) => {
    const jobs = await reader.list(await siteOf(context, request, request.params), type)
    const links = linksOf(context, request)
    const now = services.clock.now()
    const place = placeOf(request)
    return sendJson(reply, { value: jobs.map((job) => armItem(place, armJob(job, links, now), job.name)) })
  })
  app.get<OfJob>(`${base}/:name`, route('viewer'), async (request, reply) =>
    sendJson(reply, await showOne(context, request, request.params, types)),
  )
}

async function showOne(
  context: ArmContext,
  request: FastifyRequest,
  params: OfJob['Params'],
  types: readonly WebJobType[],
): Promise<unknown> {
  const job = await context.reader.complete(await requireJob(context, request, params, types))
  return armItem(placeOf(request), armJob(job, linksOf(context, request), context.services.clock.now()))
}

/** Routes that change a job: its settings and whether it is there. None makes one; that is done through Kudu. */
export function writeRoutes(app: ApiApp, context: ArmContext, base: string, type: WebJobType): void {
  const path = `${base}/:name`
  app.put<OfJob>(path, route('deployer'), async (request, reply) => {
    const job = await requireJob(context, request, request.params, [type])
    const settings = readArmSettings(await readText(request, context.settings.bodyBytes))
    if (settings !== undefined) await putSettings(context, job, settings, callerOf(request))
    return sendJson(reply, await showOne(context, request, request.params, [type]))
  })
  app.delete<OfJob>(path, route('deployer'), async (request, reply) => {
    const { name } = request.params
    const job = await context.reader.row(await siteOf(context, request, request.params), type, name)
    if (job !== null) await remove(context, job, callerOf(request))
    return sendNothing(reply)
  })
}

/** Routes that start and stop a continuous job. */
export function switchRoutes(app: ApiApp, context: ArmContext, base: string): void {
  for (const verb of ['start', 'stop'] as const) {
    app.post<OfJob>(`${base}/:name/${verb}`, route('operator'), async (request, reply) => {
      const job = await requireJob(context, request, request.params, ['continuous'])
      await setEnabled(context, job, verb === 'start', callerOf(request))
      return sendNothing(reply)
    })
  }
}

/** Routes that start a triggered job and show its runs. */
export function runRoutes(app: ApiApp, context: ArmContext, base: string): void {
  const { reader, services } = context
  app.post<OfJob>(`${base}/:name/run`, route('operator'), async (request, reply) => {
    const job = await requireJob(context, request, request.params, ['triggered'])
    const { arguments: args } = request.query as { arguments?: string | string[] }
    const made = await run(context, job, Array.isArray(args) ? args.join(',') : args, callerOf(request))
    reply.header('location', linksOf(context, request).run(job, showRunId(made)))
    return sendNothing(reply)
  })
  app.get<OfJob>(`${base}/:name/history`, route('viewer'), async (request, reply) => {
    const row = await requireJob(context, request, request.params, ['triggered'])
    const runs = await reader.runs(row)
    const links = linksOf(context, request)
    const now = services.clock.now()
    const place = placeOf(request)
    return sendJson(reply, {
      value: runs.map((each) => armItem(place, armRun(each, row, links, now), showRunId(each))),
    })
  })
  app.get<OfRun>(`${base}/:name/history/:id`, route('viewer'), async (request, reply) => {
    const { id } = request.params
    const row = await requireJob(context, request, request.params, ['triggered'])
    const found = await reader.run(row.id, id)
    if (found === null) throw new JobyardError('run-unknown', `There is no run ${id} of the job ${row.name}.`)
    const properties = armRun(found, row, linksOf(context, request), services.clock.now())
    return sendJson(reply, armItem(placeOf(request), properties))
  })
}
