import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'

const DAY = 86_400_000

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

test('a wait that is longer than a timer of the system can be is kept', () => {
  let woken = 0
  systemClock.after(60 * DAY, () => woken++)
  vi.advanceTimersByTime(60 * DAY - 1)
  expect(woken).toBe(0)
  vi.advanceTimersByTime(1)
  expect(woken).toBe(1)
  vi.advanceTimersByTime(60 * DAY)
  expect(woken).toBe(1)
})

test('a long wait can be given up at any time', () => {
  let woken = 0
  const timer = systemClock.after(60 * DAY, () => woken++)
  vi.advanceTimersByTime(30 * DAY)
  timer.cancel()
  vi.advanceTimersByTime(60 * DAY)
  expect(woken).toBe(0)
})
