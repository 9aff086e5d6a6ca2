import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runsToDelete } from '../../src/domain/retention.ts'

const NOW = 1_000_000

function runs(...finishedAt: number[]) {
  return finishedAt.map((at, index) => ({ id: `r${index}`, finishedAt: at }))
}

function deleted(finished: { id: string; finishedAt: number }[], keepRuns: number, keepAgeMs: number | null): string[] {
  return runsToDelete(finished, { keepRuns, keepAgeMs }, NOW).map((run) => run.id)
}

test('the runs beyond the number to keep go, oldest first', () => {
  expect(deleted(runs(500, 100, 400, 300, 200), 2, null)).toEqual(['r1', 'r4', 'r3'])
  expect(deleted(runs(500, 100), 2, null)).toEqual([])
  expect(deleted(runs(500, 100), 0, null)).toEqual(['r1', 'r0'])
})

test('the runs that are too old go, but for the latest', () => {
  expect(deleted(runs(NOW - 50, NOW - 100, NOW - 101, NOW - 500), 100, 100)).toEqual(['r3', 'r2'])
  expect(deleted(runs(NOW - 500, NOW - 600), 100, 100)).toEqual(['r1'])
})

test('either rule is enough', () => {
  expect(deleted(runs(NOW - 10, NOW - 20, NOW - 30, NOW - 900), 3, 25)).toEqual(['r3', 'r2'])
})

test('of runs that ended at once the later id stays', () => {
  expect(deleted(runs(100, 100, 100), 1, null)).toEqual(['r0', 'r1'])
})

test('what stays is the latest, within the number, and deleting twice deletes nothing more', () => {
  const finished = fc.uniqueArray(
    fc.record({ id: fc.uuid(), finishedAt: fc.integer({ min: NOW - 1_000, max: NOW }) }),
    { selector: (run) => run.id, maxLength: 40 },
  )
  const ages = fc.option(fc.integer({ min: 0, max: 1_200 }), { nil: null })
  fc.assert(
    fc.property(finished, fc.integer({ min: 0, max: 30 }), ages, (all, keepRuns, keepAgeMs) => {
      const before = structuredClone(all)
      const gone = new Set(deleted(all, keepRuns, keepAgeMs))
      expect(all).toEqual(before)
      const kept = all.filter((run) => !gone.has(run.id))
      expect(kept.length).toBeLessThanOrEqual(keepRuns)
      const latestGone = Math.max(...all.filter((run) => gone.has(run.id)).map((run) => run.finishedAt), 0)
      for (const run of kept) expect(run.finishedAt).toBeGreaterThanOrEqual(latestGone)
      expect(deleted(kept, keepRuns, keepAgeMs)).toEqual([])
      if (all.length > 0 && keepRuns > 0) expect(kept.length).toBeGreaterThan(0)
    }),
  )
})
