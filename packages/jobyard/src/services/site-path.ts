import { JobyardError } from '../domain/errors.ts'

/** A path that somebody sent, in parts that each name one file or folder. */
export interface SitePath {
  readonly parts: readonly string[]
  /** Whether it ends in a slash, as paths of folders do. */
  readonly asFolder: boolean
}

/** The longest part that file systems take, in bytes of UTF-8. */
const LONGEST_PART = 255
/** The longest path that is looked at, in characters, before it is decoded. */
const LONGEST_PATH = 4096
/** The most parts that a path may have. */
export const MOST_PARTS = 64

/**
 * Reads a path as it stands in an address: it is decoded once, and what is encoded twice names what is left of it. Parts
 * that say nothing are dropped. Throws 'address-invalid' for a path that leads elsewhere, or means something else on
 * another system.
 */
export function readSitePath(raw: string): SitePath {
  if (raw.length > LONGEST_PATH) throw refuse(`is longer than ${LONGEST_PATH} characters`)
  const path = decode(raw)
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.length > MOST_PARTS) throw refuse(`has more than ${MOST_PARTS} parts`)
  for (const part of parts) {
    const fault = faultOf(part)
    if (fault !== undefined) throw refuse(fault)
  }
  return { parts, asFolder: path.endsWith('/') }
}

/** Whether a name can stand in a path. */
export function isPart(name: string): boolean {
  return name !== '' && !name.includes('/') && faultOf(name) === undefined
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    throw refuse('is not encoded as UTF-8', error)
  }
}

function faultOf(part: string): string | undefined {
  if (part === '.' || part === '..') return `has a part ${JSON.stringify(part)}`
  if (/\p{Cc}/u.test(part)) return 'has a control character in it'
  if (part.includes('\\')) return 'has a backslash in it; folders are separated by /'
  if (/^[A-Za-z]:/.test(part)) return 'has a drive letter in it'
  if (process.platform === 'win32' && part.includes(':')) return 'has a colon in it'
  if (/[. ]$/.test(part)) return 'has a part that ends in a full stop or a blank'
  if (!part.isWellFormed() || part.includes('\u{fffd}')) return 'is not valid Unicode'
  if (Buffer.byteLength(part) > LONGEST_PART) return `has a part of more than ${LONGEST_PART} bytes`
  return undefined
}

function refuse(fault: string, cause?: unknown): JobyardError {
  const details = cause === undefined ? { field: 'path' } : { field: 'path', cause }
  return new JobyardError('address-invalid', `The path ${fault}.`, details)
}
