import { createHash } from 'node:crypto'
import { readSegments, type Segment, streamOf, sumBytes } from './segments.ts'
import type { SiteFile } from './tree.ts'

/** What a rendered file is called and when it came about. */
export interface FileFacts {
  readonly name: string
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** What its bytes depend on besides their number, which only grows. */
  readonly identity: string
}

/** A file that is made up of stretches while it is read. */
export function renderedFile({ identity, ...facts }: FileFacts, segments: readonly Segment[]): SiteFile {
  const bytes = sumBytes(segments)
  return {
    type: 'file',
    ...facts,
    bytes,
    tag: createHash('sha256').update(`${identity} ${bytes}`).digest('hex').slice(0, 32),
    open: async ({ from, to }) => streamOf(readSegments(segments, from, Math.min(to, bytes))),
  }
}
