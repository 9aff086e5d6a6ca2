import { expect, test } from 'vitest'
import type { Overlap } from '../../src/domain/model.ts'
import { decideOverlap } from '../../src/domain/overlap.ts'

const POLICIES: readonly Overlap[] = ['forbid', 'queue', 'skip', 'replace', 'allow']

function decide(policy: Overlap, live: number, queued: number, queueDepth = 2) {
  const { action, reason } = decideOverlap(policy, { live, queued, queueDepth })
  return `${action} ${reason}`
}

test.each(POLICIES)('with nothing unfinished the policy %s starts', (policy) => {
  expect(decide(policy, 0, 0)).toBe('start free')
  expect(decide(policy, 0, 0, 0)).toBe('start free')
})

test.each([
  ['forbid', 'refuse already-running'],
  ['queue', 'queue already-running'],
  ['skip', 'skip already-running'],
  ['replace', 'replace already-running'],
  ['allow', 'start allowed'],
] as const)('with a run unfinished the policy %s decides %s', (policy, decision) => {
  expect(decide(policy, 1, 0)).toBe(decision)
  expect(decide(policy, 5, 1)).toBe(decision)
  expect(decide(policy, 0, 1)).toBe(decision)
})

test('a full queue refuses', () => {
  expect(decide('queue', 1, 1)).toBe('queue already-running')
  expect(decide('queue', 1, 2)).toBe('refuse queue-full')
  expect(decide('queue', 1, 3)).toBe('refuse queue-full')
  expect(decide('queue', 1, 0, 0)).toBe('refuse queue-full')
})

test('the text names what is in the way', () => {
  expect(decideOverlap('queue', { live: 1, queued: 2, queueDepth: 2 }).text).toBe(
    '1 run of this job is unfinished and 2 wait. No more than 2 may wait.',
  )
  expect(decideOverlap('forbid', { live: 3, queued: 0, queueDepth: 2 }).text).toMatch(/^3 runs of this job/)
})
