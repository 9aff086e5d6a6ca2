import type { ApiApp } from '../../services/http/api-app.ts'
import { putSettings } from '../webjobs/acts.ts'
import { readText } from '../webjobs/bodies.ts'
import type { WebJobType } from '../webjobs/reader.ts'
import { sendJson, sendNothing } from '../webjobs/sending.ts'
import { armPlaceOf } from './answers.ts'
import { callerOf, type KuduContext, requireJob, siteOf } from './context.ts'
import { answerUnknownRoute } from './errors.ts'
import { type OfJob, route } from './routes.ts'

/** Routes of the settings of a job, which stand for its file settings.job. */
export function settingsRoutes(app: ApiApp, context: KuduContext, base: string, type: WebJobType): void {
  const { reader, settings } = context
  const path = `${base}/:name/settings`
  app.get<OfJob>(path, route(path, 'viewer'), async (request, reply) => {
    const { name } = request.params
    const collectionId = await siteOf(context, request)
    await context.edits.trySettleSettings({ collectionId, type, name })
    const job = await reader.row(collectionId, type, name)
    return sendJson(reply, job === null ? {} : (await reader.complete(job)).settings)
  })
  app.put<OfJob>(path, route(path, 'deployer'), async (request, reply) => {
    // Resource Manager's writes have an address of their own.
    if (armPlaceOf(request) !== undefined) return answerUnknownRoute(request, reply)
    const job = await requireJob(context, request, type, request.params.name)
    await putSettings(context, job, await readText(request, settings.bodyBytes), callerOf(request))
    return sendNothing(reply)
  })
}
