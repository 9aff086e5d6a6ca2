import type { State } from '@jobyard/jobs'
import type { Counts, Wanted } from './run-state.ts'

/** Why a run began. */
export type Why = 'manual' | 'continuous' | 'schedule' | 'webhook' | 'after' | 'rerun' | 'failure'

/** What happens to a trigger that comes while a run of the job is not finished. */
export type Overlap = 'forbid' | 'queue' | 'skip' | 'replace' | 'allow'

/** When a failed attempt is followed by another. */
export type RetryPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly kind: 'exponential'
      readonly attempts: number
      readonly delayMs: number
      readonly factor: number
      readonly maxDelayMs: number
      /** Share of the delay that is drawn by lot, 0 to 1. */
      readonly jitter: number
    }

/** What becomes of occurrences that fell due while nobody was there to run them. */
export interface MisfirePolicy {
  readonly kind: 'skip' | 'once' | 'all'
  /** How far back missed occurrences are still run, in milliseconds. */
  readonly windowMs: number
}

/** When a continuous job's process is started again after its end. */
export interface RestartPolicy {
  /** Wait after a run that was shorter than two minutes, in milliseconds; longer ones are followed at once. */
  readonly delayMs: number
  /** When given, the wait grows with every short run in a row instead of staying the same. */
  readonly backoff?: { readonly factor: number; readonly maxMs: number }
}

/** The rules of a job. */
export interface Policy {
  readonly overlap: Overlap
  /** How many runs may wait when overlap is `queue`. */
  readonly queueDepth: number
  readonly retry: RetryPolicy
  /** Milliseconds that one attempt may take; null: for ever. */
  readonly timeoutMs: number | null
  readonly misfire: MisfirePolicy
  /** What becomes of a task whose instance died: failed with reason `lost`, or another attempt. */
  readonly onCrash: 'fail' | 'retry'
  /** How often a crash may lead to another attempt at the same target of a run. */
  readonly maxCrashes: number
  /** Finished runs that are kept. */
  readonly keepRuns: number
  /** Milliseconds that a finished run is kept; null: for ever. */
  readonly keepAgeMs: number | null
  /** Jobs (by id) of which a run is started when a run fails. */
  readonly onFailure: readonly string[]
  readonly restart: RestartPolicy
  /** Tasks of one run that are worked on at once. */
  readonly parallel: number
  /** Milliseconds between being asked to stop and being killed; null: the kind's own default. */
  readonly graceMs: number | null
  /** Bytes of output kept per task. */
  readonly outputBytes: number
}

/** The rules of a job that says nothing: what a user of WebJobs expects, with bounds on everything. */
export const DEFAULT_POLICY: Policy = {
  overlap: 'forbid',
  queueDepth: 100,
  retry: { kind: 'none' },
  timeoutMs: null,
  misfire: { kind: 'once', windowMs: 600_000 },
  onCrash: 'fail',
  maxCrashes: 3,
  keepRuns: 100,
  keepAgeMs: null,
  onFailure: [],
  restart: { delayMs: 60_000 },
  parallel: 16,
  graceMs: null,
  outputBytes: 32 * 1024 * 1024,
}

/** What starts a job, besides somebody asking. */
export type TriggerSpec =
  | {
      readonly type: 'continuous'
      /** True: on one instance only. Absent in a wish: what the package says, else false; never absent in what is stored. */
      readonly singleton?: boolean
    }
  | {
      readonly type: 'schedule'
      readonly ncrontab: string
      readonly timeZone: string
      /** `default`: nobody named a zone, so it is that of the collection, and changes with it. Absent: somebody did. */
      readonly zone?: 'default'
      /** `package`: it came with the job's package and goes with it. Absent: somebody set it. */
      readonly origin?: 'package'
    }
  | {
      readonly type: 'webhook'
      /** Encrypted for the place `webhook:<id of the job>`; absent: nobody can call it until it has one. */
      readonly password?: { readonly sealed: string }
    }
  | { readonly type: 'after'; readonly jobId: string; readonly on: readonly ('completed' | 'failed' | 'stopped')[] }

/** A job as it is stored. */
export interface JobRow {
  readonly id: string
  /** Short number that people use. */
  readonly number: number
  readonly collectionId: string
  readonly kind: string
  readonly type: string
  readonly name: string
  /** What to do, as the kind understands it; secret values are sealed. */
  readonly spec: unknown
  readonly policy: Policy
  /** False: no trigger starts it; a continuous one is stopped. */
  readonly enabled: boolean
  readonly packageHash: string | null
  /** Grows with every change; what runs is compared with it. */
  readonly version: number
  readonly warnings: readonly Warning[]
  readonly createdAt: number
  readonly updatedAt: number
}

/** Something that works, but perhaps not as its owner thinks. */
export interface Warning {
  readonly code: string
  readonly message: string
}

/** A run as it is stored. */
export interface RunRow {
  readonly id: string
  readonly jobId: string
  readonly collectionId: string
  readonly kind: string
  /** Counts the job's runs from 1. */
  readonly number: number
  readonly why: Why
  /** Particulars of the trigger: who, which schedule, after which run. */
  readonly detail: Readonly<Record<string, unknown>>
  /** The caller's arguments. */
  readonly args: readonly string[]
  readonly packageHash: string | null
  /** The job's version that it runs; null before its start. */
  readonly jobVersion: number | null
  readonly state: State
  readonly wanted: Wanted
  readonly planClosed: boolean
  readonly cursor: string | null
  readonly counts: Counts
  readonly owner: string | null
  readonly fence: number
  readonly crashes: number
  /** When it is next up for dispatch; null when nothing is to be done for it now. */
  readonly dispatchAt: number | null
  readonly queued: boolean
  readonly scheduledFor: number | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly reasonCode: string | null
  readonly reasonText: string | null
  readonly exitCode: number | null
  readonly cpuMs: number | null
  readonly peakBytes: number | null
}

/** A task as it is stored: one attempt at one target. */
export interface TaskRow {
  readonly id: string
  readonly runId: string
  readonly target: string
  readonly attempt: number
  /** Earlier attempts at the target that a crash ended. */
  readonly crashes: number
  readonly state: State
  readonly detail: unknown
  readonly owner: string | null
  readonly fence: number
  /** Not to be begun earlier; null: at once. */
  readonly notBefore: number | null
  readonly parkedUntil: number | null
  readonly reasonCode: string | null
  readonly reasonText: string | null
  readonly result: unknown
  readonly exitCode: number | null
  readonly cpuMs: number | null
  readonly peakBytes: number | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
}
