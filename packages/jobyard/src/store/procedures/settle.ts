import { type FinishedState, isFinished, type State } from '@jobyard/jobs'
import { decideRun, defaultVerdict, requireTransition, unfinished, type Wanted } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { forEachRow, type Steps, updateEach } from '../sql.ts'
import { nextAttemptTimes } from './pending-tasks.ts'
import { countsOf, type RunCore } from './run-core.ts'

/** Where a run stands after a change. */
export interface Settled {
  readonly id: string
  readonly jobId: string
  readonly number: number
  readonly state: State
  readonly from: State
  readonly wanted: Wanted
  /** What its run began for. */
  readonly why: string
  readonly reasonCode: string | null
  readonly reasonText: string | null
  /** Who owns it now; null when nobody does. */
  readonly owner: string | null
  readonly fence: number
  /** True when all its work is done and its owner must ask the kind for the verdict. */
  readonly verdictDue: boolean
  /** True when some of its tasks are parked until a deadline. */
  readonly parked: boolean
  /** When it is next up for dispatch; null when it is not. */
  readonly dispatchAt: number | null
}

const COUNTS = {
  nPending: 'int',
  nRunning: 'int',
  nBlocked: 'int',
  nDisconnected: 'int',
  nSuspended: 'int',
  nCompleted: 'int',
  nFailed: 'int',
  nStopped: 'int',
} as const
const PLAN = { planClosed: 'int', cursor: 'text' } as const

/** For runs of which only the plan and the counts have changed: it touches no index. */
const saveCounts = updateEach('run', { id: 'text' }, { ...PLAN, ...COUNTS })
const saveRuns = updateEach(
  'run',
  { id: 'text' },
  {
    state: 'text',
    wanted: 'text',
    owner: 'text',
    crashes: 'int',
    dispatchAt: 'int',
    queued: 'int',
    finishedAt: 'int',
    reasonCode: 'text',
    reasonText: 'text',
    exitCode: 'int',
    cpuMs: 'int',
    peakBytes: 'int',
    ...PLAN,
    ...COUNTS,
  },
)

/**
 * Gives every changed run the state that follows from its facts, releases what nobody works on, and puts up for
 * dispatch what somebody must. The callers have changed counts, wanted and plan; `advance` does what follows from it.
 */
export function* settle(
  scope: Scope,
  cores: readonly RunCore[],
  at: number,
  verdicts?: ReadonlyMap<string, FinishedState>,
): Steps<Settled[]> {
  // Of which nothing runs but something is pending.
  const idle = cores.filter((core) => core.wanted === 'run' && core.nRunning === 0 && core.nPending > 0)
  const waiting = yield* nextAttemptTimes(idle.map(({ id }) => id))
  const settled = cores.map((core) => settleOne(core, at, waiting.get(core.id), verdicts?.get(core.id)))
  yield* forEachRow(
    saveRuns,
    cores.filter(({ touched }) => touched),
  )
  yield* forEachRow(
    saveCounts,
    cores.filter(({ touched }) => !touched),
  )
  yield* scope.send(messagesFor(cores))
  return settled
}

function messagesFor(cores: readonly RunCore[]): { runId: string; at: number }[] {
  return cores.flatMap(({ id, dispatchAt }) => (dispatchAt === null ? [] : [{ runId: id, at: dispatchAt }]))
}

function settleOne(core: RunCore, at: number, nextAttempt: number | undefined, verdict?: FinishedState): Settled {
  const { state: from, owner: ownerBefore, dispatchAt: dispatchBefore } = core
  if (core.finishedAt !== null) throw new Error(`Run ${core.id} has ended; nothing about it changes any more.`)
  const restsUntil = core.planClosed === 1 && nextAttempt !== undefined && nextAttempt > at ? nextAttempt : null
  const owned = core.owner !== null && restsUntil === null
  const decision = decideRun({ planClosed: core.planClosed === 1, wanted: core.wanted, counts: countsOf(core), owned })
  const verdictDue = 'verdict' in decision && core.judged === 1 && verdict === undefined
  if (verdictDue) {
    // The owner asks the kind; where there is none, whoever claims the run next does.
    core.state = core.owner === null ? 'pending' : from
    core.dispatchAt = core.owner === null ? at : null
  } else {
    core.state = 'verdict' in decision ? (verdict ?? defaultVerdict(countsOf(core))) : decision.state
    placeRun(core, at, restsUntil)
  }
  requireTransition(from, core.state, `Run ${core.id}`)
  if (core.state !== from || core.owner !== ownerBefore || core.dispatchAt !== dispatchBefore) core.touched = true
  return {
    id: core.id,
    jobId: core.jobId,
    number: core.number,
    state: core.state,
    from,
    wanted: core.wanted,
    why: core.why,
    reasonCode: core.reasonCode,
    reasonText: core.reasonText,
    owner: core.owner,
    fence: core.fence,
    verdictDue: verdictDue && core.owner !== null,
    parked: core.nBlocked + core.nDisconnected > 0,
    dispatchAt: core.dispatchAt,
  }
}

/** Who has the run after the change, and when it is next up for dispatch. */
function placeRun(core: RunCore, at: number, restsUntil: number | null): void {
  if (isFinished(core.state)) {
    if (unfinished(countsOf(core)) > 0) throw new Error(`Run ${core.id} cannot end: some of its tasks have not.`)
    core.finishedAt = at
    core.owner = null
    core.dispatchAt = null
    core.queued = 0
    return
  }
  if (core.nRunning + core.nSuspended > 0) {
    core.dispatchAt = null
    return
  }
  const workLeft = core.wanted === 'run' && (core.nPending > 0 || core.planClosed === 0)
  if (!workLeft || restsUntil !== null) core.owner = null
  const due = restsUntil ?? core.dispatchAt ?? at
  core.dispatchAt = workLeft && core.owner === null && core.queued === 0 ? due : null
}
