import type { RunRow } from '../../../domain/model.ts'
import { type LineForm, readTime, TIME_BYTES } from './log-line.ts'
import { ALWAYS_ON_OFF } from './run-lines.ts'
import { ROLL_BYTES } from './pieces.ts'
import { readSegments, type Segment } from './segments.ts'

/*
 * Where the setting WEBSITE_SCM_ALWAYS_ON_ENABLED is 0, each log file of a continuous job says so once: behind the first start
 * of the job in it, or at its very beginning when it takes the place of one that was put aside while the job ran. Since that
 * depends on where the log is cut, all places are counted without these lines.
 */

/** What of one run's part of a log says where the warning may stand. */
export interface RunPart {
  readonly run: RunRow
  readonly form: LineForm
  readonly bytes: number
  /** Bytes of the line that the job starts; undefined: the run follows on another one without a start. */
  readonly startBytes?: number
  /** Whether the setting was 0 when it began. */
  readonly isWarned: boolean
}

/** The warning of one file. */
export interface FileWarning {
  /** The place in the log that it stands before. */
  readonly at: number
  /** How the run writes its lines that it stands in. */
  readonly form: LineForm
  /** Epoch milliseconds; undefined: that of the line that it stands before. */
  readonly time: number | undefined
}

/** Where the warning stands in a file with the bytes `from` to before `to` of a log; undefined: it has none. */
export function findWarning(parts: readonly RunPart[], from: number, to: number): FileWarning | undefined {
  const end = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  let begin = 0
  for (const part of parts) {
    const found = begin + part.bytes > from ? warningIn(part, begin, from) : undefined
    // What would be written where a file ends is written to the next one, if there is one.
    if (found !== undefined) return found.at < to || found.at === end ? found : undefined
    begin += part.bytes
  }
  return undefined
}

/** Where the part of a run that begins at a place has the warning, if it is the first in its file that may have it. */
function warningIn({ isWarned, form, startBytes, run }: RunPart, begin: number, from: number): FileWarning | undefined {
  if (!isWarned) return undefined
  if (startBytes !== undefined && begin >= from) return { at: begin + startBytes, form, time: run.createdAt }
  return begin <= from ? { at: from, form, time: undefined } : undefined
}

/** Bytes that the warning adds to a file that begins at a place and is as long as one can be. */
export function addedBytes(parts: readonly RunPart[], from: number): number {
  const warning = findWarning(parts, from, from + ROLL_BYTES)
  return warning === undefined ? 0 : Buffer.byteLength(write(warning.form, 0))
}

/** The warning as a line of the log that is made of these stretches. */
export async function showWarning({ at, form, time }: FileWarning, segments: readonly Segment[]): Promise<string> {
  return write(form, time ?? (await timeAt(segments, at)))
}

function write(form: LineForm, time: number): string {
  return form.show({ time, level: 'WARN', text: ALWAYS_ON_OFF })
}

async function timeAt(segments: readonly Segment[], at: number): Promise<number> {
  const pieces = await Array.fromAsync(readSegments(segments, at, at + TIME_BYTES))
  return readTime(Buffer.concat(pieces).toString('latin1'))
}
