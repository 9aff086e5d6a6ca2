import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as open } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../../domain/error-message.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bodyOf } from '../webjobs/bodies.ts'
import { sendJson } from '../webjobs/sending.ts'
import { type KuduContext, requireJob } from './context.ts'
import { ListeningSocket } from './listening-socket.ts'
import { requireNoOtherSite } from './other-sites.ts'
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
  'x-request-id',
])

/** The route to whatever a continuous job serves on its port, on this instance. */
export function passthroughRoute(app: ApiApp, context: KuduContext, base: string): void {
  const top = `${base}/:name/passthrough`
  const depth = top.split('/').length - 1
  const handler = async (request: FastifyRequest<OfJob>, reply: FastifyReply): Promise<FastifyReply> => {
    // What stands behind it may do anything, whatever the method is called.
    requireNoOtherSite(request, context.settings.publicUrl())
    try {
      const job = await requireJob(context, request, 'continuous', request.params.name)
      const port = context.services.jobPort?.(job.id)
      if (port === undefined) throw new Error(`The job ${job.name} does not run on this instance.`)
      return passOn(reply, await call(request, reply, pathBehind(request.originalUrl, depth), port))
    } catch (error) {
      return answerFailure(error, reply)
    }
  }
  for (const url of [top, `${top}/*`]) {
    app.route<OfJob>({ ...route(url, 'operator'), method: [...METHODS], url, handler })
  }
}

/** What of an address stands behind its first parts, as it was written: those may be spelled in many ways. */
function pathBehind(url: string, parts: number): string {
  const path = url.replace(/^https?:\/\/[^/]*/i, '')
  return `/${path.replace(new RegExp(`^(?:/[^/?#]*){${parts}}/?`), '')}`
}

async function call(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  port: number,
): Promise<IncomingMessage> {
  const { method, headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  const sendsBody = hasBody && method !== 'GET' && method !== 'HEAD'
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const createConnection = () => new ListeningSocket().connect(port, '127.0.0.1')
  const options = { host: '127.0.0.1', port, method, path, headers: headersFor(headers, sendsBody), createConnection }
  const sent = open(options, resolve)
  sent.on('error', reject)
  sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('The job does not answer.')))
  endWithCaller(reply, sent)
  // Not as a pipeline, which would hang up on the caller when the job wants no more and has answered already.
  if (sendsBody) bodyOf(request).pipe(sent)
  else sent.end()
  return await promise
}

/** A caller that goes away needs no answer, and no more of one. */
function endWithCaller({ raw }: FastifyReply, sent: ClientRequest): void {
  if (raw.destroyed || raw.socket?.destroyed) sent.destroy()
  else raw.on('close', () => sent.destroy())
}

/** A body without a length must be framed: what follows it would be taken for another request. */
function headersFor(headers: IncomingHttpHeaders, sendsBody: boolean): IncomingHttpHeaders {
  const { 'content-length': length, ...passed } = without(headers, NOT_PASSED_ON)
  if (!sendsBody) return passed
  return length === undefined ? { ...passed, 'transfer-encoding': 'chunked' } : { ...passed, 'content-length': length }
}

function passOn(reply: FastifyReply, answer: IncomingMessage): FastifyReply {
  return reply
    .code(answer.statusCode ?? 502)
    .headers({ ...without(answer.headers, NOT_GIVEN_BACK), 'content-security-policy': 'sandbox' })
    .send(answer)
}

/** Headers without some, and without those that are only for the connection they came over (RFC 9110 §7.6.1). */
function without(headers: IncomingHttpHeaders, left: ReadonlySet<string>): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name) && !named.has(name)))
}

function answerFailure(error: unknown, reply: FastifyReply): FastifyReply {
  return sendJson(reply.code(404), {
    Message: 'An error has occurred.',
    ExceptionMessage: messageOf(error),
    ExceptionType: 'System.Net.Http.HttpRequestException',
    StackTrace: null,
  })
}
