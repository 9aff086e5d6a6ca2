import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutPage, readCursor, writeCursor } from '../../src/api/input/cursor.ts'
import { readInstant } from '../../src/api/input/instants.ts'
import { DEEPEST_JSON, readJsonBody } from '../../src/api/input/json-body.ts'
import { readPolicy, showPolicy } from '../../src/api/input/policy.ts'
import { readPosition } from '../../src/api/live/output-stream.ts'
import { JobyardError } from '../../src/domain/errors.ts'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'
import { nearest } from '../../src/domain/spelling.ts'
import { Lockout, senderOf } from '../../src/services/auth/lockout.ts'
import { Serial } from '../../src/services/serial.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('a JSON body', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

  test('is read as JSON.parse reads it, unless it is null or goes too deep', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(value !== null && !text.includes('__proto__'))
        expect(readJsonBody(text)).toEqual(JSON.parse(text))
      }),
    )
    const nest = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    expect(depthOf(readJsonBody(nest(DEEPEST_JSON)))).toBe(DEEPEST_JSON)
    expect(() => readJsonBody(nest(DEEPEST_JSON + 2))).toThrow(/deeper/)
    expect(() => readJsonBody('null')).toThrow(/must be an object; it is null/)
    expect(() => readJsonBody('['.repeat(1_000_000))).toThrow(/deeper/)
  })

  test('that is cut off or garbled is refused with a place inside the text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '}', ']', ',', '"', 'x', '\u0000'),
        (value, at, sign) => {
          const text = JSON.stringify(value)
          const place = at % (text.length + 1)
          const garbled = text.slice(0, place) + sign + text.slice(sign === '' ? text.length : place)
          try {
            readJsonBody(garbled)
          } catch (error) {
            if (!(error instanceof JobyardError)) throw error
            expect(error.code).toBe('input-invalid')
            if (error.position !== undefined) expect(error.position).toBeLessThanOrEqual(garbled.length)
          }
        },
      ),
    )
  })
})

describe('a broken JSON body with a very long text', () => {
  test.each([
    ['plain', 'x'.repeat(20_000_000)],
    ['full of escapes', '\\n'.repeat(10_000_000)],
  ])('that is %s is refused with the place behind it', (_how, text) => {
    const body = `{"a":"${text}"`
    expect(() => readJsonBody(body)).toThrow(expect.objectContaining({ code: 'input-invalid', position: body.length }))
    const blank = `{"a":1${' '.repeat(20_000_000)}x`
    expect(() => readJsonBody(blank)).toThrow(expect.objectContaining({ position: blank.length - 1 }))
    const number = `{"a":${'1'.repeat(20_000_000)}x`
    expect(() => readJsonBody(number)).toThrow(expect.objectContaining({ position: number.length - 1 }))
  })
})

describe('a cursor', () => {
  test('gives back what it was made of, to its own list alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (text, number) => {
        const cursor = writeCursor('list', text, number)
        expect(cursor).toMatch(/^[\w-]+$/)
        expect(readCursor('list', cursor, 'string', 'number')).toEqual([text, number])
        expect(() => readCursor('other', cursor, 'string', 'number')).toThrow(JobyardError)
        expect(() => readCursor('list', cursor, 'string')).toThrow(JobyardError)
        expect(() => readCursor('list', cursor, 'number', 'number')).toThrow(JobyardError)
      }),
    )
  })

  test('of any text whatever is read or refused, and breaks nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readCursor('list', text, 'string')
        } catch (error) {
          expect(error).toBeInstanceOf(JobyardError)
        }
      }),
    )
  })

  test('is only given where there is more', () => {
    expect(cutPage([1, 2, 3], 2, String)).toEqual({ items: [1, 2], next: '2' })
    expect(cutPage([1, 2], 2, String)).toEqual({ items: [1, 2], next: null })
    expect(cutPage([], 2, String)).toEqual({ items: [], next: null })
  })
})

test('a policy that is shown can be sent back as it is', () => {
  const duration = fc.integer({ min: 0, max: 86_400_000_000 })
  const attempts = fc.integer({ min: 1, max: 1000 })
  const factor = fc.integer({ min: 1, max: 100 })
  const retry = fc.oneof(
    fc.constant({ kind: 'none' } as const),
    fc.record({ kind: fc.constant('fixed' as const), attempts, delayMs: duration }),
    fc.record({
      kind: fc.constant('exponential' as const),
      attempts,
      delayMs: duration,
      factor,
      maxDelayMs: duration,
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  )
  const restart = fc.oneof(
    fc.record({ delayMs: duration }),
    fc.record({ delayMs: duration, backoff: fc.record({ factor, maxMs: duration }) }),
  )
  const members = {
    retry,
    restart,
    timeoutMs: fc.option(duration),
    keepAgeMs: fc.option(duration),
    graceMs: fc.option(duration),
    misfire: fc.record({ kind: fc.constantFrom('skip', 'once', 'all'), windowMs: duration }),
    outputBytes: fc.integer({ min: 1, max: 2 ** 50 }),
  }
  fc.assert(
    fc.property(fc.record(members), (changed) => {
      const policy = { ...DEFAULT_POLICY, ...changed }
      const { onFailure, ...sent } = showPolicy(policy)
      expect({ ...readPolicy(sent), onFailure }).toEqual(policy)
    }),
  )
})

test('a word that was mistyped is recognised, and one that is nothing like any is not', () => {
  const known = ['overlap', 'queueDepth', 'retry', 'timeout', 'name']
  const cases = [
    ['overlpa', 'overlap'],
    ['Timeout', 'timeout'],
    ['queuedepth', 'queueDepth'],
    ['retyr', 'retry'],
    ['time', 'timeout'],
    ['nam', 'name'],
    ['xyz', undefined],
    ['n', undefined],
    ['', undefined],
  ] as const
  for (const [word, meant] of cases) expect(nearest(word, known), word).toBe(meant)
})

test('a moment is read with its offset, and nothing else is', () => {
  const second = Date.UTC(2026, 10, 21, 2)
  for (const text of [
    '2026-11-21T02:00:00Z',
    '2026-11-21T03:00:00+01:00',
    '2026-11-21 02:00Z',
    '2026-11-20T21:30:00.000-04:30',
  ]) {
    expect(readInstant(text, 'from'), text).toBe(second)
  }
  for (const text of [
    '',
    'now',
    '2026-11-21',
    '2026-11-21T02:00:00',
    '2026-02-29T00:00:00Z',
    '+012026-11-21T02:00:00Z',
    '1e9',
  ]) {
    expect(() => readInstant(text, 'from'), text).toThrow(JobyardError)
  }
})

test('a position of output is a seq, with its attempt where attempts are followed', () => {
  expect(readPosition(undefined)).toEqual({ after: 0 })
  expect(readPosition('17')).toEqual({ after: 17 })
  expect(readPosition('3:17')).toEqual({ attempt: 3, after: 17 })
  for (const text of ['', 'x', '-1', '1:', ':1', '1:2:3', '1e3', '9'.repeat(30)])
    expect(() => readPosition(text), text).toThrow(JobyardError)
})

describe('a lockout', () => {
  test('holds from the last failure that is let through until its window is over', () => {
    const clock = new ManualClock(0)
    const lockout = new Lockout(clock, { failures: 2, windowMs: 1000 })
    lockout.fail('a')
    clock.advance(400)
    lockout.check('a')
    lockout.fail('a')
    expect(() => lockout.check('a')).toThrow(/may come in 1 s/)
    lockout.check('b')
    clock.advance(600)
    lockout.check('a')
  })

  test('forgets the oldest senders before it grows beyond its bound', () => {
    const lockout = new Lockout(new ManualClock(0), { failures: 1, windowMs: 1000 })
    for (let i = 0; i < 10_001; i++) lockout.fail(String(i))
    lockout.check('0')
    expect(() => lockout.check('1')).toThrow(JobyardError)
  })

  test('counts an IPv6 network as one sender', () => {
    expect(senderOf('10.0.0.1')).toBe('10.0.0.1')
    expect(senderOf('::ffff:10.0.0.1')).toBe('10.0.0.1')
    expect(senderOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(senderOf('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64')
    expect(senderOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(senderOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(senderOf('::1')).toBe('0:0:0:0::/64')
  })
})

test('work on the same thing is done in turn, also after one that failed; on other things meanwhile', async () => {
  const serial = new Serial()
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const work = (key: string, name: string, until?: Promise<void>) =>
    serial.run(key, async () => {
      await until
      order.push(name)
      if (name === 'bad') throw new Error('bad')
    })
  const all = Promise.allSettled([
    work('a', 'first', gate.promise),
    work('a', 'bad'),
    work('a', 'third'),
    work('b', 'other'),
  ])
  await work('b', 'next')
  expect(order).toEqual(['other', 'next'])
  gate.resolve()
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(order).toEqual(['other', 'next', 'first', 'bad', 'third'])
})
