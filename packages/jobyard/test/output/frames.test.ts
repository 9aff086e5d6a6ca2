import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeCredit,
  encodeCredit,
  encodeDataHeader,
  encodeEnd,
  encodeHeader,
  encodeHello,
  FRAME,
  type Frame,
  FrameDecoder,
  FrameError,
  HEADER_BYTES,
  MAX_DATA,
  MAX_PAYLOAD,
} from '../../src/store/output/frames.ts'

function decodeAll(pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = []
  const decoder = new FrameDecoder((frame) => frames.push(frame))
  for (const piece of pieces) decoder.push(piece)
  return frames
}

describe('frames between process hosts and the output store', () => {
  test('are laid out as documented', () => {
    expect(encodeHeader(7, 0x01020304, 0x0a0b)).toEqual(Buffer.from([0x0b, 0x0a, 0, 0, 7, 4, 3, 2, 1]))
    expect(encodeDataHeader(5, 1, 3)).toEqual(Buffer.from([4, 0, 0, 0, 1, 5, 0, 0, 0, 1]))
    expect(encodeHello('ä')).toEqual(Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa4]))
    expect(encodeEnd(6)).toEqual(Buffer.from([0, 0, 0, 0, 2, 6, 0, 0, 0]))
    expect(encodeCredit(6, 0xffffffff)).toEqual(Buffer.from([4, 0, 0, 0, 3, 6, 0, 0, 0, 255, 255, 255, 255]))
  })

  test('come out as they went in, however the stream is cut into pieces', () => {
    const frame = fc.record({
      type: fc.integer({ min: 0, max: 255 }),
      channel: fc.integer({ min: 0, max: 0xffffffff }),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    })
    const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), cuts, (frames, sizes) => {
        const stream = Buffer.concat(
          frames.flatMap(({ type, channel, payload }) => [encodeHeader(type, channel, payload.length), payload]),
        )
        const pieces: Buffer[] = []
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          pieces.push(Buffer.from(stream.subarray(at, at + size)))
          at += size
        }
        expect(decodeAll(pieces)).toEqual(frames)
      }),
    )
  })

  test('of several sizes in one piece, and over many', () => {
    const bytes = Buffer.alloc(MAX_DATA, 'x')
    const stream = Buffer.concat([encodeDataHeader(1, 0, bytes.length), bytes, encodeEnd(1), encodeCredit(9, 12)])
    for (const size of [1, 8, 9, 10, 11, 4096, stream.length]) {
      const pieces: Buffer[] = []
      for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size))
      const [data, end, credit, ...more] = decodeAll(pieces)
      expect(data?.payload.subarray(1).equals(bytes)).toBe(true)
      expect(end).toEqual({ type: FRAME.end, channel: 1, payload: Buffer.alloc(0) })
      expect(credit && decodeCredit(credit)).toBe(12)
      expect(more).toEqual([])
    }
  })

  test('are not copied when they lie in one piece', () => {
    const piece = Buffer.concat([encodeDataHeader(1, 0, 4), Buffer.from('text')])
    const [frame] = decodeAll([piece])
    expect(frame?.payload.buffer).toBe(piece.buffer)
  })

  test('that are too long are refused before memory is taken for them, and the stream is dead after', () => {
    const decoder = new FrameDecoder(() => undefined)
    expect(() => decoder.push(encodeHeader(1, 1, MAX_PAYLOAD + 1))).toThrow(FrameError)
    expect(() => decoder.push(encodeEnd(1))).toThrow(FrameError)
    expect(decodeAll([encodeHeader(1, 1, MAX_PAYLOAD), Buffer.alloc(MAX_PAYLOAD)])).toHaveLength(1)
  })

  test('before the refused one are given first', () => {
    const frames: Frame[] = []
    const decoder = new FrameDecoder((frame) => frames.push(frame))
    const piece = Buffer.concat([encodeEnd(3), encodeHeader(1, 1, 0xffffffff)])
    expect(() => decoder.push(piece)).toThrow(/1048576/)
    expect(frames).toHaveLength(1)
  })

  test('of credit must carry four bytes', () => {
    const [frame] = decodeAll([Buffer.concat([encodeHeader(FRAME.credit, 1, 3), Buffer.alloc(3)])])
    expect(() => frame && decodeCredit(frame)).toThrow(FrameError)
    expect(HEADER_BYTES).toBe(9)
  })
})
