import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../../domain/errors.ts'
import { readSitePath } from '../../../services/site-path.ts'
import type { KuduContext } from '../context.ts'
import { linksOf } from '../context.ts'

/** What a request to files is about. */
export interface FilePath {
  /** The address above all files, such as `/api/vfs`. */
  readonly base: string
  readonly parts: readonly string[]
  /** Whether the address ends in a slash, as those of folders do. */
  readonly asFolder: boolean
  /** Begins with a question mark; empty when there is none. */
  readonly query: string
}

/**
 * What the address of a request names. The HTTP library's own idea of it does not count: the path is decoded here, once, and
 * the slash at its end means something. Throws 'address-invalid'.
 */
export function readFilePath({ originalUrl }: FastifyRequest): FilePath {
  const cut = originalUrl.indexOf('?')
  const path = cut < 0 ? originalUrl : originalUrl.slice(0, cut)
  const [, base, rest] = /^(\/(?:api\/)?(?:vfs|zip))(?=\/|$)(.*)$/is.exec(path) ?? []
  if (base === undefined || rest === undefined) throw new JobyardError('address-invalid')
  return { base: base.toLowerCase(), ...readSitePath(rest), query: cut < 0 ? '' : originalUrl.slice(cut) }
}

/** The address of something, on the host that the request came to. */
export function addressOf(
  context: KuduContext,
  request: FastifyRequest,
  { base, query }: Pick<FilePath, 'base' | 'query'>,
  parts: readonly string[],
  asFolder: boolean,
): string {
  const path = parts.map((part) => `/${encodePart(part)}`).join('')
  return `${linksOf(context, request).origin}${base}${path}${asFolder ? '/' : ''}${query}`
}

/** As .NET escapes a part of an address: letters, digits and what may stand there as it is. */
function encodePart(part: string): string {
  return encodeURI(part).replaceAll('#', '%23').replaceAll('?', '%3F').replaceAll('/', '%2F')
}

/** How messages name a file: by where it would lie on the machine of a web app. */
export function shownPath(parts: readonly string[]): string {
  return ['/home', ...parts].join('/')
}

/** A parameter of the query, its name in any case. */
export function parameterOf({ query }: FastifyRequest, wanted: string): string | undefined {
  const entries = Object.entries(query ?? {}) as [string, string | string[]][]
  const [, value] = entries.find(([name]) => name.toLowerCase() === wanted.toLowerCase()) ?? []
  return Array.isArray(value) ? value[0] : value
}
