/** What an uploaded archive may hold at the most. Everything is counted while unpacking, never taken from declared sizes. */
export interface ArchiveLimits {
  /** Entries, folders named on their own included; folders that are only implied by file names may be as many again. */
  readonly entries: number
  /** Bytes of one file. */
  readonly fileBytes: number
  /** Bytes of all files together. */
  readonly totalBytes: number
  /** How many times larger than its compressed form a file may be, once it is larger than {@link ratioFreeBytes}. */
  readonly ratio: number
  /** Bytes of a file for which {@link ratio} is not looked at. */
  readonly ratioFreeBytes: number
  /** Characters of a whole name, folders included. */
  readonly nameLength: number
}

const MB = 1024 * 1024

/** The limits of an archive when nothing else is set: 10,000 entries, 50 MB a file, 200 MB in all, 100:1 after 1 MB. */
export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 10_000,
  fileBytes: 50 * MB,
  totalBytes: 200 * MB,
  ratio: 100,
  ratioFreeBytes: MB,
  nameLength: 240,
}
