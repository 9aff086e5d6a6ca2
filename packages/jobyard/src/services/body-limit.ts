import { formatSize } from '../domain/durations.ts'
import { JobyardError } from '../domain/errors.ts'

/** What a body can be, and the setting that bounds it. */
const BODIES = { 'JSON body': 'JOBYARD_BODY_LIMIT', webhook: 'JOBYARD_PAYLOAD_LIMIT', package: 'JOBYARD_UPLOAD_LIMIT' }

/** The error for a body beyond a limit, which it names together with the setting that raises it. */
export function bodyTooLarge(limit: number, what: keyof typeof BODIES = 'JSON body'): JobyardError {
  const message = `The body is larger than ${formatSize(limit)} (${limit} bytes), the limit of a ${what}.`
  const hint = `Send less, or have the administrator raise ${BODIES[what]}.`
  return new JobyardError('body-too-large', message, { field: 'body', hint, data: { limit } })
}
