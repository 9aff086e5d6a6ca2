import { JobyardError } from '../../domain/errors.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'

/** The error for what is not there. */
export function unknown(parts: readonly string[]): JobyardError {
  return new JobyardError('data-unknown', `There is no ${shown(parts)} in the data of the job.`, { field: 'path' })
}

/** The error for what cannot be changed; `why` is a sentence without its full stop. */
export function refused(parts: readonly string[], why: string): JobyardError {
  return new JobyardError('data-refused', `${shown(parts)} cannot be changed in this way. ${why}.`, { field: 'path' })
}

/** The refusal that an error of the system means; any other as it is. */
export function explain(error: unknown, parts: readonly string[]): unknown {
  if (isSystemError(error, 'ENOTEMPTY', 'EEXIST')) return refused(parts, 'The folder is not empty')
  if (isSystemError(error, 'ENOENT')) return unknown(parts)
  if (isSystemError(error, 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM', 'EBUSY'))
    return refused(parts, 'The job does not let it')
  return error
}

function shown(parts: readonly string[]): string {
  return JSON.stringify(parts.join('/'))
}
