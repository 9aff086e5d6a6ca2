import type { OutputStream } from '@jobyard/client'
import type { Look } from './ansi.ts'

/** A line of output. */
export interface Line {
  readonly stream: OutputStream
  /** When its first piece came. */
  readonly time: string
  readonly text: string
  /** How it looks where it begins, as the line before it left off. */
  readonly start: Look
}
