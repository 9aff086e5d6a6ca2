import { isFinished } from '@jobyard/jobs'
import type { Static } from 'typebox'
import type { Steering } from '../../domain/app-settings.ts'
import type { JobRow, RunRow, Warning } from '../../domain/model.ts'
import { isCrashLoop } from '../../domain/restart.ts'
import type { JobKind } from '../../engine/kind.ts'
import type { TriggerRow } from '../../store/procedures/entities.ts'
import type { PlaceRow } from '../../store/procedures/read-jobs.ts'
import { showPolicy } from '../input/policy.ts'
import type { Job, Trigger } from '../schemas/jobs.ts'
import { showEffective } from './effective.ts'
import { showInstant, showMaybeInstant, showRun } from './runs.ts'

/** Everything that is shown of a job. */
export interface JobFacts {
  readonly job: JobRow
  /** Why changed files of it are no package yet, if something stands in the way. */
  readonly fault: Warning | null
  readonly collection: string
  readonly kind: JobKind | undefined
  readonly triggers: readonly TriggerRow[]
  readonly latestRun: RunRow | undefined
  readonly places: readonly PlaceRow[]
  /** Epoch milliseconds. */
  readonly now: number
  /** What the settings of its collection say. */
  readonly steering: Steering
}

/** A job as it is shown. */
export function showJob(facts: JobFacts): Static<typeof Job> {
  const { job, collection, kind, latestRun, places, now } = facts
  const triggers = standing(facts)
  const { id, number, type, name, enabled, version } = job
  const due = triggers.flatMap(({ nextDue }) => (nextDue === null ? [] : [nextDue]))
  const continuous = triggers.some(({ spec }) => spec.type === 'continuous')
  return {
    id,
    number,
    collection,
    kind: job.kind,
    type,
    name,
    spec: showSpec(job, kind),
    policy: showPolicy(job.policy),
    effective: showEffective(job, kind, facts.steering),
    triggers: triggers.map(showTrigger),
    enabled,
    package: job.packageHash,
    version,
    warnings: [...job.warnings, ...(facts.fault === null ? [] : [facts.fault])].map(({ code, message }) => ({
      code,
      message,
    })),
    createdAt: showInstant(job.createdAt),
    updatedAt: showInstant(job.updatedAt),
    latestRun: latestRun === undefined ? null : showRun(latestRun, job),
    nextDue: due.length === 0 ? null : showInstant(Math.min(...due)),
    ...(continuous ? { places: places.map((place) => showPlace(place, now)) } : {}),
    state: stateOf(facts, continuous),
  }
}

/** The triggers; while the settings let no schedule fall due, none of them says when it will. */
function standing({ triggers, steering }: JobFacts): readonly TriggerRow[] {
  if (!steering.stopped && !steering.unscheduled) return triggers
  return triggers.map((trigger) => ({ ...trigger, nextDue: null }))
}

/** A spec whose kind this program does not know may hold anything, secrets too, and is not shown. */
function showSpec({ spec }: JobRow, kind: JobKind | undefined): Record<string, unknown> {
  const shown = kind === undefined ? {} : kind.show === undefined ? spec : kind.show(spec)
  return typeof shown === 'object' && shown !== null ? { ...shown } : {}
}

function showTrigger({ spec, nextDue }: TriggerRow): Static<typeof Trigger> {
  switch (spec.type) {
    case 'continuous':
      return { type: 'continuous', singleton: spec.singleton ?? false }
    case 'schedule':
      return {
        type: 'schedule',
        ncrontab: spec.ncrontab,
        timeZone: spec.timeZone,
        nextDue: showMaybeInstant(nextDue),
        ...(spec.zone === undefined ? {} : { zone: spec.zone }),
        ...(spec.origin === undefined ? {} : { origin: spec.origin }),
      }
    case 'webhook':
      return { type: 'webhook' }
    case 'after':
      return { type: 'after', jobId: spec.jobId, on: [...spec.on] }
  }
}

function showPlace(place: PlaceRow, now: number) {
  const { runId, startedAt, restartAt, quickEnds, starts } = place
  return {
    place: place.place,
    runId,
    startedAt: showMaybeInstant(startedAt),
    restartAt: showMaybeInstant(restartAt),
    quickEnds,
    starts,
    crashLoop: inCrashLoop(place, now),
  }
}

function inCrashLoop({ runId, startedAt, quickEnds }: PlaceRow, now: number): boolean {
  return isCrashLoop(quickEnds, runId === null || startedAt === null ? 0 : now - startedAt)
}

function stateOf(
  { job, latestRun, places, now, steering }: JobFacts,
  continuous: boolean,
): Static<typeof Job>['state'] {
  const off = !job.enabled || steering.stopped
  if (continuous) {
    if (off) return 'stopped'
    if (places.some((place) => inCrashLoop(place, now))) return 'crash-loop'
    if (places.some(({ runId }) => runId !== null)) return 'running'
    return places.some(({ restartAt }) => restartAt !== null) ? 'restarting' : 'waiting'
  }
  if (latestRun !== undefined && !isFinished(latestRun.state)) {
    // One that waits in the queue waits for an earlier one that runs.
    const works = latestRun.queued || ['running', 'suspending', 'stopping'].includes(latestRun.state)
    return works ? 'running' : 'waiting'
  }
  return off ? 'stopped' : 'idle'
}
