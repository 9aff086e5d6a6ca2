import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'

/** Random bytes of a session's secret. */
const SECRET_BYTES = 32
/** What base64url makes of them. */
const SECRET = /^[\w-]{43}$/

/** A new session's secret: 32 random bytes in base64url. */
export function createSessionSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** The secret in the request's session cookie, if it brings one. */
export function readSessionCookie(request: FastifyRequest, publicUrl: string): string | undefined {
  const name = cookieName(request, publicUrl)
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = part.trim().split('=', 2)
    if (key === name && SECRET.test(value)) return value
  }
  return undefined
}

/**
 * The header that puts a session into a browser: out of reach of scripts (HttpOnly), sent by pages of this site alone
 * (SameSite=Strict), over TLS alone where that is spoken. Without `maxAgeMs` it ends with the browser.
 */
export function sessionCookie(request: FastifyRequest, publicUrl: string, secret: string, maxAgeMs?: number): string {
  const age = maxAgeMs === undefined ? '' : `; Max-Age=${Math.floor(maxAgeMs / 1000)}`
  const secure = isSecure(request, publicUrl) ? '; Secure' : ''
  return `${cookieName(request, publicUrl)}=${secret}; Path=/; HttpOnly; SameSite=Strict${secure}${age}`
}

/** The header that takes the session out of a browser. */
export function noSessionCookie(request: FastifyRequest, publicUrl: string): string {
  return sessionCookie(request, publicUrl, '', 0)
}

/**
 * Lets only requests pass that pages of this server sent: a cookie travels with every request of its browser, and
 * another port of the same host is the same site to it. Browsers say where a request comes from in Sec-Fetch-Site
 * (Fetch Metadata) or, without TLS, in Origin with everything that may change something. Throws 'origin-foreign'.
 */
export function requireOwnPage(request: FastifyRequest, publicUrl: string): void {
  const { 'sec-fetch-site': site, origin } = request.headers
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (site === 'same-origin' || (reads && (site === 'none' || site === undefined))) return
  if (site === undefined && origin !== undefined && isOwnOrigin(origin, request, publicUrl)) return
  throw new JobyardError('origin-foreign')
}

/** Whether a header Origin names this server, as the request has it called or as it calls itself. `null` names nobody. */
export function isOwnOrigin(origin: string, request: FastifyRequest, publicUrl: string): boolean {
  const url = URL.parse(origin)
  if (url === null) return false
  const here = URL.parse(`${url.protocol}//${request.host}`)
  return url.origin === here?.origin || url.origin === URL.parse(publicUrl)?.origin
}

/** Cookies know no ports: servers on other ports of the host must not take this one's for theirs. */
function cookieName(request: FastifyRequest, publicUrl: string): string {
  const port = /:(\d+)$/.exec(request.host)?.[1]
  const name = port === undefined ? 'jobyard-session' : `jobyard-session-${port}`
  return isSecure(request, publicUrl) ? `__Host-${name}` : name
}

function isSecure(request: FastifyRequest, publicUrl: string): boolean {
  if (request.protocol === 'https') return true
  const url = URL.parse(publicUrl)
  return url?.protocol === 'https:' && url.host === request.host
}
