import type { Run } from '@jobyard/client'
import { expect, test } from 'vitest'
import { groupFailures } from '../../../portal/src/overview/failures.ts'

const FROM = '2026-11-20T12:00:00.000Z'

function failure(job: string, number: number, createdAt = '2026-11-21T01:00:00.000Z', state: Run['state'] = 'failed') {
  return { id: `${job}-${number}`, job: { id: job }, createdAt, state }
}

test('a job whose latest run failed is told of, though another fills the list of failures alone', () => {
  const runs = Array.from({ length: 100 }, (_, index) => failure('loops', 200 - index))
  const jobs = [
    { latestRun: failure('loops', 200) },
    { latestRun: failure('nightly', 7) },
    { latestRun: failure('long-ago', 3, '2026-11-19T01:00:00.000Z') },
    { latestRun: failure('fine', 3, undefined, 'completed') },
    { latestRun: null },
  ]
  const groups = groupFailures(runs, jobs, FROM)
  expect(groups.map((each) => [each[0]?.id, each.length])).toEqual([
    ['loops-200', 100],
    ['nightly-7', 1],
  ])
})

test('a failure that is in the list already is told once', () => {
  const runs = [failure('nightly', 7), failure('nightly', 6)]
  expect(groupFailures(runs, [{ latestRun: failure('nightly', 7) }], FROM).map((each) => each.length)).toEqual([2])
})
