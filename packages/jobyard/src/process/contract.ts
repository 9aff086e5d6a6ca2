/** A process to start. */
export interface ProcessRequest {
  /** The task it works for. It is in the process's environment as JOBYARD_MARK, so that strays can be found by it. */
  readonly taskId: string
  /** The number that the output store gave for this task's log. */
  readonly channel: number
  /** Absolute path of the program. */
  readonly file: string
  readonly args: readonly string[]
  /** Absolute path of the working directory. */
  readonly cwd: string
  /** The whole environment; nothing of the server's is added but JOBYARD_MARK. */
  readonly env: Readonly<Record<string, string>>
  /** The system user to run as; absent: the server's own. */
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly limits: ProcessLimits
}

/** What a process and all its descendants may use together; an absent one is not limited. */
export interface ProcessLimits {
  readonly memoryBytes?: number
  readonly processes?: number
}

/** How a process ended, and what it and its descendants used. */
export interface ProcessExit {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null
  /** Name of the signal that ended it, such as SIGKILL, or null. */
  readonly signal: string | null
  /** CPU time of the whole group in milliseconds; null where the system does not tell. */
  readonly cpuMs: number | null
  /** Peak memory of the whole group in bytes; null where the system does not tell. */
  readonly peakBytes: number | null
  /** The limit that the group ran into, if one. */
  readonly limit: 'memory' | 'processes' | null
  /** True when the warden was lost and the end itself was not seen: the group was killed. */
  readonly lost: boolean
}

/** A process that was started and the group that it leads. */
export interface RunningProcess {
  readonly pid: number
  /** Resolves when the process has ended, all its descendants are dead, and the end frame of its output is sent. Never rejects. */
  readonly exited: Promise<ProcessExit>
  /** Sends a signal to the whole group. */
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void
  /** Ends the whole group and every descendant at once with SIGKILL. */
  kill(): void
  /** Stops the whole group where it is (SIGSTOP), until {@link thaw}. Resolves when it is done. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** CPU time and output so far, to tell an idle group from a working one; cpuMs null where the system does not tell. */
  sample(): Promise<{ readonly cpuMs: number | null; readonly outputBytes: number }>
}

/** How each limit can be kept on this machine. */
export interface LimitSupport {
  readonly memory: 'cgroup-v2' | 'cgroup-v1' | 'rlimit' | 'none'
  readonly processes: 'cgroup-v2' | 'cgroup-v1' | 'rlimit' | 'none'
  /** A sentence for people where something does not work or works less well; empty when all is well. */
  readonly notes: readonly string[]
}

/** Starts processes through the warden, which outlives the server just long enough to end them. */
export interface ProcessHost {
  readonly support: LimitSupport
  /**
   * Rejects with `spawn-failed` when the program cannot be started; the message names it and says why. Rejects with the
   * reason of `unless` when that is aborted before the warden is asked: whoever waited for a warden may have lost the
   * right to start anything meanwhile.
   */
  start(request: ProcessRequest, unless?: AbortSignal): Promise<RunningProcess>
  /** Kills every process group that is left, and ends the warden. */
  stop(): Promise<void>
}
