import pg from 'pg'
import { messageOf } from '../../domain/error-message.ts'
import { JobyardError } from '../../domain/errors.ts'

/** SQLSTATE codes after which the same transaction may well succeed: serialization failure, deadlock, lock timeout. */
const AGAIN = new Set(['40001', '40P01', '55P03'])

/** SQLSTATE classes and codes that speak of the server, not of the statement (PostgreSQL, appendix A). */
const UNAVAILABLE = [
  '08', // connection exception
  '28', // invalid authorization
  '3D', // no such database
  '53', // insufficient resources
  '57', // operator intervention: shutdown, cannot connect now, cancelled
  '58', // system error
  'XX', // internal error
  '25006', // a replica that only reads
  '25P03', // idle in transaction for too long
]

/** True when the transaction was undone only because others were in its way. */
export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && AGAIN.has(error.code ?? '')
}

/**
 * True when the server dropped a transaction because nothing came for too long: we stalled, or the wire did. Nothing of it is
 * stored, not even when that is the answer to COMMIT, for it is given in place of reading what came next.
 */
export function isStall(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '25P03'
}

/** True when the server lives and has refused a statement; false when the connection is lost or useless. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return error instanceof JobyardError
  return error.severity === 'ERROR'
}

/** Turns what says something about the database into an error of the catalogue; leaves defects as they are. */
export function explain(error: unknown): unknown {
  if (error instanceof JobyardError) return error
  if (!(error instanceof pg.DatabaseError)) return unavailable(messageOf(error), error)
  const code = error.code ?? ''
  // 53100 disk_full: the same as a full disk under SQLite.
  if (code === '53100') return new JobyardError('store-full', `The database: ${error.message}.`, { cause: error })
  if (UNAVAILABLE.some((start) => code.startsWith(start))) return unavailable(error.message, error)
  return error
}

/** An error that says that nothing was changed, because the database could not do it. */
export function unavailable(message: string, cause: unknown): JobyardError {
  return new JobyardError('store-unavailable', `The database cannot be used: ${message}.`, { cause })
}

/** An error that says that the connection was lost during COMMIT: whether the change was stored is not known. */
export function outcomeUnknown(cause: unknown): JobyardError {
  return new JobyardError(
    'store-unavailable',
    `The connection to the database was lost during COMMIT, so it is not known whether the change was stored: ${messageOf(cause)}.`,
    { cause, data: { outcome: 'unknown' }, hint: 'Look whether it was done before you ask for it again.' },
  )
}
