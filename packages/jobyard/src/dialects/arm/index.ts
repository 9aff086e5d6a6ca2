import type { FastifyRequest } from 'fastify'
import type { ApiApp } from '../../services/http/api-app.ts'
import type { Dialect } from '../../services/http/dialect.ts'
import { leaveBodies } from '../webjobs/bodies.ts'
import { WebJobReader } from '../webjobs/reader.ts'
import { answerError, answerUnknownRoute } from './errors.ts'
import { jobRoutes, route, runRoutes, switchRoutes, writeRoutes } from './routes.ts'
import type { ArmContext } from './site.ts'

/** How the dialect is set up. */
export interface ArmOptions {
  /** The name of this instance. */
  readonly instance: string
  /** The deployment slot that this server is. */
  readonly slot: string
}

const SITE = '/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Web/sites/:site'

/** Below this address everything is Resource Manager's, what is not there too. */
const OWN = /^\/subscriptions(?=[/?]|$)/i

/**
 * The interface of Azure Resource Manager to WebJobs
 * (https://learn.microsoft.com/rest/api/appservice/web-apps), of any subscription and resource group.
 */
export function createArm({ instance, slot }: ArmOptions): Dialect {
  return (app, services) => {
    const context: ArmContext = { ...services, reader: new WebJobReader(services, instance), slot }
    app.setErrorHandler(answerError)
    leaveBodies(app)
    for (const base of [SITE, `${SITE}/slots/:slot`]) routesOfSite(app, context, base)
    const owns = ({ originalUrl }: FastifyRequest) => OWN.test(originalUrl)
    app.ownAddresses.claim({ owns, config: route('viewer').config, answerError, answerUnknownRoute })
  }
}

function routesOfSite(app: ApiApp, context: ArmContext, base: string): void {
  const [continuous, triggered] = [`${base}/continuouswebjobs`, `${base}/triggeredwebjobs`]
  jobRoutes(app, context, `${base}/webjobs`)
  jobRoutes(app, context, continuous, 'continuous')
  jobRoutes(app, context, triggered, 'triggered')
  writeRoutes(app, context, continuous, 'continuous')
  writeRoutes(app, context, triggered, 'triggered')
  switchRoutes(app, context, continuous)
  runRoutes(app, context, triggered)
}
