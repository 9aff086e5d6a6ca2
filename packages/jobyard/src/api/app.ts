import type { Server } from 'node:http'
import { createServer } from 'node:https'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerFactory,
  LogController,
} from 'fastify'
import { Lockout } from '../services/auth/lockout.ts'
import {
  closeServiceContext,
  createServiceContext,
  type FullSettings,
  openServiceContext,
} from '../services/context.ts'
import type { ApiApp } from '../services/http/api-app.ts'
import { byDialect, type Dialect } from '../services/http/dialect.ts'
import { guardRoutes } from '../services/http/guard.ts'
import { answerOwnAddresses, OwnAddresses } from '../services/http/own-addresses.ts'
import type { ApiServices } from '../services/services.ts'
import { answerFrameworkProblem, answerProblems } from './answers.ts'
import { ClientErrors } from './client-errors.ts'
import type { ApiContext } from './context.ts'
import { describeRoutes, documentRoutes } from './docs/openapi.ts'
import { addHeaders } from './headers.ts'
import { IdempotencyKeys, keepKeys } from './idempotency.ts'
import { readJsonBody } from './input/json-body.ts'
import { compileValidator } from './input/validator.ts'
import { LiveReaders } from './live/readers.ts'
import { Metrics } from './metrics.ts'
import { addRoutes } from './routes/index.ts'
import { Shower } from './views/shower.ts'

/** Wrong tokens of one sender in a minute before it gets 429 for them. */
const TOKEN_FAILURES = { failures: 30, windowMs: 60_000 }
/** Wrong passwords of one sender for one webhook in a minute before it is locked out of that one. */
const WEBHOOK_FAILURES = { failures: 10, windowMs: 60_000 }

/**
 * Makes the interface `/v1` and what belongs to it: description, health, figures, webhooks, the page at the root. The
 * caller has it listen, and closes it before it stops any of the services: live streams end then, and requests under
 * way are answered. The dialects lie beside `/v1`; each reads bodies and tells what went wrong in its own way.
 */
export async function createApi(services: ApiServices, dialects: readonly Dialect[] = []): Promise<FastifyInstance> {
  const closing = new AbortController()
  const context = createContext(services, closing.signal)
  const { settings, directory, authenticator, keys } = context
  await openServiceContext(context)
  const app = createApp(services, settings)
  const metrics = new Metrics(services, directory)
  const stopCounting = metrics.start(app)
  addHeaders(app, closing.signal)
  answerProblems(app, settings.bodyBytes)
  logRequests(app)
  await describeRoutes(app, context)
  app.decorate('ownAddresses', new OwnAddresses())
  guardRoutes(app, authenticator, new Lockout(services.clock, TOKEN_FAILURES), () => settings.publicUrl())
  answerOwnAddresses(app)
  keepKeys(app, keys)
  await addRoutes(app, context, metrics)
  for (const dialect of dialects) await app.register(async (scope: ApiApp) => dialect(scope, context))
  await documentRoutes(app)
  app.addHook('preClose', async () => closing.abort())
  app.addHook('onClose', async () => {
    stopCounting()
    await closeServiceContext(context)
  })
  await app.ready()
  return app
}

function createContext(services: ApiServices, closing: AbortSignal): ApiContext {
  const shared = createServiceContext(services, closing)
  const { settings, directory, edits } = shared
  return {
    ...shared,
    webhookLockout: new Lockout(services.clock, WEBHOOK_FAILURES),
    readers: new LiveReaders({ all: settings.liveStreams, perToken: settings.liveStreamsPerToken }),
    shower: new Shower(services, directory, edits),
    keys: new IdempotencyKeys(services),
  }
}

function createApp(services: ApiServices, settings: FullSettings): ApiApp {
  const { logger, ids } = services
  const { tls } = services.settings
  const clientErrors = new ClientErrors(services)
  const loggerInstance: FastifyBaseLogger = logger
  const { bodyBytes: bodyLimit, behindProxy, quietMs } = settings
  const app = fastify<Server>({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => ids.next(),
    bodyLimit,
    // The one proxy before us is believed, and nobody before it: anybody can send X-Forwarded-For.
    trustProxy: behindProxy ? (_address: string, hop: number) => hop === 0 : false,
    connectionTimeout: quietMs,
    exposeHeadRoutes: false,
    // Requests on connections that are open already are answered until the last one is.
    return503OnClosing: false,
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: 400,
      // What the dialects speak for never told the case of addresses, and its clients write them as they like.
      caseSensitive: false,
      constraints: { dialect: byDialect },
    },
    frameworkErrors: answerFrameworkProblem,
    clientErrorHandler: (error, socket) => clientErrors.answer(error, socket),
    ...(tls === undefined ? {} : { serverFactory: secureServers(tls, quietMs) }),
  }).withTypeProvider<TypeBoxTypeProvider>()
  // The first hook of all: what comes behind a request on its connection may be read before the next one.
  app.addHook('onRequest', async (_request, reply) => clientErrors.note(reply.raw))
  app.setValidatorCompiler(compileValidator)
  // Answers are made member by member and their types are checked against the schemas; tests check the values.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.removeAllContentTypeParsers()
  for (const type of ['application/json', /^application\/[\w.-]+\+json$/]) {
    app.addContentTypeParser(type, { parseAs: 'string' }, async (_request: unknown, text: string) => readJsonBody(text))
  }
  return app
}

function secureServers(
  tls: NonNullable<ApiServices['settings']['tls']>,
  quietMs: number,
): FastifyServerFactory<Server> {
  return (handler) => {
    const server = createServer(tls, handler)
    server.setTimeout(quietMs)
    return server
  }
}

/** One line per request, for whoever looks closely; what fails on our side is logged where it is refused. */
function logRequests(app: ApiApp): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, url, ip } = request
    const took = Math.round(reply.elapsedTime)
    request.log.debug({ method, path: url.split('?', 1)[0], status: reply.statusCode, took, ip }, 'answered')
  })
}
