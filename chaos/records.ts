// What of the database's rows is looked at. Instants are epoch milliseconds.

/** A server that is or was up. */
export interface InstanceRecord {
  readonly id: string
  readonly name: string
  readonly pid: number
  readonly state: string
  readonly startedAt: number
  readonly expiresAt: number
}

/** A job. */
export interface JobRecord {
  readonly id: string
  readonly name: string
  readonly enabled: number
  readonly runCount: number
}

/** A run, with the counts of its tasks by state. */
export interface RunRecord {
  readonly id: string
  readonly jobId: string
  readonly number: number
  readonly why: string
  readonly detail: string
  readonly args: string
  readonly state: string
  readonly wanted: string
  readonly planClosed: number
  readonly owner: string | null
  readonly fence: number
  readonly crashes: number
  readonly dispatchAt: number | null
  readonly queued: number
  readonly scheduledFor: number | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly reasonCode: string | null
  readonly exitCode: number | null
  readonly nPending: number
  readonly nRunning: number
  readonly nBlocked: number
  readonly nDisconnected: number
  readonly nSuspended: number
  readonly nCompleted: number
  readonly nFailed: number
  readonly nStopped: number
}

/** One attempt at one target of a run. */
export interface TaskRecord {
  readonly id: string
  readonly runId: string
  readonly target: string
  readonly attempt: number
  readonly latest: number
  readonly state: string
  readonly owner: string | null
  readonly fence: number
  readonly parkedUntil: number | null
  readonly reasonCode: string | null
  readonly exitCode: number | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
}

/** What became of one time of a schedule, or of several that were missed. */
export interface OccurrenceRecord {
  readonly jobId: string
  readonly due: number
  readonly outcome: string
  readonly runId: string | null
  readonly more: number
  readonly recordedAt: number
}

/** The whole database at one moment, as far as it is looked at. */
export interface Snapshot {
  readonly instances: readonly InstanceRecord[]
  readonly jobs: readonly JobRecord[]
  readonly runs: readonly RunRecord[]
  readonly tasks: readonly TaskRecord[]
  readonly occurrences: readonly OccurrenceRecord[]
}

/** What lies in the database besides, looked at when all is quiet. */
export interface Leftovers {
  /** What the database itself says of its soundness: `ok`, or what is wrong. */
  readonly integrity: readonly string[]
  /** Messages of dispatch that wait. */
  readonly messages: number
  /** Logs whose task is not there any more. */
  readonly orphanLogs: number
  /** Bytes of output that are stored. */
  readonly outputBytes: number
  /** Tasks whose output is still to be deleted. */
  readonly trash: number
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
}
