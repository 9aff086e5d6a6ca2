import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { formatSize } from '../domain/durations.ts'
import { ERRORS, type ErrorCode, JobyardError } from '../domain/errors.ts'
import type { ApiApp } from './context.ts'
import type { Problem } from './schemas/problem.ts'

/** Media type of every refusal (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json'

/** Codes of the catalogue for refusals of the HTTP library that say no more than their status. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'route-unknown',
  413: 'body-too-large',
  415: 'media-type-unknown',
}

/** A refusal as it is told. */
export function showProblem(error: JobyardError, requestId: string): Static<typeof Problem> {
  const { code, status, hint, field, position, data } = error
  return {
    type: `urn:jobyard:error:${code}`,
    title: ERRORS[code].title,
    status,
    detail: error.message,
    code,
    hint,
    ...(field === undefined ? {} : { field }),
    ...(position === undefined ? {} : { position }),
    ...(data === undefined ? {} : { data: { ...data } }),
    requestId,
  }
}

/**
 * Has everything that goes wrong told in one form. What is no error of the catalogue is a defect: the caller gets the
 * request's id and nothing else, the log all of it.
 */
export function answerProblems(app: ApiApp, bodyBytes: number): void {
  app.setErrorHandler((error: unknown, request, reply) => refuse(request, reply, classify(error, bodyBytes), error))
  app.setNotFoundHandler((request, reply) => {
    const message = `There is nothing at ${request.method} ${shortPath(request.url)}.`
    const error = new JobyardError('route-unknown', message)
    return refuse(request, reply, error, error)
  })
}

/** Answers what the HTTP library refuses before a route is found, such as an address that cannot be decoded. */
export function answerFrameworkProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const shown = new JobyardError('input-invalid', 'The address cannot be read.', {
    hint: 'Encode it as RFC 3986 says.',
  })
  refuse(request, reply, shown, error)
}

function refuse(request: FastifyRequest, reply: FastifyReply, shown: JobyardError, cause: unknown): FastifyReply {
  if (shown.status >= 500)
    request.log.error({ err: cause, method: request.method, path: pathOf(request.url) }, shown.code)
  if (shown.status === 401 && !reply.hasHeader('www-authenticate')) {
    reply.header('www-authenticate', shown.code === 'webhook-refused' ? 'Basic realm="webhook"' : 'Bearer')
  }
  const retryAfter = shown.data?.retryAfter
  if (typeof retryAfter === 'number') reply.header('retry-after', String(retryAfter))
  if (shown.status === 503) reply.header('retry-after', '5')
  return reply
    .code(shown.status)
    .header('content-type', PROBLEM_TYPE)
    .send(JSON.stringify(showProblem(shown, request.id)))
}

function classify(error: unknown, bodyBytes: number): JobyardError {
  if (error instanceof JobyardError) return error
  const { statusCode } = typeof error === 'object' && error !== null ? (error as { statusCode?: unknown }) : {}
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return internal()
  const code = BY_STATUS[statusCode] ?? 'input-invalid'
  if (code === 'body-too-large') return bodyTooLarge(bodyBytes)
  const message = error instanceof Error ? `${error.message.replace(/\.$/, '')}.` : STATUS_CODES[statusCode]
  return new JobyardError(code, message, code === 'media-type-unknown' ? { field: 'Content-Type' } : {})
}

function internal(): JobyardError {
  return new JobyardError('internal')
}

/** The error for a body beyond a limit, which it names. */
export function bodyTooLarge(limit: number, setting = 'JSON body'): JobyardError {
  const message = `The body is larger than ${formatSize(limit)} (${limit} bytes), the limit of a ${setting}.`
  return new JobyardError('body-too-large', message, { field: 'body', data: { limit } })
}

/** An address without its query, which may hold anything. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}

function shortPath(url: string): string {
  const path = pathOf(url)
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}
