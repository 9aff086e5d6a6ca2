import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextAttemptDelay, tryAfterCrash, tryAfterFailure } from '../../src/domain/retry.ts'

test('without a policy nothing is tried again', () => {
  expect(nextAttemptDelay({ kind: 'none' }, 1, 0)).toBeNull()
})

test('a fixed policy waits the same until the attempts are used up, the first included', () => {
  const policy = { kind: 'fixed', attempts: 3, delayMs: 1_500 } as const
  expect([1, 2, 3, 4].map((attempt) => nextAttemptDelay(policy, attempt, 0.5))).toEqual([1_500, 1_500, null, null])
  expect(nextAttemptDelay({ ...policy, attempts: 1 }, 1, 0.5)).toBeNull()
})

test('an exponential policy grows by its factor up to the longest delay', () => {
  const policy = {
    kind: 'exponential',
    attempts: 6,
    delayMs: 1_000,
    factor: 2,
    maxDelayMs: 6_000,
    jitter: 0,
  } as const
  const delays = [1, 2, 3, 4, 5, 6].map((attempt) => nextAttemptDelay(policy, attempt, 0.9))
  expect(delays).toEqual([1_000, 2_000, 4_000, 6_000, 6_000, null])
})

test('jitter draws its share of the delay by lot and never lengthens it', () => {
  const policy = { kind: 'exponential', attempts: 9, delayMs: 1_000, factor: 3, maxDelayMs: 60_000 } as const
  expect(nextAttemptDelay({ ...policy, jitter: 0.5 }, 2, 0)).toBe(1_500)
  expect(nextAttemptDelay({ ...policy, jitter: 0.5 }, 2, 0.999999)).toBe(3_000)
  expect(nextAttemptDelay({ ...policy, jitter: 1 }, 2, 0)).toBe(0)
})

test('a delay is always whole, not negative and no longer than the longest, however many attempts', () => {
  const policies = fc.record({
    kind: fc.constant('exponential' as const),
    attempts: fc.integer({ min: 1, max: 2_000_000 }),
    delayMs: fc.integer({ min: 0, max: 1e9 }),
    factor: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxDelayMs: fc.integer({ min: 0, max: 1e10 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 1_000_000 }), random, (policy, attempt, drawn) => {
      const delay = nextAttemptDelay(policy, attempt, drawn)
      if (attempt >= policy.attempts) {
        expect(delay).toBeNull()
        return
      }
      expect(Number.isSafeInteger(delay)).toBe(true)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(policy.maxDelayMs)
    }),
  )
})

test('crashes use up none of the attempts of a policy, and have a number of their own', () => {
  const retry = { kind: 'fixed', attempts: 2, delayMs: 1_500 } as const
  expect(tryAfterFailure(retry, { attempt: 3, crashes: 2 }, 0)).toEqual({ delayMs: 1_500, crashed: false })
  expect(tryAfterFailure(retry, { attempt: 3, crashes: 1 }, 0)).toBeNull()
  const crash = { onCrash: 'retry', maxCrashes: 2 } as const
  expect(tryAfterCrash(crash, { attempt: 9, crashes: 1 })).toEqual({ delayMs: 0, crashed: true })
  expect(tryAfterCrash(crash, { attempt: 9, crashes: 2 })).toBeNull()
  expect(tryAfterCrash({ ...crash, onCrash: 'fail' }, { attempt: 1, crashes: 0 })).toBeNull()
})
