import type { FastifyRequest } from 'fastify'
import type { ApiApp } from '../../services/http/api-app.ts'
import { addresseeOf, type Dialect } from '../../services/http/dialect.ts'
import { leaveBodies } from '../webjobs/bodies.ts'
import { RenderedLogs } from '../webjobs/files/rendered-logs.ts'
import { WebJobReader, type WebJobType } from '../webjobs/reader.ts'
import { appSettingRoutes } from './app-settings.ts'
import type { KuduContext } from './context.ts'
import { switchRoutes } from './continuous.ts'
import { answerError, answerUnknownRoute } from './errors.ts'
import type { FilesContext } from './files/context.ts'
import { fileRoutes } from './files/routes.ts'
import { VFS } from './files/vfs.ts'
import { ZIP } from './files/zip.ts'
import { hookRoutes } from './hooks.ts'
import { jobRoutes, listRoute } from './jobs.ts'
import { refuseOtherSites } from './other-sites.ts'
import { passthroughRoute } from './passthrough.ts'
import { ALL_JOBS, APP_SETTINGS, FILES, OWN, pathsOf, SWAGGER, ZIPS } from './paths.ts'
import { route } from './routes.ts'
import { historyRoutes, runRoute } from './runs.ts'
import { settingsRoutes } from './settings.ts'
import { swaggerRoute } from './swagger.ts'
import { uploadRoute } from './upload.ts'

/** How the dialect is set up. */
export interface KuduOptions {
  /** The name of this instance. */
  readonly instance: string
}

/**
 * The interface of Kudu to WebJobs, at the addresses where its clients expect it
 * (https://github.com/projectkudu/kudu/wiki/WebJobs-API). It holds no rule: what it does, `/v1` does too.
 */
export function createKudu({ instance }: KuduOptions): Dialect {
  return (app, services) => {
    const context: KuduContext = { ...services, reader: new WebJobReader(services, instance) }
    app.setErrorHandler(answerError)
    refuseOtherSites(app, () => services.settings.publicUrl())
    leaveBodies(app)
    hookRoutes(app, context)
    for (const path of ALL_JOBS) listRoute(app, context, path)
    for (const path of APP_SETTINGS) appSettingRoutes(app, context, path)
    for (const path of SWAGGER) swaggerRoute(app, context, path)
    for (const type of ['triggered', 'continuous'] as const) {
      for (const base of pathsOf(type)) routesOfType(app, context, base, type)
    }
    for (const base of pathsOf('continuous')) passthroughRoute(app, context, base)
    const rendered = new RenderedLogs({ context, reader: context.reader, instance })
    const files: FilesContext = { ...context, logs: (job) => rendered.folder(job) }
    for (const base of FILES) fileRoutes(app, files, base, VFS)
    for (const base of ZIPS) fileRoutes(app, files, base, ZIP)
    app.ownAddresses.claim({ owns: isKudus, config: route('', 'viewer').config, answerError, answerUnknownRoute })
  }
}

function routesOfType(app: ApiApp, context: KuduContext, base: string, type: WebJobType): void {
  listRoute(app, context, base, type)
  jobRoutes(app, context, base, type)
  uploadRoute(app, context, base, type)
  settingsRoutes(app, context, base, type)
  if (type === 'continuous') {
    switchRoutes(app, context, base)
    return
  }
  runRoute(app, context, base)
  historyRoutes(app, context, base)
}

/** What is not there below Kudu's addresses is its own, too, unless whoever else has the address is meant. */
function isKudus({ raw, originalUrl }: FastifyRequest): boolean {
  return OWN.test(originalUrl) && addresseeOf(raw) === 'kudu'
}
