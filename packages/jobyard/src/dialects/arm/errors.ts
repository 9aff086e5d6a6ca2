import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import { sendJson } from '../webjobs/sending.ts'

/** The codes by which Resource Manager's clients know what went wrong. */
const CODES: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'AuthenticationFailed',
  403: 'AuthorizationFailed',
  404: 'ResourceNotFound',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
}

/** Answers what goes wrong as Azure Resource Manager does: `{"error": {"code", "message"}}`. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, message, retryAfter } = tell(error, request)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  return sendJson(reply.code(status), { error: { code: CODES[status] ?? 'InternalServerError', message } })
}

interface Told {
  readonly status: number
  readonly message: string
  readonly retryAfter?: number
}

function tell(error: unknown, request: FastifyRequest): Told {
  if (error instanceof JobyardError) {
    const { status, message, data } = error
    const { retryAfter } = data ?? {}
    if (status !== 500) return { status, message, ...(typeof retryAfter === 'number' ? { retryAfter } : {}) }
  }
  const { statusCode } = typeof error === 'object' && error !== null ? (error as { statusCode?: unknown }) : {}
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message: error instanceof Error ? error.message : 'The request cannot be read.' }
  }
  request.log.error({ err: error, method: request.method }, 'a request of the ARM dialect failed')
  return { status: 500, message: `The log has the particulars under the request ${request.id}.` }
}

/** The error for something that Resource Manager's path names and that is not here. */
export function notFound(type: string, name: string): JobyardError {
  return new JobyardError('job-unknown', `The resource '${type}/${name}' was not found.`)
}

/** Answers what no route is for. */
export function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.originalUrl.split('?', 1)[0]
  const message = `There is nothing for ${request.method} at '${path}'.`
  return sendJson(reply.code(404), { error: { code: 'ResourceNotFound', message } })
}
