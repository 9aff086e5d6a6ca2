/** The campaign finds nothing: here it is seen that it would find something, one broken promise after the other. */
import { describe, expect, test } from 'vitest'
import { Availability } from '../../../../chaos/availability.ts'
import { checkAcknowledged, checkFollowers } from '../../../../chaos/checks/acknowledged.ts'
import { checkBooks } from '../../../../chaos/checks/books.ts'
import { checkExecutions } from '../../../../chaos/checks/executions.ts'
import { checkOccurrences } from '../../../../chaos/checks/occurrences.ts'
import { checkRecovery } from '../../../../chaos/checks/recovery.ts'
import { checkContinuous } from '../../../../chaos/checks/singleton.ts'
import { Ledger } from '../../../../chaos/ledger.ts'
import { Marks } from '../../../../chaos/marks.ts'
import type { RunRecord, Snapshot, TaskRecord } from '../../../../chaos/records.ts'
import { type Invariant, Violations } from '../../../../chaos/violations.ts'

const T0 = 1_800_000_000_000
const JOB = { id: 'job', name: 'job', enabled: 1, runCount: 1 }
const INSTANCE = { id: 'alive', name: 'i1', pid: 1, state: 'up', startedAt: T0, expiresAt: T0 + 15_000 }

function makeRun(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    id: 'run',
    jobId: 'job',
    number: 1,
    why: 'manual',
    detail: '{}',
    args: '["0","0","-","t1"]',
    state: 'completed',
    wanted: 'run',
    planClosed: 1,
    owner: null,
    fence: 1,
    crashes: 0,
    dispatchAt: null,
    queued: 0,
    scheduledFor: null,
    createdAt: T0,
    startedAt: T0,
    finishedAt: T0 + 1000,
    reasonCode: null,
    exitCode: 0,
    nPending: 0,
    nRunning: 0,
    nBlocked: 0,
    nDisconnected: 0,
    nSuspended: 0,
    nCompleted: 1,
    nFailed: 0,
    nStopped: 0,
    ...changes,
  }
}

function makeTask(changes: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: 'task',
    runId: 'run',
    target: 'i1',
    attempt: 1,
    latest: 1,
    state: 'completed',
    owner: null,
    fence: 1,
    parkedUntil: null,
    reasonCode: null,
    exitCode: 0,
    createdAt: T0,
    startedAt: T0,
    finishedAt: T0 + 1000,
    ...changes,
  }
}

const RUNNING_RUN = { state: 'running', owner: 'alive', finishedAt: null, nCompleted: 0, nRunning: 1, exitCode: null }
const RUNNING_TASK = { state: 'running', owner: 'alive', finishedAt: null, exitCode: null }
const LOST_RUN = { state: 'failed', reasonCode: 'lost', nCompleted: 0, nFailed: 1, exitCode: null }
const LOST_TASK = { state: 'failed', reasonCode: 'lost', exitCode: null }

function makeSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return { instances: [INSTANCE], jobs: [JOB], runs: [makeRun()], tasks: [makeTask()], occurrences: [], ...changes }
}

function ledgerOf(snapshot: Snapshot, violations = new Violations()): Ledger {
  const ledger = new Ledger()
  ledger.absorb(snapshot, violations)
  return ledger
}

/** Marks of one attempt after the other: sort, task, milliseconds after T0, detail. */
function marksOf(...lines: readonly (readonly [string, string, number, string?])[]): Marks {
  const marks = new Marks('/nowhere')
  for (const [sort, task, at, detail = '-'] of lines) {
    marks.take(`${sort} run ${task} 1 i1 77 ${(T0 + at) * 1000}000 ${detail}`)
  }
  return marks
}

const SOUND = [
  ['start', 'task', 100],
  ['end', 'task', 900, '0'],
] as const

function expectOnly(violations: Violations, invariant: Invariant, text: RegExp): void {
  expect(violations.list.map((each) => each.invariant)).toEqual([invariant])
  expect(violations.list[0]?.text).toMatch(text)
}

describe('the books', () => {
  const books = (changes: Partial<Snapshot>): Violations => {
    const violations = new Violations()
    checkBooks(makeSnapshot(changes), violations)
    return violations
  }

  test('are in order as they are', () => {
    expect(books({}).list).toEqual([])
    expect(books({ runs: [makeRun(RUNNING_RUN)], tasks: [makeTask(RUNNING_TASK)] }).list).toEqual([])
  })

  test.each([
    ['a state that there is not', { runs: [makeRun({ state: 'strange' })] }],
    ['an end without a time', { runs: [makeRun({ finishedAt: null })] }],
    ['an owner after the end', { runs: [makeRun({ owner: 'alive' })] }],
    ['a count that is wrong', { runs: [makeRun({ nCompleted: 2 })] }],
    [
      'a run that nobody will work on',
      {
        runs: [makeRun({ ...RUNNING_RUN, state: 'pending', owner: null, nRunning: 0, nPending: 1 })],
        tasks: [makeTask({ ...RUNNING_TASK, state: 'pending', owner: null })],
      },
    ],
    [
      'an owner that is gone',
      { instances: [{ ...INSTANCE, state: 'gone' }], runs: [makeRun(RUNNING_RUN)], tasks: [makeTask(RUNNING_TASK)] },
    ],
    ['a task under another fence', { runs: [makeRun(RUNNING_RUN)], tasks: [makeTask({ ...RUNNING_TASK, fence: 2 })] }],
    ['a task that goes on after its run', { tasks: [makeTask(RUNNING_TASK)] }],
    ['a gap among the attempts', { tasks: [makeTask({ attempt: 2 })] }],
    ['two latest attempts', { tasks: [makeTask(), makeTask({ id: 'other', attempt: 2 })] }],
    ['a task without a run', { tasks: [makeTask(), makeTask({ id: 'other', runId: 'nowhere' })] }],
    [
      'a queue that nobody will release',
      { runs: [makeRun({ ...RUNNING_RUN, state: 'pending', owner: null, queued: 1, nRunning: 0 })], tasks: [] },
    ],
  ] satisfies [string, Partial<Snapshot>][])('show %s', (_, changes) => {
    expect(books(changes).of('books')).toBeGreaterThan(0)
  })

  test('show that what had ended changed, and that what had not is gone', () => {
    const violations = new Violations()
    const ledger = ledgerOf(makeSnapshot(), violations)
    ledger.absorb(makeSnapshot({ tasks: [makeTask({ state: 'failed' })] }), violations)
    expectOnly(violations, 'books', /had ended as completed and is failed/)
    const others = new Violations()
    ledgerOf(makeSnapshot({ runs: [makeRun(RUNNING_RUN)], tasks: [makeTask(RUNNING_TASK)] }), others).absorb(
      makeSnapshot({ runs: [], tasks: [] }),
      others,
    )
    expectOnly(others, 1, /had not ended and is gone/)
  })
})

describe('acknowledged runs', () => {
  function check(snapshot: Snapshot, answer: { status: number; runId?: string }, before = T0 + 1): Violations {
    const violations = new Violations()
    const ledger = ledgerOf(snapshot)
    ledger.requests.set('t1', { token: 't1', job: 'job', sent: 1, answer: { ...answer, at: T0 } })
    checkAcknowledged(ledger, violations, { quiet: true, exempt: new Set(), before })
    return violations
  }

  test('are there, once, and have ended', () => {
    expect(check(makeSnapshot(), { status: 201, runId: 'run' }).list).toEqual([])
    expect(check(makeSnapshot({ runs: [], tasks: [] }), { status: 409 }).list).toEqual([])
  })

  test('are not looked for in a look that began before they were answered', () => {
    expect(check(makeSnapshot({ runs: [], tasks: [] }), { status: 201, runId: 'run' }, T0).list).toEqual([])
  })

  test.each([
    ['one that is lost', makeSnapshot({ runs: [], tasks: [] }), { status: 201, runId: 'run' }, /is not there/],
    [
      'one that was made twice',
      makeSnapshot({ runs: [makeRun(), makeRun({ id: 'run2' })] }),
      { status: 201, runId: 'run' },
      /made 2 runs/,
    ],
    [
      'one that does not end',
      makeSnapshot({ runs: [makeRun(RUNNING_RUN)], tasks: [] }),
      { status: 201, runId: 'run' },
      /has not ended/,
    ],
    ['one that was refused and made', makeSnapshot(), { status: 409 }, /refused and made/],
    [
      'the wrong one',
      makeSnapshot({ runs: [makeRun(), makeRun({ id: 'other', args: '["0","0","-","t2"]' })] }),
      { status: 201, runId: 'other' },
      /of another/,
    ],
  ] as const)('show %s', (_, snapshot, answer, text) => {
    expectOnly(check(snapshot, answer), 1, text)
  })

  test('show a follower that is missing, and one too many', () => {
    const rules = { leader: 'job', follower: 'after', states: new Set(['completed']) }
    const follower = makeRun({ id: 'f1', jobId: 'j2', why: 'after', detail: '{"run":"run"}' })
    const jobs = [JOB, { ...JOB, id: 'j2', name: 'after' }]
    const check = (runs: RunRecord[]): Violations => {
      const violations = new Violations()
      checkFollowers(ledgerOf(makeSnapshot({ jobs, runs })), violations, rules)
      return violations
    }
    expect(check([makeRun(), follower]).list).toEqual([])
    expectOnly(check([makeRun()]), 1, /followed by 0 runs instead of 1/)
    expectOnly(check([makeRun(), follower, { ...follower, id: 'f2' }]), 1, /followed by 2 runs instead of 1/)
  })
})

describe('occurrences', () => {
  const span = { jobId: 'job', firstBy: T0, lastFrom: T0 + 2000 }
  const at = (second: number, changes = {}) => ({
    ...{ jobId: 'job', due: T0 + second * 1000, outcome: 'skipped', runId: null, more: 0, recordedAt: T0 },
    ...changes,
  })
  const whole = [at(0), at(1), at(2)]
  const check = (occurrences: Snapshot['occurrences'], runs: RunRecord[] = []): Violations => {
    const violations = new Violations()
    checkOccurrences(ledgerOf(makeSnapshot({ occurrences, runs, tasks: [] })), [span], violations)
    return violations
  }
  const scheduled = makeRun({ why: 'schedule', scheduledFor: T0 + 1000 })

  test('are on record, every second', () => {
    expect(check(whole).list).toEqual([])
    expect(check([at(0), at(1, { outcome: 'ran', runId: 'run' }), at(2)], [scheduled]).list).toEqual([])
    expect(check([at(0), at(2, { outcome: 'missed', more: 1 })]).list).toEqual([])
  })

  test('show a second that is missing, and a record that begins too late or ends too early', () => {
    expectOnly(check([at(0), at(2)]), 2, /1 seconds of job .* not on record/)
    expectOnly(check([at(1), at(2)]), 2, /begins at/)
    expectOnly(check([at(0), at(1)]), 2, /ends at/)
  })

  test('show one that ran without a run, and a run that no occurrence knows of', () => {
    expectOnly(check([at(0), at(1, { outcome: 'ran', runId: 'run' }), at(2)]), 2, /has 0 runs/)
    expect(check(whole, [scheduled]).of(2)).toBeGreaterThan(0)
  })

  test('show a record that changed', () => {
    const violations = new Violations()
    const ledger = ledgerOf(makeSnapshot({ occurrences: whole }), violations)
    ledger.absorb(makeSnapshot({ occurrences: [at(0, { outcome: 'missed' })] }), violations)
    expectOnly(violations, 2, /changed/)
  })
})

describe('executions', () => {
  const check = (marks: Marks, changes: Partial<Snapshot> = {}): Violations => {
    const violations = new Violations()
    checkExecutions(marks, ledgerOf(makeSnapshot(changes)), violations, { before: T0 + 60_000 })
    return violations
  }

  test('are as they are on record', () => {
    expect(check(marksOf(...SOUND)).list).toEqual([])
  })

  test.each([
    ['an attempt that began twice', marksOf(...SOUND, ['start', 'task', 200]), /began 2 times/],
    [
      'a lock that was taken',
      marksOf(...SOUND, ['overlap', 'task', 200, 'run-run']),
      /somebody else ran at the same time/,
    ],
    ['a life after the end on record', marksOf(...SOUND, ['child', 'task', 1500]), /lived on for 500 ms/],
    ['a completion without an end', marksOf(['start', 'task', 100]), /did not come to its end/],
    ['an execution that is not on record', marksOf(...SOUND, ['start', 'unknown', 50]), /is not on record/],
    [
      'a line that is none',
      (() => {
        const marks = marksOf(...SOUND)
        marks.take('half a li')
        return marks
      })(),
      /no script writes/,
    ],
  ])('show %s', (_, marks, text) => {
    expectOnly(check(marks), 3, text)
  })

  test('show an exit code that is not what was said, and a task that was never begun', () => {
    const failed = { state: 'failed', reasonCode: 'exit-code', exitCode: 4 }
    const counts = { state: 'failed', nCompleted: 0, nFailed: 1 }
    const said = marksOf(['start', 'task', 100], ['end', 'task', 900, '3'])
    expectOnly(check(said, { runs: [makeRun(counts)], tasks: [makeTask(failed)] }), 3, /with exit code 4/)
    expectOnly(check(marksOf(...SOUND), { tasks: [makeTask({ startedAt: null })] }), 3, /never begun/)
  })
})

describe('what a dead server was running', () => {
  const killedAt = T0 + 500
  function check(run: Partial<RunRecord>, tasks: TaskRecord[], most?: number): Violations {
    const violations = new Violations()
    const ledger = ledgerOf(makeSnapshot({ runs: [makeRun(run)], tasks }))
    ledger.doomed.push({ taskId: 'task', instance: 'i1', killedAt })
    const availability = new Availability()
    availability.up('i1', T0 + 900)
    const rules = { leaseMs: 0, noticeMs: 1000, retried: new Map(most === undefined ? [] : [['job', most]]) }
    checkRecovery(ledger, availability, violations, { now: T0 + 60_000, rules })
    return violations
  }

  test('ends soon, by policy', () => {
    expect(check(LOST_RUN, [makeTask(LOST_TASK)]).list).toEqual([])
    const again = [makeTask({ ...LOST_TASK, latest: 0 }), makeTask({ id: 'next', attempt: 2 })]
    expect(check({ crashes: 1 }, again, 1).list).toEqual([])
  })

  test('shows when it ends late, not at all, or otherwise', () => {
    expectOnly(check(LOST_RUN, [makeTask({ ...LOST_TASK, finishedAt: T0 + 5000 })]), 4, /ended 4100 ms after/)
    expectOnly(check(RUNNING_RUN, [makeTask(RUNNING_TASK)]), 4, /has not ended/)
    expectOnly(check({}, [makeTask()]), 4, /is completed\/null/)
  })

  test('is not judged when retention took it between two looks', () => {
    const ledger = new Ledger(new Set(['job']))
    const violations = new Violations()
    ledger.absorb(makeSnapshot({ runs: [makeRun(RUNNING_RUN)], tasks: [makeTask(RUNNING_TASK)] }), violations)
    ledger.absorb(makeSnapshot({ runs: [], tasks: [] }), violations)
    ledger.doomed.push({ taskId: 'task', instance: 'i1', killedAt })
    const availability = new Availability()
    availability.up('i1', T0 + 900)
    checkRecovery(ledger, availability, violations, {
      now: T0 + 60_000,
      rules: { leaseMs: 0, noticeMs: 1000, retried: new Map() },
    })
    expect(violations.list).toEqual([])
  })

  test('shows an attempt that should not be, and one that should', () => {
    const again = [makeTask({ ...LOST_TASK, latest: 0 }), makeTask({ id: 'next', attempt: 2 })]
    expectOnly(check({ crashes: 1 }, again), 4, /against the job's policy/)
    expectOnly(check(LOST_RUN, [makeTask(LOST_TASK)], 3), 4, /not tried again/)
  })
})

describe('a singleton', () => {
  const first = makeRun({ id: 'run', why: 'continuous', detail: '{"place":"anywhere"}', finishedAt: T0 + 1000 })
  const second = { ...first, id: 'run2', createdAt: T0 + 2000, finishedAt: T0 + 5000 }
  const availability = new Availability()
  availability.up('i1', T0)

  function check(lines: readonly (readonly [string, string, string, number])[], runs = [first, second]): Violations {
    const violations = new Violations()
    const marks = new Marks('/nowhere')
    for (const [sort, run, task, at] of lines) marks.take(`${sort} ${run} ${task} 1 i1 7 ${(T0 + at) * 1000}000 -`)
    const ledger = ledgerOf(makeSnapshot({ runs, tasks: [] }))
    checkContinuous('job', { marks, ledger, availability }, violations, { singleton: true, withinMs: 3000 })
    return violations
  }
  const lives = [
    ['start', 'run', 'a', 100],
    ['beat', 'run', 'a', 900],
    ['start', 'run2', 'b', 2100],
  ] as const

  test('lives once at a time, and again soon', () => {
    expect(check(lives).list).toEqual([])
  })

  test('shows two lifetimes at the same time, two runs, and a place that stays empty', () => {
    expectOnly(check([...lives, ['beat', 'run', 'a', 2500]]), 5, /lived twice/)
    expectOnly(check(lives, [first, { ...second, createdAt: T0 + 500 }]), 5, /two runs at the same time/)
    expectOnly(check(lives, [first, { ...second, createdAt: T0 + 9000 }]), 5, /did not run for 8000 ms/)
  })
})
