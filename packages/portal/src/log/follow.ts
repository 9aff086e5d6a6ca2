import { JobyardProblem, type OutputEnd, type OutputSource } from '@jobyard/client'
import { jobyard } from '../app/client.ts'
import type { LogLines } from './lines.ts'

/** A log of more bytes than these is not shown from its beginning on. */
const MOST_BYTES = 40 * 1024 * 1024
/** So much of the end of such a log is shown. */
const TAIL_BYTES = 4 * 1024 * 1024

/** What is told while output is followed. */
export interface Following {
  readonly signal: AbortSignal
  /** How many bytes are not shown, of a log that is too large. */
  readonly onSkip: (bytes: number) => void
  readonly onConnection: (connected: boolean) => void
}

/** Fills a log with an output as it comes, until its end, which is given back. */
export async function followOutput(source: OutputSource, log: LogLines, following: Following): Promise<OutputEnd> {
  const { signal, onSkip, onConnection } = following
  const after = await whereToBegin(source, signal, onSkip)
  let time = ''
  let attempts = 0
  const output = jobyard.output.follow(source, {
    signal,
    ...(after === undefined ? {} : { after }),
    onOpen: () => onConnection(true),
    onBreak: () => onConnection(false),
    onAttempt: (attempt) => {
      if (attempts++ > 0) log.remark(`Attempt ${attempt}`, time)
    },
  })
  for (;;) {
    const { done, value } = await output.next()
    if (done === true) return value
    time = value.time
    log.add(value)
  }
}

async function whereToBegin(
  source: OutputSource,
  signal: AbortSignal,
  onSkip: (bytes: number) => void,
): Promise<number | undefined> {
  try {
    const { bytes } = await jobyard.output.page(source, { maxBytes: 1, signal })
    if (bytes <= MOST_BYTES) return undefined
    const { items } = await jobyard.output.page(source, { maxBytes: TAIL_BYTES, tail: true, signal })
    onSkip(bytes - TAIL_BYTES)
    return (items[0]?.seq ?? 1) - 1
  } catch (error) {
    // A run that waits has no output yet; the live stream waits with it.
    if (error instanceof JobyardProblem && error.status === 404) return undefined
    throw error
  }
}
