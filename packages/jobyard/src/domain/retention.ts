import { DEFAULT_POLICY, type Policy } from './model.ts'

/** What the rule needs to know of a finished run. */
export interface FinishedRun {
  readonly id: string
  /** Epoch milliseconds. */
  readonly finishedAt: number
  /** Bytes of its job's log behind it; null or absent: the job has no log of all its runs. */
  readonly newerLog?: number | null
}

/**
 * Bytes of a continuous job's log whose runs are kept, however many they are: as much as WebJobs keep of one, which is a
 * file of 1 MiB, the one before it, and the lines that both exceed it by.
 */
export const KEPT_LOG_BYTES = (2 * 1024 + 64) * 1024

/**
 * Whether a run beyond `keepRuns` is kept because it is in the log of its job. Only where nobody has said how many are to
 * be kept; and since each run has its share in the log, no more than about 5600 are.
 */
export function isKeptByLog(keepRuns: number, newerLog: number | null | undefined): boolean {
  return keepRuns === DEFAULT_POLICY.keepRuns && newerLog != null && newerLog < KEPT_LOG_BYTES
}

/**
 * The finished runs of one job that are to be deleted, oldest first.
 *
 * Runs are ranked from the latest end to the earliest, equal ends by id, the greater id first. A run goes when its rank
 * is beyond `keepRuns` and it is not {@link isKeptByLog}, or when it ended more than `keepAgeMs` ago (null: age does not matter). The latest run is spared
 * the second rule, so that a job that rarely runs still shows how it went. Runs that have not finished are neither
 * counted nor deleted. Stores do this in SQL; this is the rule that they are held against.
 */
export function runsToDelete<Run extends FinishedRun>(
  finished: readonly Run[],
  limits: Pick<Policy, 'keepRuns' | 'keepAgeMs'>,
  now: number,
): Run[] {
  const oldest = limits.keepAgeMs === null ? Number.NEGATIVE_INFINITY : now - limits.keepAgeMs
  return finished
    .toSorted(byLatestEnd)
    .filter((run, index) => isBeyond(run, index, limits.keepRuns) || (index > 0 && run.finishedAt < oldest))
    .reverse()
}

/**
 * How many finished runs of a job are kept: its own number, or where it has the usual one, that of its collection's
 * settings (`history`), if they name one. Those settings are not for continuous jobs.
 */
export function keptRuns({ keepRuns }: Pick<Policy, 'keepRuns'>, history: number | null): number {
  return keepRuns === DEFAULT_POLICY.keepRuns && history !== null ? history : keepRuns
}

function isBeyond({ newerLog }: FinishedRun, index: number, keepRuns: number): boolean {
  return index >= keepRuns && !isKeptByLog(keepRuns, newerLog)
}

function byLatestEnd(one: FinishedRun, other: FinishedRun): number {
  if (one.finishedAt !== other.finishedAt) return other.finishedAt - one.finishedAt
  if (one.id === other.id) return 0
  return one.id < other.id ? 1 : -1
}
