import type { ApiApp } from '../../services/http/api-app.ts'
import { setEnabled } from '../webjobs/acts.ts'
import { sendNothing } from '../webjobs/sending.ts'
import { callerOf, type KuduContext, requireJob } from './context.ts'
import { type OfJob, route } from './routes.ts'

/** Routes that start and stop a continuous job; both do nothing to one that is so already. */
export function switchRoutes(app: ApiApp, context: KuduContext, base: string): void {
  for (const verb of ['start', 'stop'] as const) {
    const path = `${base}/:name/${verb}`
    app.post<OfJob>(path, route(path, 'operator'), async (request, reply) => {
      const job = await requireJob(context, request, 'continuous', request.params.name)
      await setEnabled(context, job, verb === 'start', callerOf(request))
      return sendNothing(reply)
    })
  }
}
