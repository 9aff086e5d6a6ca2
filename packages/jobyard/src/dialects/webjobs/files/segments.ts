/** A stretch of a file that is made up while it is read. */
export interface Segment {
  readonly bytes: number
  /** What its bytes are a part of, and all that they follow from: where two have the same mark, so are the bytes that both have. */
  readonly mark: string
  /** Where it begins in what its mark stands for, in bytes. Default 0. */
  readonly at?: number
  /** Bytes that stood before and are kept no longer. Default: none. */
  readonly lost?: number
  /** The bytes `from` to before `to`, in pieces. */
  read(from: number, to: number): AsyncIterable<Uint8Array>
}

/** A stretch that is there already. */
export function textSegment(text: string): Segment {
  const bytes = Buffer.from(text)
  return {
    bytes: bytes.length,
    mark: text,
    async *read(from, to) {
      if (to > from) yield bytes.subarray(from, to)
    },
  }
}

/** Bytes of all stretches together. */
export function sumBytes(segments: readonly Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Bytes that all stretches together have lost. */
export function sumLost(segments: readonly Segment[]): number {
  return segments.reduce((sum, { lost = 0 }) => sum + lost, 0)
}

/** A part of a stretch. */
export function partOf(segment: Segment, begin: number, end: number): Segment {
  const { mark, at = 0 } = segment
  const read: Segment['read'] = (from, to) => segment.read(begin + from, begin + to)
  return { bytes: end - begin, mark, at: at + begin, read }
}

/** The bytes `from` to before `to` of several stretches, one behind the other. */
export async function* readSegments(
  segments: readonly Segment[],
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let begin = 0
  for (const segment of segments) {
    const end = begin + segment.bytes
    if (begin >= to) return
    if (end > from) yield* segment.read(Math.max(from, begin) - begin, Math.min(to, end) - begin)
    begin = end
  }
}

/** A stream of what is asked for piece by piece: nothing is made before somebody wants it. */
export function streamOf(pieces: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )
}
