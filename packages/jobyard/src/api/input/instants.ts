import { JobyardError } from '../../domain/errors.ts'

const FORM = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)$/

/** Reads a moment as ISO 8601 with its offset from UTC, in epoch milliseconds. Throws 'input-invalid'. */
export function readInstant(text: string, field: string): number {
  if (!FORM.test(text)) {
    throw new JobyardError('input-invalid', `${field} is ${JSON.stringify(text)}, which is no moment.`, {
      field,
      hint: 'Write it as 2026-11-21T02:00:00Z, or with an offset such as +01:00.',
    })
  }
  try {
    return Temporal.Instant.from(text).epochMilliseconds
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new JobyardError('input-invalid', `${field} is ${JSON.stringify(text)}; there is no such day or time.`, {
      field,
    })
  }
}

/** As {@link readInstant}; undefined stays undefined. */
export function readMaybeInstant(text: string | undefined, field: string): number | undefined {
  return text === undefined ? undefined : readInstant(text, field)
}
