import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import { sendJson, sendNothing, sendText } from '../webjobs/sending.ts'

/** Kudu's own words for what its clients look for. */
const TEXTS: Readonly<Record<string, string>> = {
  'run-refused': 'Cannot start a new run since job is already running.',
  'job-stopped': 'WebJobs are currently in "stopped" state.',
  'jobs-stopped': 'WebJobs are currently in "stopped" state.',
}

/** Statuses that Kudu gives for what has another one elsewhere. */
const STATUSES: Readonly<Record<string, number>> = { 'store-full': 503 }

/** Answers what goes wrong as Kudu does: with a plain text, with nothing at all for 404, and a defect as an exception. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!(error instanceof JobyardError)) return answerForeign(error, request, reply)
  const status = STATUSES[error.code] ?? error.status
  if (status === 500) return answerException(error, request, reply)
  if (status === 401) reply.header('www-authenticate', 'Basic realm="site"')
  const { retryAfter } = error.data ?? {}
  if (typeof retryAfter === 'number') reply.header('retry-after', String(retryAfter))
  else if (status === 503) reply.header('retry-after', '5')
  reply.code(status)
  return status === 404 ? sendNothing(reply, 404) : sendText(reply, TEXTS[error.code] ?? error.message)
}

/** What the HTTP library refuses says its status itself; all else is a defect. */
function answerForeign(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode } = typeof error === 'object' && error !== null ? (error as { statusCode?: unknown }) : {}
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) {
    return answerException(error, request, reply)
  }
  return sendText(reply.code(statusCode), error instanceof Error ? error.message : 'The request cannot be read.')
}

/** Says that something broke. Kudu tells its stack, too; ours has it in the log under the request's id. */
function answerException(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.log.error({ err: error, method: request.method }, 'a request of the Kudu dialect failed')
  return sendJson(reply.code(500), {
    Message: 'An error has occurred.',
    ExceptionMessage: `The log has the particulars under the request ${request.id}.`,
    ExceptionType: 'System.Exception',
    StackTrace: null,
  })
}

/** Answers what no route is for: a JSON text, which clients tell from Kudu's empty 404 by its first words. */
export function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendJson(reply.code(404), `No route registered for '${request.originalUrl}'`)
}
