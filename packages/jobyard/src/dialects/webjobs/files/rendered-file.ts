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
}

/** A file that is made up of stretches while it is read. */
export function renderedFile(facts: FileFacts, segments: readonly Segment[]): SiteFile {
  const bytes = sumBytes(segments)
  return {
    type: 'file',
    ...facts,
    bytes,
    tag: tagOf(segments),
    open: async ({ from, to }) => streamOf(readSegments(segments, from, Math.min(to, bytes))),
  }
}

/** Other bytes have another tag, also where they are as many. */
function tagOf(segments: readonly Segment[]): string {
  const hash = createHash('sha256')
  for (const { mark, at = 0, bytes } of segments) hash.update(`${at} ${bytes} ${mark.length} ${mark}`)
  return hash.digest('hex').slice(0, 32)
}
