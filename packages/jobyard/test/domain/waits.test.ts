import { expect, test } from 'vitest'
import { spread, waitAfter } from '../../src/domain/waits.ts'

test('a wait is spread over its second half', () => {
  expect([0, 0.5, 0.999].map((random) => spread(1000, random))).toEqual([500, 750, 999.5])
})

test('each failure in a row doubles the wait, up to the longest', () => {
  const waits = { first: 100, longest: 15_000 }
  expect([0, 1, 2, 7, 8, 5000].map((before) => waitAfter(waits, before, 0))).toEqual([50, 100, 200, 6400, 7500, 7500])
})
