import type { ApiApp } from '../../services/http/api-app.ts'
import type { ApiContext } from '../context.ts'
import type { Metrics } from '../metrics.ts'
import { aboutRoutes, healthRoutes } from './about.ts'
import { auditRoutes } from './audit.ts'
import { collectionRoutes, collectionWriteRoutes } from './collections.ts'
import { eventHookRoutes, eventHookWriteRoutes } from './event-hooks.ts'
import { eventRoutes } from './events.ts'
import { hookRoutes } from './hooks.ts'
import { jobDataRoutes } from './job-data.ts'
import { deploymentRoutes, occurrenceRoutes } from './job-history.ts'
import { jobActRoutes, jobRoutes, jobWriteRoutes } from './jobs.ts'
import { outputRoutes } from './output.ts'
import { uploadRoute } from './package-upload.ts'
import { packageFileRoute, packageRoutes } from './packages.ts'
import { pageRoutes } from './pages.ts'
import { runListRoutes } from './run-lists.ts'
import { runRoutes, runStartRoutes, taskRoutes } from './runs.ts'
import { scheduleRoutes } from './schedules.ts'
import { sessionRoutes } from './session.ts'
import { settingRoutes, settingWriteRoutes } from './settings.ts'
import { tokenRoutes, tokenWriteRoutes } from './tokens.ts'
import { watchedFolderRoutes } from './watched-folder.ts'
import { webhookPasswordRoutes, webhookRoutes } from './webhooks.ts'

/** Every route but those of the description. */
export async function addRoutes(app: ApiApp, context: ApiContext, metrics: Metrics): Promise<void> {
  aboutRoutes(app, context)
  sessionRoutes(app, context)
  await app.register(async (scope: ApiApp) => pageRoutes(scope, context))
  healthRoutes(app, context, metrics)
  collectionRoutes(app, context)
  collectionWriteRoutes(app, context)
  watchedFolderRoutes(app, context)
  jobRoutes(app, context)
  jobWriteRoutes(app, context)
  jobActRoutes(app, context)
  deploymentRoutes(app, context)
  occurrenceRoutes(app, context)
  runListRoutes(app, context)
  runStartRoutes(app, context)
  runRoutes(app, context)
  taskRoutes(app, context)
  outputRoutes(app, context)
  packageRoutes(app, context)
  packageFileRoute(app, context)
  webhookRoutes(app, context)
  webhookPasswordRoutes(app, context)
  scheduleRoutes(app, context)
  settingRoutes(app, context)
  settingWriteRoutes(app, context)
  tokenRoutes(app, context)
  tokenWriteRoutes(app, context)
  auditRoutes(app, context)
  eventRoutes(app, context)
  eventHookRoutes(app, context)
  eventHookWriteRoutes(app, context)
  // These read their bodies in ways of their own, which must not reach the other routes.
  await app.register(async (scope: ApiApp) => uploadRoute(scope, context))
  await app.register(async (scope: ApiApp) => hookRoutes(scope, context))
  await app.register(async (scope: ApiApp) => jobDataRoutes(scope, context))
}
