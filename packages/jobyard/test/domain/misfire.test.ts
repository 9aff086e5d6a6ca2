import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideMisfire, type MisfireQuestion } from '../../src/domain/misfire.ts'
import { DEFAULT_POLICY, type MisfirePolicy } from '../../src/domain/model.ts'
import { countOccurrences, nextOccurrence, occurrences } from '../../src/domain/occurrences.ts'
import { anySchedule, field, iso, only, schedule, utc } from './schedules.ts'

const MINUTE = 60_000
const once: MisfirePolicy = { kind: 'once', windowMs: 10 * MINUTE }

function decide(text: string, lastConsidered: string, now: string, policy: MisfirePolicy, more = {}) {
  const question = { schedule: schedule(text), lastConsidered: utc(lastConsidered), now: utc(now), policy, ...more }
  const decision = decideMisfire(question)
  return {
    run: decision.run.map(({ due, late }) => `${iso(due).slice(11, 19)}${late ? ' late' : ''}`),
    missed: decision.missed.map((due) => iso(due).slice(11, 19)),
    missedCount: decision.missedCount,
    next: decision.nextDue === null ? null : iso(decision.nextDue).slice(0, 19),
  }
}

describe('an occurrence on time', () => {
  test('runs under every policy, up to and with the grace', () => {
    for (const kind of ['skip', 'once', 'all'] as const) {
      const policy = { kind, windowMs: 10 * MINUTE }
      for (const now of ['2026-01-01T00:05:00', '2026-01-01T00:05:05']) {
        expect(decide('0 */5 * * * *', '2026-01-01T00:00:00', now, policy)).toEqual({
          run: ['00:05:00'],
          missed: [],
          missedCount: 0,
          next: '2026-01-01T00:10:00',
        })
      }
    }
  })

  test('is missed a millisecond after the grace', () => {
    const skip: MisfirePolicy = { kind: 'skip', windowMs: 0 }
    const late = decide('0 */5 * * * *', '2026-01-01T00:00:00', '2026-01-01T00:05:05.001', skip)
    expect(late).toEqual({ run: [], missed: ['00:05:00'], missedCount: 1, next: '2026-01-01T00:10:00' })
    const patient = decide('0 */5 * * * *', '2026-01-01T00:00:00', '2026-01-01T00:05:05.001', skip, { graceMs: 6_000 })
    expect(patient.run).toEqual(['00:05:00'])
  })

  test('before it is due nothing happens', () => {
    expect(decide('0 0 2 * * *', '2026-01-01T02:00:00', '2026-01-01T03:00:00', once)).toEqual({
      run: [],
      missed: [],
      missedCount: 0,
      next: '2026-01-02T02:00:00',
    })
  })
})

describe('the policy once', () => {
  test('after a break one runs, though several are on time', () => {
    expect(decide('*/3 * * * * *', '2026-01-01T00:00:00', '2026-01-01T00:00:10', once)).toMatchObject({
      run: ['00:00:09'],
      missed: ['00:00:03', '00:00:06'],
      missedCount: 2,
    })
    // A tick that is only late by a little has missed nothing.
    expect(decide('*/3 * * * * *', '2026-01-01T00:00:03', '2026-01-01T00:00:10', once)).toMatchObject({
      run: ['00:00:06', '00:00:09'],
      missed: [],
    })
    const every = { kind: 'all', windowMs: 10 * MINUTE } as const
    expect(decide('*/3 * * * * *', '2026-01-01T00:00:00', '2026-01-01T00:00:10', every).run).toHaveLength(3)
  })

  test('is the default, with ten minutes', () => {
    expect(DEFAULT_POLICY.misfire).toEqual(once)
  })

  test('makes up for a daily run within the window and not beyond it', () => {
    expect(decide('0 0 2 * * *', '2026-01-01T02:00:00', '2026-01-02T02:10:00', once).run).toEqual(['02:00:00 late'])
    expect(decide('0 0 2 * * *', '2026-01-01T02:00:00', '2026-01-02T02:10:00.001', once)).toEqual({
      run: [],
      missed: ['02:00:00'],
      missedCount: 1,
      next: '2026-01-03T02:00:00',
    })
  })

  test('runs the latest of several and records the others', () => {
    expect(decide('0 */5 * * * *', '2026-01-01T00:00:00', '2026-01-01T00:21:00', once)).toEqual({
      run: ['00:20:00 late'],
      missed: ['00:05:00', '00:10:00', '00:15:00'],
      missedCount: 3,
      next: '2026-01-01T00:25:00',
    })
  })

  test('does not run a missed one beside one that is on time', () => {
    const decision = decide('0 */5 * * * *', '2026-01-01T00:00:00', '2026-01-01T00:20:01', once)
    expect(decision.run).toEqual(['00:20:00'])
    expect(decision.missedCount).toBe(3)
  })
})

describe('the policy all', () => {
  const all: MisfirePolicy = { kind: 'all', windowMs: 10 * MINUTE }

  test('runs what the window holds, in order', () => {
    expect(decide('0 */5 * * * *', '2026-01-01T00:00:00', '2026-01-01T00:21:00', all)).toEqual({
      run: ['00:15:00 late', '00:20:00 late'],
      missed: ['00:05:00', '00:10:00'],
      missedCount: 2,
      next: '2026-01-01T00:25:00',
    })
  })

  test('runs the latest when there are more than the cap', () => {
    const decision = decide('* * * * * *', '2026-01-01T00:00:00', '2026-01-01T00:01:00', all, {
      cap: 8,
      listed: 8,
      graceMs: 2_000,
    })
    expect(decision.run).toEqual(
      ['53', '54', '55', '56', '57'].map((second) => `00:00:${second} late`).concat('00:00:58', '00:00:59', '00:01:00'),
    )
    expect(decision.missed).toEqual(['45', '46', '47', '48', '49', '50', '51', '52'].map((second) => `00:00:${second}`))
    expect(decision.missedCount).toBe(52)
  })
})

test('months of an every-second schedule cost no more than what is listed, and the count is exact', () => {
  for (const zone of ['UTC', 'Europe/Berlin']) {
    const each = schedule('* * * * * *', zone)
    const [lastConsidered, now] = [utc('2026-01-01T00:00:00'), utc('2026-11-01T00:00:00')]
    const decision = decideMisfire({ schedule: each, lastConsidered, now, policy: { kind: 'skip', windowMs: 0 } })
    const seconds = (now - lastConsidered) / 1000
    expect(decision.run).toHaveLength(6)
    expect(decision.missed).toHaveLength(20)
    expect(decision.missedCount).toBe(seconds - 6)
    expect(decision.unlisted).toEqual({
      count: seconds - 6 - 20,
      first: lastConsidered + 1_000,
      before: decision.missed[0],
    })
  }
})

test('a clock that was set back repeats nothing and misses nothing', () => {
  const each = schedule('0 0 * * * *')
  const [lastConsidered, now] = [utc('2026-01-01T12:00:00'), utc('2026-01-01T09:30:00')]
  const decision = decideMisfire({ schedule: each, lastConsidered, now, policy: once })
  expect(decision).toMatchObject({ run: [], missed: [], missedCount: 0, unlisted: null, considered: lastConsidered })
  expect(iso(decision.nextDue ?? 0)).toBe('2026-01-01T13:00:00.000Z')
})

test('a schedule without any further occurrence has no next one', () => {
  const each = schedule('0 0 0 30 2 *')
  expect(
    decideMisfire({ schedule: each, lastConsidered: 0, now: utc('2026-01-01T00:00:00'), policy: once }),
  ).toMatchObject({
    run: [],
    missedCount: 0,
    nextDue: null,
  })
})

test('every occurrence is run or missed, exactly once, and never more than the cap of either', () => {
  const policies = fc.record<MisfirePolicy>({
    kind: fc.constantFrom('skip', 'once', 'all'),
    windowMs: fc.constantFrom(0, 30_000, 10 * MINUTE, 3 * 86_400_000),
  })
  const questions = fc.record({
    generated: anySchedule({ 0: field(0, 59, 1), 1: only('7,8', 7, 8), 3: field(1, 31, 9), 4: field(1, 12, 9) }),
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
    lastConsidered: fc.integer({ min: utc('2026-01-01T00:00:00'), max: utc('2026-12-31T00:00:00') }),
    downFor: fc.oneof(fc.nat(20 * MINUTE), fc.nat(3 * 86_400_000)),
    policy: policies,
    graceMs: fc.constantFrom(0, 5_000, 100_000),
    cap: fc.constantFrom(1, 3, 50),
    listed: fc.constantFrom(0, 1, 20),
  })
  fc.assert(
    fc.property(questions, ({ generated, zone, downFor, ...rest }) => {
      const each = schedule(generated.text, zone)
      const question: MisfireQuestion = { ...rest, schedule: each, now: rest.lastConsidered + downFor }
      const decision = decideMisfire(question)
      const due = [...occurrences(each, { after: question.lastConsidered, before: question.now + 1, count: 1e6 })]
      const run = decision.run.map((one) => one.due)
      expect(run.length).toBeLessThanOrEqual(rest.cap)
      expect(decision.missed.length).toBeLessThanOrEqual(rest.listed)
      expect(decision.missedCount).toBe(decision.missed.length + (decision.unlisted?.count ?? 0))
      expect(decision.missedCount + run.length).toBe(due.length)
      expect([...decision.missed, ...run]).toEqual(due.slice(decision.unlisted?.count ?? 0))
      if (decision.unlisted !== null) {
        const { count, first, before } = decision.unlisted
        expect(first).toBe(due[0])
        expect(countOccurrences(each, question.lastConsidered, before)).toBe(count)
      }
      expect(decision.nextDue).toBe(nextOccurrence(each, question.now))
      for (const one of decision.run) expect(one.late).toBe(question.now - one.due > rest.graceMs)
    }),
    { numRuns: 250 },
  )
})
