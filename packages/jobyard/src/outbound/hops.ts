import { JobyardError } from '../domain/errors.ts'
import type { OutboundAnswer, OutboundRequest } from './request.ts'

/** Reads the address of a call. Throws 'destination-invalid'. */
export function readTarget(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new JobyardError('destination-invalid', 'The address is no whole URL.', { field: 'url' })
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  const message = `An address that begins with ${url.protocol} cannot be called.`
  const hint = 'Write an address that begins with https:// or http://.'
  throw new JobyardError('destination-invalid', message, { field: 'url', hint })
}

/** The header for user and password of an address (RFC 7617); none when it has neither. */
export function basicOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {}
  const pair = `${decode(username)}:${decode(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** A part of an address as it was meant; as it stands when its percent signs say nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const MOVED = new Set([301, 302, 303, 307, 308])
/** Headers that are for one host alone, and those of a body that is not sent any more. */
const OF_HOST = /^(?:authorization|cookie|host|proxy-authorization)$/i
const OF_BODY = /^content-/i

/**
 * The call that a redirect asks for, by https://fetch.spec.whatwg.org/#http-redirect-fetch; undefined when the answer is
 * none. What was meant for one host is not told to another. From HTTPS nothing leads to HTTP: 'destination-refused'.
 */
export function nextHop(request: OutboundRequest, { status, headers }: OutboundAnswer): OutboundRequest | undefined {
  const { location } = headers
  if (!MOVED.has(status) || typeof location !== 'string') return undefined
  const from = readTarget(request.url)
  const to = URL.parse(location, from)
  if (to === null) throw new JobyardError('destination-invalid', 'The redirect names no address.')
  const url = readTarget(to.href)
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw new JobyardError('destination-refused', 'The redirect leads from HTTPS to HTTP.')
  }
  const { body, headers: sent = {}, ...rest } = request
  const bare = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST'
  const kept = Object.entries(sent).filter(
    ([name]) => !(url.origin !== from.origin && OF_HOST.test(name)) && !(bare && OF_BODY.test(name)),
  )
  url.username = ''
  url.password = ''
  const next = { ...rest, url: url.href, headers: Object.fromEntries(kept) }
  if (bare) return { ...next, method: 'GET' }
  return body === undefined ? next : { ...next, body }
}
