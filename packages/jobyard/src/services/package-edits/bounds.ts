import { JobyardError } from '../../domain/errors.ts'
import type { ArchiveLimits } from '../../kinds/script/archive-limits.ts'
import type { Draft, DraftChange, EditAddress } from './draft.ts'

/** Jobs of a collection that have files, but nothing to run yet: more are made by mistake. */
const MOST_BEGUN = 200
/** Changed files that are no package yet may have so many times the bytes that one package may have. */
const MOST_PACKAGES = 4

/** Something that is to be changed. */
export interface Wanted {
  readonly address: EditAddress
  /** Whether it begins a job that has no files yet. */
  readonly begins: boolean
  readonly changes: readonly DraftChange[]
}

/** Throws 'data-refused' when drafts would become more than there may be, or larger, by all of these changes together. */
export function checkBounds(drafts: readonly Draft[], wanted: readonly Wanted[], limits: ArchiveLimits): void {
  checkBegun(drafts, wanted)
  const most = MOST_PACKAGES * limits.totalBytes
  const held = drafts.reduce((sum, { bytes }) => sum + bytes, 0)
  const more = wanted.flatMap(({ changes }) => changes).reduce((sum, change) => sum + bytesOf(change), 0)
  if (more === 0 || held + more <= most) return
  throw refused(
    `The changed files of jobs that are no package yet would have more than ${most} bytes together.`,
    'Wait until they are packages; give jobs that have no script one, or delete their folders.',
  )
}

function checkBegun(drafts: readonly Draft[], wanted: readonly Wanted[]): void {
  const beginning = wanted.filter(({ begins }) => begins)
  const collectionId = beginning[0]?.address.collectionId
  if (collectionId === undefined) return
  const begun = drafts.filter(({ address, base }) => address.collectionId === collectionId && base.jobId === null)
  if (begun.length + beginning.length <= MOST_BEGUN) return
  throw refused(
    `There would be more than ${MOST_BEGUN} jobs that have files and nothing to run.`,
    'Give them scripts, or delete their folders.',
  )
}

function bytesOf(change: DraftChange): number {
  return change.op === 'put' ? change.file.bytes : 0
}

function refused(message: string, hint: string): JobyardError {
  return new JobyardError('data-refused', message, { hint })
}
