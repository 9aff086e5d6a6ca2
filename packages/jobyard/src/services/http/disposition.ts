import { isUtf8 } from 'node:buffer'

/** One parameter of a header: its name, and its value in quotes or as it is. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|"([^"]*)"|([^;\s]*))/g

/** A text as .NET writes one into a header that has other letters than those of ASCII (RFC 2047). */
const ENCODED_WORD = /^=\?utf-8\?b\?([a-z0-9+/]*={0,2})\?=$/i

/**
 * The value of a parameter of a header such as Content-Disposition, the first of that name; undefined when there is none.
 * In quotes `\"` stands for `"`; other backslashes stay, because Windows' programs write paths there as they are. The
 * bytes are UTF-8, as programs send them, or else Latin-1, as HTTP once had it.
 */
export function readHeaderParameter(header: string | undefined, wanted: string): string | undefined {
  for (const [, name = '', escaped, quoted, plain] of (header ?? '').matchAll(PARAMETER)) {
    if (name.toLowerCase() !== wanted) continue
    return readLetters(escaped?.replaceAll('\\"', '"') ?? quoted ?? plain?.replaceAll('"', '') ?? '')
  }
  return undefined
}

function readLetters(value: string): string {
  const word = ENCODED_WORD.exec(value)?.[1]
  // Node gives a header's bytes one by one.
  const bytes = word === undefined ? Buffer.from(value, 'latin1') : Buffer.from(word, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}
