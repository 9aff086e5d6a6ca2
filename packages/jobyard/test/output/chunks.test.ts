import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEntries, encodeEntries } from '../../src/store/output/chunk.ts'
import { STREAMS } from '../../src/store/output/contract.ts'

const entry = fc.record({
  stream: fc.nat({ max: STREAMS.length - 1 }),
  time: fc.oneof(fc.integer({ min: 0, max: 2 ** 43 }), fc.integer({ min: 1_790_000_000_000, max: 1_790_000_000_300 })),
  parts: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
})

describe('a chunk', () => {
  test('gives back the entries that were put into it, also when the clock went back', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), fc.nat(), fc.nat({ max: 2 ** 43 }), (entries, seq, firstTime) => {
        const raw = entries.map((e) => ({ ...e, length: e.parts.reduce((sum, part) => sum + part.length, 0) }))
        const decoded = decodeEntries(encodeEntries(raw, firstTime), seq, firstTime)
        expect(decoded).toEqual(
          entries.map(({ stream, time, parts }, index) => {
            return { seq: seq + index, time, stream: STREAMS[stream], bytes: Buffer.concat(parts) }
          }),
        )
      }),
    )
  })

  test('takes a few bytes for an entry beyond its own', () => {
    const raw = Array.from({ length: 100 }, (_, index) => {
      return { stream: 0, time: 1_790_000_000_000 + index, parts: [Buffer.from('line\n')], length: 5 }
    })
    expect(encodeEntries(raw, 1_790_000_000_000).length).toBe(100 * (5 + 3))
  })

  test('that is damaged is refused', () => {
    const raw = [{ stream: 1, time: 5, parts: [Buffer.alloc(200)], length: 200 }]
    const data = encodeEntries(raw, 5)
    for (let length = 1; length < data.length; length++) {
      expect(() => decodeEntries(data.subarray(0, length), 1, 5)).toThrow(/damaged/)
    }
    expect(() => decodeEntries(Buffer.from([99, 0, 0]), 1, 5)).toThrow(/damaged/)
  })
})
