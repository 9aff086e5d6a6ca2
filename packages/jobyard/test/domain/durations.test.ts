import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatDuration,
  formatSize,
  LONGEST_DURATION_MS,
  parseDuration,
  parseSize,
} from '../../src/domain/durations.ts'
import { JobyardError } from '../../src/domain/errors.ts'

function refusal(read: () => unknown): JobyardError {
  try {
    read()
  } catch (error) {
    if (error instanceof JobyardError) return error
    throw error
  }
  throw new Error('It was read.')
}

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['1.001s', 1_001],
    ['0s', 0],
    [' 30s ', 30_000],
    ['PT5M', 300_000],
    ['PT0.25S', 250],
    ['P1DT2H', 93_600_000],
    ['P2W', 1_209_600_000],
    ['PT0S', 0],
  ])('%s is %i ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  test.each([
    ['30', /30s for seconds/],
    [30, /30s for seconds/],
    ['1.5', /1\.5s for seconds/],
    ['-5s', /negative/],
    ['5M', /lower case/],
    ['5 m', /blank/],
    ['5min', /Known units/],
    ['P1M', /Years and months/],
    ['P1Y2D', /Years and months/],
    ['', /500ms/],
    ['P', /500ms/],
    ['PT', /500ms/],
    ['P1DT', /500ms/],
    ['5m1h', /500ms/],
    ['1e3s', /500ms/],
    ['soon', /500ms/],
  ])('%j is refused with a hint', (input, hint) => {
    const error = refusal(() => parseDuration(input, 'policy.timeout'))
    expect(error.code).toBe('duration-invalid')
    expect(error.field).toBe('policy.timeout')
    expect(error.hint).toMatch(hint)
  })

  test('parts of a millisecond and more than a hundred years are refused', () => {
    expect(refusal(() => parseDuration('0.5ms')).message).toContain('whole number of milliseconds')
    expect(refusal(() => parseDuration('0.000000001ms')).message).toContain('whole number of milliseconds')
    expect(refusal(() => parseDuration('1.0005s')).message).toContain('whole number of milliseconds')
    expect(parseDuration('36500d')).toBe(LONGEST_DURATION_MS)
    expect(refusal(() => parseDuration('36500d1ms')).message).toContain('36500d')
  })

  test('are written so that they read as the same', () => {
    expect([0, 1_500, 90_000, 604_800_000].map(formatDuration)).toEqual(['0s', '1s500ms', '1m30s', '7d'])
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_DURATION_MS }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
    expect(() => formatDuration(-1)).toThrow(RangeError)
  })
})

describe('sizes', () => {
  test.each([
    ['0B', 0],
    ['512B', 512],
    ['64KB', 65_536],
    ['64kb', 65_536],
    ['64K', 65_536],
    ['64 KiB', 65_536],
    ['10MB', 10_485_760],
    ['1GB', 1_073_741_824],
    ['1.5GB', 1_610_612_736],
    ['2TB', 2_199_023_255_552],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each([
    ['64', /64KB/],
    [64, /64KB/],
    ['', /64KB/],
    ['-1KB', /64KB/],
    ['10XB', /64KB/],
    ['1.5B', /64KB/],
    ['9000000TB', /64KB/],
  ])('%j is refused with a hint', (input, hint) => {
    const error = refusal(() => parseSize(input, 'limits.output'))
    expect(error.code).toBe('size-invalid')
    expect(error.field).toBe('limits.output')
    expect(error.hint).toMatch(hint)
  })

  test('are written so that they read as the same', () => {
    expect([0, 1_536, 65_536, 2 ** 30].map(formatSize)).toEqual(['0B', '1536B', '64KB', '1GB'])
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes)
      }),
    )
  })
})

test('no text makes either reader throw anything but its own error', () => {
  const sign = fc.constantFrom(...'0123456789.PTDHMSWdhmsKkBi -+e'.split(''))
  const texts = fc.oneof(fc.string({ unit: sign, maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 30 }))
  fc.assert(
    fc.property(texts, (text) => {
      for (const read of [parseDuration, parseSize]) {
        try {
          expect(Number.isSafeInteger(read(text))).toBe(true)
        } catch (error) {
          if (!(error instanceof JobyardError)) throw error
        }
      }
    }),
    { numRuns: 3_000 },
  )
})
