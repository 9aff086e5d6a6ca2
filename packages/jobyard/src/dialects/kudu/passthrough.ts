import { type IncomingHttpHeaders, type IncomingMessage, request as open } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bodyOf } from '../webjobs/bodies.ts'
import { sendJson } from '../webjobs/sending.ts'
import { type KuduContext, requireJob } from './context.ts'
import { type OfJob, route } from './routes.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'] as const

/** Milliseconds that a job may be silent before its caller is told that it does not answer. */
const PATIENCE_MS = 230_000

/** What belongs to one connection (RFC 9110 §7.6.1), and what is for us and not for the job: our credentials. */
const NOT_PASSED_ON = new Set([
  'host',
  'authorization',
  'proxy-authorization',
  'cookie',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

/** What a job must not say in our name: whoever looks at its pages may be signed in here. */
const NOT_GIVEN_BACK = new Set([
  ...NOT_PASSED_ON,
  'set-cookie',
  'content-security-policy',
  'strict-transport-security',
  'clear-site-data',
  'service-worker-allowed',
  'www-authenticate',
  'access-control-allow-origin',
  'access-control-allow-credentials',
])

/** The route to whatever a continuous job serves on its port, on this instance. */
export function passthroughRoute(app: ApiApp, context: KuduContext, base: string): void {
  const top = `${base}/:name/passthrough`
  const before = new RegExp(`^${base}/[^/]+/passthrough/?`, 'i')
  const handler = async (request: FastifyRequest<OfJob>, reply: FastifyReply): Promise<FastifyReply> => {
    try {
      const job = await requireJob(context, request, 'continuous', request.params.name)
      const path = `/${request.originalUrl.replace(before, '')}`
      const port = context.services.jobPort?.(job.id)
      if (port === undefined) throw new Error(`The job ${job.name} does not run on this instance.`)
      return passOn(reply, await call(request, path, port))
    } catch (error) {
      return answerFailure(error, reply)
    }
  }
  // What stands behind it may do anything, whatever the method is called.
  for (const url of [top, `${top}/*`]) {
    app.route<OfJob>({ ...route(url, 'operator'), method: [...METHODS], url, handler })
  }
}

async function call(request: FastifyRequest, path: string, port: number): Promise<IncomingMessage> {
  const { method, headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  const sendsBody = hasBody && method !== 'GET' && method !== 'HEAD'
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = { host: '127.0.0.1', port, method, path, headers: headersFor(headers, sendsBody) }
  const sent = open(options, resolve)
  sent.on('error', reject)
  sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('The job does not answer.')))
  if (sendsBody) pipeline(bodyOf(request), sent).catch(reject)
  else sent.end()
  return await promise
}

/** A body without a length must be framed: what follows it would be taken for another request. */
function headersFor(headers: IncomingHttpHeaders, sendsBody: boolean): IncomingHttpHeaders {
  const { 'content-length': length, ...passed } = without(headers, NOT_PASSED_ON)
  if (!sendsBody) return passed
  return length === undefined ? { ...passed, 'transfer-encoding': 'chunked' } : { ...passed, 'content-length': length }
}

function passOn(reply: FastifyReply, answer: IncomingMessage): FastifyReply {
  // A caller that goes away needs no more of it.
  reply.raw.on('close', () => answer.destroy())
  return reply
    .code(answer.statusCode ?? 502)
    .headers({ ...without(answer.headers, NOT_GIVEN_BACK), 'content-security-policy': 'sandbox' })
    .send(answer)
}

function without(headers: IncomingHttpHeaders, left: ReadonlySet<string>): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name)))
}

function answerFailure(error: unknown, reply: FastifyReply): FastifyReply {
  return sendJson(reply.code(404), {
    Message: 'An error has occurred.',
    ExceptionMessage: error instanceof Error ? error.message : String(error),
    ExceptionType: 'System.Net.Http.HttpRequestException',
    StackTrace: null,
  })
}
