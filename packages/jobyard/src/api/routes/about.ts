import type { Static } from 'typebox'
import Type from 'typebox'
import { formatDuration } from '../../domain/durations.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { showHomePage } from '../home-page.ts'
import type { Metrics } from '../metrics.ts'
import { Me, Status } from '../schemas/access.ts'
import { closed, named, oneOf } from '../schemas/base.ts'

const Health = named('Health', closed({ status: oneOf(['ok', 'starting']) }))

/** Routes that tell about the caller and the server. */
export function aboutRoutes(app: ApiApp, context: ApiContext): void {
  const { services, settings, directory } = context
  const startedAt = services.clock.elapsed()
  app.get(
    '/v1/me',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'getMe', tags: ['about'], summary: 'Whose token this is', response: { 200: Me } },
    },
    async (request) => {
      const { name, role, collectionId } = bearerOf(request)
      const collection = collectionId === null ? null : await directory.collectionName(collectionId)
      return { name, role, collection, version: services.version }
    },
  )
  app.get(
    '/v1/status',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getStatus',
        tags: ['about'],
        summary: 'What the server is and how busy it is',
        response: { 200: Status },
      },
    },
    async (request): Promise<Static<typeof Status>> => {
      const { memory, processes, notes } = services.limits
      const { role, collectionId } = bearerOf(request)
      const seconds = Math.floor((services.clock.elapsed() - startedAt) / 1000)
      return {
        instance: services.engine.identity.name,
        slot: settings.slot,
        version: services.version,
        uptime: formatDuration(seconds * 1000),
        load: services.engine.load,
        concurrency: settings.concurrency,
        limits: { memory, processes, notes: [...notes] },
        ...(role === 'admin' && collectionId === null ? { dataFolder: settings.dataFolder } : {}),
        database: services.store.dialect.name,
      }
    },
  )
}

/** Routes for machines that watch the server, and the page for people who find it. */
export function healthRoutes(app: ApiApp, { services }: ApiContext, metrics: Metrics): void {
  app.get(
    '/health/live',
    {
      exposeHeadRoute: true,
      config: { access: 'open' },
      schema: {
        operationId: 'isLive',
        tags: ['about'],
        summary: 'Whether the process answers',
        response: { 200: Health },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/health/ready',
    {
      exposeHeadRoute: true,
      config: { access: 'open' },
      schema: {
        operationId: 'isReady',
        tags: ['about'],
        summary: 'Whether requests can be served; 503 until then, and while the server is shutting down',
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      if (services.isReady()) return { status: 'ok' as const }
      return reply.code(503).send({ status: 'starting' as const })
    },
  )
  app.get(
    '/metrics',
    {
      config: { access: 'viewer', whole: true },
      schema: {
        operationId: 'getMetrics',
        tags: ['about'],
        summary: 'Figures for Prometheus, in its text form',
        response: {
          200: { description: 'The figures.', content: { 'text/plain': { schema: Type.String() } } },
        },
      },
    },
    async (_request, reply) => {
      const { type, text } = await metrics.write()
      return reply.header('content-type', type).send(text)
    },
  )
  app.get(
    '/',
    { exposeHeadRoute: true, config: { access: 'open' }, schema: { hide: true } },
    async (_request, reply) => {
      const { html, policy } = showHomePage({ version: services.version, ready: services.isReady() })
      return reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).send(html)
    },
  )
}
