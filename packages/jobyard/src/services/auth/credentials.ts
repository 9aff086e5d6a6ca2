/** The longest password that is looked at, in characters. */
const LONGEST_SECRET = 512

/** What a header Authorization holds. */
export interface Credentials {
  readonly scheme: 'basic' | 'bearer'
  /** The token, or the password; the user name that may come with one says nothing here. */
  readonly secret: string
}

/** Reads a header Authorization of HTTP Basic (RFC 7617) or Bearer (RFC 6750); undefined when it is neither, or too long. */
export function readCredentials(authorization: string | undefined): Credentials | undefined {
  const [, scheme, value = ''] = /^(Basic|Bearer) +([\x21-\x7e]+) *$/i.exec(authorization ?? '') ?? []
  if (scheme === undefined || value.length > LONGEST_SECRET * 2) return undefined
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', secret: value }
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { scheme: 'basic', secret: text.slice(colon + 1) }
}
