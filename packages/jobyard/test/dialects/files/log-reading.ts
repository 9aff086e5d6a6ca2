import type { LogFacts, OutputStore, Stream } from '../../../src/store/output/contract.ts'
import { LineForm } from '../../../src/dialects/webjobs/files/log-line.ts'
import { type Insertion, logSegment } from '../../../src/dialects/webjobs/files/log-segment.ts'
import type { Segment } from '../../../src/dialects/webjobs/files/segments.ts'
import type { SiteFile } from '../../../src/dialects/webjobs/files/tree.ts'

/** What the instance of these tests is called in logs. */
export const ID = 'a1b2c3'

/** A piece of output as it arrives. */
export interface Piece {
  readonly stream: Stream
  readonly bytes: Uint8Array
}

/** The bytes `from` to before `to` of a stretch. */
export async function bytesOf(segment: Segment, from = 0, to = segment.bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of segment.read(from, to)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The bytes `from` to before `to` of a file, as whoever serves it reads them. */
export async function contentOf(file: SiteFile, from = 0, to = file.bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of await file.open({ from, to })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The lines of a task's log as they are shown now. */
export async function shownLog(
  output: OutputStore,
  taskId: string,
  { final = true, insertions = [] as readonly Insertion[] } = {},
): Promise<Segment> {
  const [figures] = await output.figures([{ taskId, final }])
  if (figures === undefined) throw new Error('There is no such log.')
  return logSegment({ output, figures, form: new LineForm(ID), insertions })
}

/** Writes a log and closes it. */
export async function writeLog(
  output: OutputStore,
  taskId: string,
  pieces: readonly Piece[],
  { capBytes = 2 ** 30, rolling = false, facts = {} as LogFacts } = {},
): Promise<void> {
  await output.open(taskId, { capBytes, rolling, secrets: [], facts })
  for (const { stream, bytes } of pieces) output.append(taskId, stream, bytes)
  await output.close(taskId, false)
}

/** Every line without what stands in front of it, and its level: times are those of the test's run. */
export function withoutTimes(log: Buffer): string {
  return log.toString('latin1').replaceAll(/\[\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d > /g, '[TIME > ')
}
