import type { LimitSupport, ProcessExit, ProcessLimits } from '../contract.ts'

/** What a control group counted for the run that was in it. */
export type CgroupUsage = Pick<ProcessExit, 'cpuMs' | 'peakBytes' | 'limit'>

/** A control group, or one in each hierarchy that is used, for the processes of one run at a time. */
export interface Cgroup {
  /** Puts a process in. One that has ended meanwhile is no error. */
  join(pid: number): void
  /** As {@link join}, but waits beside the event loop. Resolves to false when the process has ended meanwhile. */
  joinLater(pid: number): Promise<boolean>
  /** The processes in it; those which have ended but were not reaped are not counted. */
  members(): number[]
  /** One blow: no more forks, and SIGKILL to every member. Call it until {@link members} is empty. */
  kill(): void
  /** CPU milliseconds since {@link renew}; null where the system counts none. */
  cpuMs(): number | null
  /** What was used since {@link renew}. `failed`: the run did not end with exit code 0, so a limit may be the reason. */
  usage(failed: boolean): CgroupUsage
  /** Makes an empty group ready for another run under the same limits. False when it cannot be used again. */
  renew(): boolean
  /** Removes it. False when processes are still leaving it: try again later. */
  remove(): boolean
}

/** One version of control groups, as this machine and this user can use it. */
export interface CgroupFamily {
  readonly support: Pick<LimitSupport, 'memory' | 'processes'>
  /** Makes an empty group of that name. Throws what the system says. */
  make(name: string, limits: ProcessLimits): Cgroup
  /** Removes what the family itself made. False when something is still in it. */
  remove(): boolean
}

/** The name of the folder below which all groups of a data folder lie. */
export function parentName(dataFolderId: string): string {
  return `jobyard-${dataFolderId}`
}
