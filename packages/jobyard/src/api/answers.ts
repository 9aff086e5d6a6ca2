import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { ERRORS, type ErrorCode, JobyardError } from '../domain/errors.ts'
import { bodyTooLarge } from '../services/body-limit.ts'
import type { ApiApp } from '../services/http/api-app.ts'
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
  app.setErrorHandler((error: unknown, request, reply) => {
    const own = app.ownAddresses.of(request)
    if (own !== undefined) return own.answerError(error, request, reply)
    const shown = classify(error, bodyBytes, request.headers['content-type'])
    return refuse(request, reply, shown, error)
  })
  app.setNotFoundHandler((request, reply) => {
    const error = unknownRoute(request, methodsAt(app, pathOf(request.url)))
    const methods = error.data?.methods
    if (Array.isArray(methods)) reply.header('allow', methods.join(', '))
    return refuse(request, reply, error, error)
  })
}

function unknownRoute({ method, url }: FastifyRequest, methods: readonly string[]): JobyardError {
  const path = shortPath(url)
  // A route that takes the method may find nothing itself, such as one that serves files.
  if (methods.length === 0 || methods.includes(method))
    return new JobyardError('route-unknown', `There is nothing at ${path}.`)
  const message = `${path} does not take ${method}; it takes ${methods.join(', ')}.`
  return new JobyardError('method-unknown', message, { field: 'method', data: { methods } })
}

/** The methods that something is found under at a path. */
function methodsAt(app: ApiApp, path: string): string[] {
  const bare = path.length > 1 ? path.replace(/\/$/, '') : path
  const found = [...app.routeAccess.keys()].flatMap((route) => {
    const [method = '', pattern = ''] = route.split(' ', 2)
    return fits(pattern, bare) ? [method] : []
  })
  return [...new Set(found)].toSorted()
}

/** Whether a path is one that a route's pattern stands for: `:name` is any part, `*` at the end all that comes. */
function fits(pattern: string, path: string): boolean {
  const parts = pattern.split('/')
  const given = path.split('/')
  const open = parts.at(-1) === '*'
  if (open ? given.length < parts.length : given.length !== parts.length) return false
  return parts.every((part, index) => part === '*' || part.startsWith(':') || part === given[index])
}

/** Answers what the HTTP library refuses before a route is found, such as an address that cannot be decoded. */
export function answerFrameworkProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const tooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH'
  const message = tooLong ? 'A part of the address is longer than any name or id can be.' : undefined
  const details = tooLong ? { hint: 'Use the id, the name or the number of what you mean.' } : {}
  const shown = new JobyardError('address-invalid', message, { field: 'path', ...details })
  const own = request.server.ownAddresses.of(request)
  if (own === undefined) refuse(request, reply, shown, error)
  else own.answerError(shown, request, reply)
}

function refuse(request: FastifyRequest, reply: FastifyReply, shown: JobyardError, cause: unknown): FastifyReply {
  if (shown.status >= 500)
    request.log.error({ err: cause, method: request.method, path: pathOf(request.url) }, shown.code)
  if (shown.status === 401 && !reply.hasHeader('www-authenticate')) {
    reply.header('www-authenticate', shown.code === 'webhook-refused' ? 'Basic realm="webhook"' : 'Bearer')
  }
  const retryAfter = shown.data?.retryAfter
  if (typeof retryAfter === 'number') reply.header('retry-after', String(retryAfter))
  else if (shown.status === 503) reply.header('retry-after', '5')
  return reply
    .code(shown.status)
    .header('content-type', PROBLEM_TYPE)
    .send(JSON.stringify(showProblem(shown, request.id)))
}

function classify(error: unknown, bodyBytes: number, contentType: string | undefined): JobyardError {
  if (error instanceof JobyardError) return error
  const { statusCode } = typeof error === 'object' && error !== null ? (error as { statusCode?: unknown }) : {}
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return internal()
  const code = BY_STATUS[statusCode] ?? 'input-invalid'
  if (code === 'body-too-large') return bodyTooLarge(bodyBytes)
  if (code === 'media-type-unknown') return unknownMediaType(contentType)
  const message = error instanceof Error ? `${error.message.replace(/\.$/, '')}.` : STATUS_CODES[statusCode]
  return new JobyardError(code, message)
}

function unknownMediaType(given = ''): JobyardError {
  const said =
    given === '' ? 'The body has no Content-Type' : `The body is of the type ${JSON.stringify(given.slice(0, 100))}`
  return new JobyardError('media-type-unknown', `${said}, which is not read here.`, { field: 'Content-Type' })
}

function internal(): JobyardError {
  return new JobyardError('internal')
}

/** An address without its query, which may hold anything. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}

function shortPath(url: string): string {
  const path = pathOf(url)
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}
