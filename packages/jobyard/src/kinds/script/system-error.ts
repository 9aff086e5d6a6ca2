import { JobyardError } from '../../domain/errors.ts'

/** Whether an error comes from a system call; with `codes`, whether it is one of these. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return false
  return codes.length === 0 || codes.includes(String(error.code))
}

/** The error 'store-full' for a system call that failed for lack of room; any other error as it is. */
export function explainFullDisk(error: unknown, what: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) return error
  return new JobyardError('store-full', `The disk was full while ${what}.`, { cause: error })
}
