import type { ApiApp } from '../../services/http/api-app.ts'
import { sendJson } from '../webjobs/sending.ts'
import { type KuduContext, siteOf } from './context.ts'
import { route } from './routes.ts'

/** The route that describes in Swagger 2.0 how the triggered jobs are started, for programs that make connectors of it. */
export function swaggerRoute(app: ApiApp, context: KuduContext, path: string): void {
  app.get(path, route(path, 'viewer'), async (request, reply) => {
    const names = await context.reader.names(await siteOf(context, request), 'triggered')
    return sendJson(reply, {
      swagger: '2.0',
      info: { version: 'v1', title: 'WebJobs' },
      host: 'placeHolder',
      schemes: ['https'],
      paths: Object.fromEntries(names.map((name) => [`/api/triggeredjobs/${name}/run`, { post: describeRun(name) }])),
    })
  })
}

function describeRun(name: string) {
  return {
    deprecated: false,
    operationId: name,
    consumes: [],
    produces: [],
    responses: { 200: { description: 'Success' }, default: { description: 'Success' } },
    parameters: [{ name: 'arguments', in: 'query', description: 'Web Job Arguments', required: false, type: 'string' }],
  }
}
