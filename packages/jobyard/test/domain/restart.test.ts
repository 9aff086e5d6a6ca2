import { describe, expect, test } from 'vitest'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'
import { countShortRun, isCrashLoop, restartDelay, SHORT_RUN_MS } from '../../src/domain/restart.ts'

const LONG = SHORT_RUN_MS

function shortRuns(...ranMs: number[]): number {
  return ranMs.reduce(countShortRun, 0)
}

describe('the wait before a restart', () => {
  test('is 60 s after a run shorter than two minutes and none after a longer one', () => {
    expect(restartDelay(DEFAULT_POLICY.restart, shortRuns(LONG - 1))).toBe(60_000)
    expect(restartDelay(DEFAULT_POLICY.restart, shortRuns(LONG))).toBe(0)
    expect(restartDelay(DEFAULT_POLICY.restart, shortRuns(1, 1, 1, 1, 1))).toBe(60_000)
    expect(restartDelay(DEFAULT_POLICY.restart, shortRuns(1, 1, LONG))).toBe(0)
    expect(restartDelay(DEFAULT_POLICY.restart, 0)).toBe(0)
    expect(restartDelay({ delayMs: 0 }, 1)).toBe(0)
  })

  test('grows with every short run in a row when there is a back-off', () => {
    const policy = { delayMs: 1_000, backoff: { factor: 2, maxMs: 5_000 } }
    expect([1, 2, 3, 4, 5].map((count) => restartDelay(policy, count))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
    expect(restartDelay(policy, shortRuns(10, 10, LONG, 10))).toBe(1_000)
    expect(restartDelay(policy, 5_000)).toBe(5_000)
  })
})

describe('a crash loop', () => {
  test('is three ends in a row after less than two minutes each', () => {
    expect(isCrashLoop(shortRuns(1, 1))).toBe(false)
    expect(isCrashLoop(shortRuns(1, 1, LONG - 1))).toBe(true)
    expect(isCrashLoop(shortRuns(1, LONG, 1, 1))).toBe(false)
    expect(isCrashLoop(shortRuns(LONG, 1, 1, 1))).toBe(true)
  })

  test('is over when the process has lasted two minutes', () => {
    expect(isCrashLoop(3, LONG - 1)).toBe(true)
    expect(isCrashLoop(3, LONG)).toBe(false)
  })
})
