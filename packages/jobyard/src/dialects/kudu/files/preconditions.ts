import { JobyardError } from '../../../domain/errors.ts'

/** What Kudu says when a change of a file does not tell which state of it is meant, or means another one. */
const MISSING = 'Updating an existing resource requires an If-Match header carrying a single, strong ETag.'
const OTHER = 'ETag does not represent the latest state of the resource.'

/** A tag as headers have it. */
export function quoted(tag: string): string {
  return `"${tag}"`
}

/** Whoever changes a file that is there must say which state of it is meant, or `*` for any. Throws 'data-changed'. */
export function requireMatch(header: string | undefined, tag: string): void {
  if (header === undefined) throw new JobyardError('data-changed', MISSING)
  const named = header.split(',').map((part) => part.trim())
  if (named.includes('*') || named.includes(quoted(tag))) return
  throw new JobyardError('data-changed', OTHER, { data: { tag } })
}
