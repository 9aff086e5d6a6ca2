import { readSegments, type Segment, sumBytes } from './segments.ts'

/** A log that is greater than this, in bytes, is put aside before the next line is written, and a new one begun. */
export const ROLL_BYTES = 1024 * 1024

const LINE_FEED = 10

/**
 * Where the pieces begin that a log is cut into as it grows, from a beginning on; each but the last is just above the limit.
 * `added` says how many bytes a piece that begins at a place has besides those of the log.
 */
export async function findRolls(
  segments: readonly Segment[],
  begin: number,
  added: (from: number) => number = () => 0,
): Promise<number[]> {
  const end = sumBytes(segments)
  const rolls: number[] = []
  for (let at = begin; ; ) {
    const room = ROLL_BYTES - added(at)
    if (end - at <= room) break
    const next = await lineAfter(segments, at + room, end)
    // It is put aside only when there is something to write to the new one.
    if (next >= end) break
    rolls.push(next)
    at = next
  }
  return rolls
}

/** Where the first line begins behind the byte at a place; `end` when there is none. */
export async function lineAfter(segments: readonly Segment[], at: number, end: number): Promise<number> {
  let place = at
  for await (const piece of readSegments(segments, at, end)) {
    const found = piece.indexOf(LINE_FEED)
    if (found >= 0) return place + found + 1
    place += piece.length
  }
  return end
}
