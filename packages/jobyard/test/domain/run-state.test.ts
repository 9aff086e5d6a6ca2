import { canBecome, FINISHED, isFinished, STATES, TRANSITIONS } from '@jobyard/jobs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Counts,
  decideRun,
  defaultVerdict,
  NO_TASKS,
  type RunFacts,
  unfinished,
} from '../../src/domain/run-state.ts'

const few = fc.nat({ max: 3 })
const counts: fc.Arbitrary<Counts> = fc.record({
  pending: few,
  running: few,
  blocked: few,
  disconnected: few,
  suspended: few,
  completed: few,
  failed: few,
  stopped: few,
})
const facts: fc.Arbitrary<RunFacts> = fc.record({
  planClosed: fc.boolean(),
  wanted: fc.constantFrom('run', 'suspend', 'stop'),
  counts,
  owned: fc.boolean(),
})

describe('the table of transitions', () => {
  test('knows every state, and nothing leaves a finished one', () => {
    expect(Object.keys(TRANSITIONS).toSorted()).toEqual([...STATES].toSorted())
    for (const state of FINISHED) expect(TRANSITIONS[state]).toEqual([])
  })

  test('lets every state come to an end, and none stay by a transition', () => {
    for (const state of STATES) {
      if (isFinished(state)) continue
      expect(FINISHED.some((end) => canBecome(state, end))).toBe(true)
      expect(canBecome(state, state)).toBe(false)
    }
  })
})

describe('the state of a run', () => {
  test('is never finished while a task runs or is frozen', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(given.counts.running + given.counts.suspended > 0)
        const decision = decideRun(given)
        expect('verdict' in decision || isFinished(decision.state)).toBe(false)
      }),
    )
  })

  test('is left to the verdict exactly when the plan is closed, all is done, and no stop is wanted', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const done = given.planClosed && unfinished(given.counts) === 0 && given.wanted !== 'stop'
        expect('verdict' in decideRun(given)).toBe(done)
      }),
    )
  })

  test('is stopped, and nothing else, once a stop is wanted and nothing runs', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const idle = { ...given, wanted: 'stop' as const, counts: { ...given.counts, running: 0, suspended: 0 } }
        expect(decideRun(idle)).toEqual({ state: 'stopped' })
      }),
    )
  })

  test('follows from the facts by a legal step, whatever they were before', () => {
    fc.assert(
      fc.property(facts, facts, (before, after) => {
        const from = decideRun(before)
        const to = decideRun(after)
        if ('verdict' in from || 'verdict' in to || isFinished(from.state) || from.state === to.state) return
        // A stop that is wanted stays wanted, so a stopping run has no other way.
        if (from.state === 'stopping') return
        expect([from.state, to.state, canBecome(from.state, to.state) || to.state === 'suspending']).toEqual([
          from.state,
          to.state,
          true,
        ])
      }),
    )
  })

  test('is completed with nothing done when there was nothing to do', () => {
    const given = { planClosed: true, wanted: 'run', counts: NO_TASKS, owned: true } as const
    expect(decideRun(given)).toEqual({ verdict: true })
    expect(defaultVerdict(NO_TASKS)).toBe('completed')
  })

  test('ends failed over stopped over completed, when the kind has no opinion', () => {
    expect(defaultVerdict({ ...NO_TASKS, completed: 5, stopped: 2, failed: 1 })).toBe('failed')
    expect(defaultVerdict({ ...NO_TASKS, completed: 5, stopped: 2 })).toBe('stopped')
    expect(defaultVerdict({ ...NO_TASKS, completed: 5 })).toBe('completed')
  })
})
