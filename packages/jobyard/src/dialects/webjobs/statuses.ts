import { isFinished } from '@jobyard/jobs'
import { shortName } from '../../domain/instance-name.ts'
import type { RunRow } from '../../domain/model.ts'
import { ANYWHERE } from '../../store/procedures/continuous.ts'
import type { PlaceRow } from '../../store/procedures/read-jobs.ts'

/** What WebJobs call the state of a run of a triggered job. */
export type RunStatus = 'Initializing' | 'Running' | 'Success' | 'Failed' | 'Stopped' | 'Aborted'

/** Whether a run ended because its server or its instance went, which nobody asked for. */
export function wentWithServer({ reasonCode }: Pick<RunRow, 'reasonCode'>): boolean {
  return reasonCode === 'lost' || reasonCode === 'shutdown'
}

/** The state of a run in the words of WebJobs. */
export function runStatus({
  state,
  startedAt,
  reasonCode,
}: Pick<RunRow, 'state' | 'startedAt' | 'reasonCode'>): RunStatus {
  // One that waits for its next attempt has begun all the same.
  if (state === 'pending' && startedAt === null) return 'Initializing'
  if (state === 'completed') return 'Success'
  if (!isFinished(state)) return 'Running'
  if (wentWithServer({ reasonCode })) return 'Aborted'
  return state === 'failed' ? 'Failed' : 'Stopped'
}

/** What WebJobs call the state of a continuous job on one instance. */
export type PlaceStatus =
  | 'Initializing'
  | 'Starting'
  | 'InactiveInstance'
  | 'Running'
  | 'PendingRestart'
  | 'Disabling'
  | 'Stopping'
  | 'Stopped'

/** A server that takes runs. */
export interface Instance {
  readonly id: string
  readonly name: string
}

/** What the status of a continuous job follows from. */
export interface ContinuousFacts {
  /** False: it was stopped. */
  readonly enabled: boolean
  readonly singleton: boolean
  readonly places: readonly PlaceRow[]
  /** Its unfinished runs. */
  readonly runs: readonly RunRow[]
  /** The instances that are up. */
  readonly instances: readonly Instance[]
  /** The name of the instance that is asked. */
  readonly here: string
  /** What the setting WEBSITE_INSTANCE_ID has the only instance called; null: it says nothing. */
  readonly instanceId: string | null
}

/** The status of a continuous job: one word for all instances, and a line for each. */
export interface ContinuousStatus {
  readonly status: PlaceStatus
  readonly detail: string
}

/** The status of a continuous job as Kudu puts it together from the files of its instances. */
export function continuousStatus(facts: ContinuousFacts): ContinuousStatus {
  const { enabled, singleton, places, here } = facts
  const names = [...new Set(facts.instances.map(({ name }) => name))]
  const call = (name: string) =>
    facts.instanceId === null || names.length > 1 ? shortName(name) : facts.instanceId.slice(0, 6)
  const taken = places.some(({ place }) => (singleton ? place === ANYWHERE : names.includes(place)))
  // Nobody has taken it up yet: Kudu then speaks for the instance that is asked, and without an end of line.
  if (enabled && !taken) return { status: 'Initializing', detail: `${call(here)} - Initializing` }
  const lines = (names.length === 0 ? [here] : names)
    .map((name) => ({ short: call(name), status: statusAt(name, facts) }))
    .toSorted((one, other) => (one.short < other.short ? -1 : 1))
  const speaking = lines.findLast(({ status }) => status !== 'InactiveInstance') ?? lines[0]
  return {
    status: speaking?.status ?? 'Stopped',
    detail: lines.map(({ short, status }) => `${short} - ${status}\r\n`).join(''),
  }
}

function statusAt(name: string, facts: ContinuousFacts): PlaceStatus {
  const { enabled, singleton, places, runs, instances } = facts
  const place = places.find((each) => each.place === (singleton ? ANYWHERE : name))
  const run = runs.find(({ id }) => id === place?.runId)
  if (!singleton) return enabled ? statusWhenOn(place, run) : statusWhenOff(run)
  const holder = instances.find(({ id }) => id === run?.owner)?.name
  if (!enabled) return holder === name ? statusWhenOff(run) : 'Stopped'
  // Between two runs nobody holds it; one speaks for the job, so that its wait is seen.
  const [first] = instances
  return (holder ?? first?.name) === name ? statusWhenOn(place, run) : 'InactiveInstance'
}

function statusWhenOn(place: PlaceRow | undefined, run: RunRow | undefined): PlaceStatus {
  if (run !== undefined) {
    if (run.state === 'pending') return 'Starting'
    return run.state === 'stopping' ? 'Stopping' : 'Running'
  }
  return place?.restartAt == null ? 'Starting' : 'PendingRestart'
}

function statusWhenOff(run: RunRow | undefined): PlaceStatus {
  if (run === undefined) return 'Stopped'
  return run.state === 'stopping' ? 'Stopping' : 'Disabling'
}
