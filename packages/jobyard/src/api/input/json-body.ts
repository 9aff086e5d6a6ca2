import { JobyardError } from '../../domain/errors.ts'
import { findJsonFault } from './json-fault.ts'

/** Objects and lists within each other that are read; what goes deeper is refused before it is parsed. */
export const DEEPEST_JSON = 64

/**
 * Reads a JSON body; an empty one is undefined. Throws 'input-invalid', with the position of the first wrong
 * character. A body that is null is refused, and a member called `__proto__`; depth is bounded, because
 * what handles the value afterwards goes down into it call by call.
 */
export function readJsonBody(text: string): unknown {
  if (text.trim() === '') return undefined
  const tooDeep = findTooDeep(text)
  if (tooDeep !== undefined) {
    throw refuse(`The body goes deeper than ${DEEPEST_JSON} objects and lists within each other.`, tooDeep)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw explain(text)
  }
  // The check of schemas could not tell it from a body that is absent.
  if (value === null) throw refuse('The body must be an object; it is null.', undefined)
  const proto = text.indexOf('__proto__') < 0 ? undefined : findProto(text)
  if (proto !== undefined) throw refuse('The body has a member that is called __proto__, which is not taken.', proto)
  return value
}

function findTooDeep(text: string): number | undefined {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const sign = text.charCodeAt(i)
    if (inString) {
      if (sign === 0x5c) i++
      else if (sign === 0x22) inString = false
      continue
    }
    if (sign === 0x22) inString = true
    else if (sign === 0x7b || sign === 0x5b) {
      if (++depth > DEEPEST_JSON) return i
    } else if (sign === 0x7d || sign === 0x5d) depth--
  }
  return undefined
}

/** A plain text may say `"__proto__":` too; refusing that as well costs nobody anything. */
function findProto(text: string): number | undefined {
  const place = text.search(/"__proto__"\s*:/)
  return place < 0 ? undefined : place
}

/** The parser's own words are not told: they quote the body. */
function explain(text: string): JobyardError {
  const fault = findJsonFault(text)
  if (fault === undefined) return refuse('The body is no valid JSON.', undefined)
  const place = `at position ${fault.position}${lineOf(text, fault.position)}`
  return refuse(`The body is no valid JSON: ${fault.text} ${place}.`, fault.position)
}

function lineOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n')
  return before.length === 1 ? '' : ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`
}

function refuse(message: string, position: number | undefined): JobyardError {
  return new JobyardError('input-invalid', message, {
    field: 'body',
    hint: 'Send one JSON object.',
    ...(position === undefined ? {} : { position }),
  })
}
