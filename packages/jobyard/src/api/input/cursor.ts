import { JobyardError } from '../../domain/errors.ts'

/** Where a page of a list ended, for its reader to give back. What is in it is no promise to anybody. */
export function writeCursor(list: string, ...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString('base64url')
}

/**
 * Reads the cursor of a list, which must hold as many values of these types. Undefined stays undefined. Throws
 * 'input-invalid' when it is none, or belongs to another list.
 */
export function readCursor<const T extends readonly ('string' | 'number')[]>(
  list: string,
  cursor: string | undefined,
  ...types: T
): Place<T> | undefined {
  if (cursor === undefined) return undefined
  const [name, ...place] = parse(cursor)
  const fits = name === list && place.length === types.length && place.every((each, i) => typeof each === types[i])
  if (!fits) throw refuse()
  // Checked just above, value by value.
  return place as Place<T>
}

type Place<T extends readonly ('string' | 'number')[]> = {
  -readonly [I in keyof T]: T[I] extends 'string' ? string : number
}

function parse(cursor: string): unknown[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(values)) return values
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refuse()
}

function refuse(): JobyardError {
  return new JobyardError('input-invalid', 'The cursor is none of this list.', {
    field: 'cursor',
    hint: 'Give back the `next` of the page before as it is, with the same list and the same filter.',
  })
}

/** A page out of what was found by asking for one item more than the page may have. */
export function cutPage<T>(found: readonly T[], limit: number, cursorOf: (last: T) => string) {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null }
}
