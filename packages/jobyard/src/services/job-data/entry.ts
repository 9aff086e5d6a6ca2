import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'

/** A file in a job's data folder. */
export interface DataFile {
  readonly type: 'file'
  readonly name: string
  readonly bytes: number
  /** Epoch milliseconds, like the next. */
  readonly modifiedAt: number
  readonly createdAt: number
  /** 16 hexadecimal digits; others when the file was written to, or another one took its place. */
  readonly tag: string
}

/** A folder in a job's data folder. */
export interface DataFolder {
  readonly type: 'folder'
  readonly name: string
  readonly modifiedAt: number
  readonly createdAt: number
}

/** What is shown of a job's data folder. */
export type DataEntry = DataFile | DataFolder

/** A regular file or a folder as it is shown. */
export function entryOf(name: string, stats: BigIntStats): DataEntry {
  const times = { modifiedAt: millisecondsOf(stats.mtimeNs), createdAt: millisecondsOf(stats.birthtimeNs) }
  if (stats.isDirectory()) return { type: 'folder', name, ...times }
  return { type: 'file', name, bytes: Number(stats.size), ...times, tag: tagOf(stats) }
}

function millisecondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n)
}

/** Times of the last change of the inode count, which nobody can set. */
function tagOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return createHash('sha256').update([ino, size, mtimeNs, ctimeNs].join()).digest('hex').slice(0, 16)
}
