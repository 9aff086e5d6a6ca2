import { accessSync, constants, statSync } from 'node:fs'
import type { LimitSupport, ProcessLimits } from '../contract.ts'

/** dash and busybox call the number of processes -p, bash and zsh -u. */
const SCRIPT =
  'if [ "$1" ]; then ulimit -v "$1" || exit 126; fi; ' +
  'if [ "$2" ]; then ulimit -u "$2" 2>/dev/null || ulimit -p "$2" || exit 126; fi; ' +
  'shift 2; exec "$@"'

/** A program and its arguments. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * The command, with a shell before it where a limit must be kept by rlimits (setrlimit(2)) for want of control groups.
 * The shell would hide that the program cannot be started, so that is looked at first: throws as `spawn` would.
 */
export function withRlimits(
  command: Command,
  limits: ProcessLimits,
  support: Pick<LimitSupport, 'memory' | 'processes'>,
): Command {
  const memory = support.memory === 'rlimit' ? limits.memoryBytes : undefined
  const processes = support.processes === 'rlimit' ? limits.processes : undefined
  if (memory === undefined && processes === undefined) return command
  if (!statSync(command.file).isFile()) throw Object.assign(new Error('not a file'), { code: 'EACCES' })
  accessSync(command.file, constants.X_OK)
  const kilobytes = memory === undefined ? '' : String(Math.ceil(memory / 1024))
  return {
    file: '/bin/sh',
    args: [
      '-c',
      SCRIPT,
      'sh',
      kilobytes,
      processes === undefined ? '' : String(processes),
      command.file,
      ...command.args,
    ],
  }
}

/** What can be limited here, given what control groups can do, with a sentence for everything that works less well. */
export function describeSupport(
  cgroups: Pick<LimitSupport, 'memory' | 'processes'> | null,
  isRoot: boolean,
): LimitSupport {
  const memory = cgroups && cgroups.memory !== 'none' ? cgroups.memory : 'rlimit'
  const processes = cgroups && cgroups.processes !== 'none' ? cgroups.processes : 'rlimit'
  const notes: string[] = []
  if (memory === 'rlimit') {
    notes.push(
      'Memory limits hold for each process of a run by itself and count reserved address space (ulimit -v), because no ' +
        'memory control group can be made; programs such as Node or Java reserve far more than they use. ' +
        'Run the server as a systemd service with Delegate=yes, or as root, to limit runs as a whole.',
    )
  }
  if (processes === 'rlimit') {
    notes.push(
      'Process limits count all processes of the user that jobs run as, not those of one run (ulimit -u), because no ' +
        `pids control group can be made${isRoot ? '; for jobs that run as root the system does not keep them at all' : ''}.`,
    )
  }
  if (cgroups === null) {
    notes.push(
      'CPU time and peak memory are approximate (sampled every second, absent for very short runs), because no control ' +
        'group can be made. A process that leaves its session and clears its environment escapes its run.',
    )
  }
  return { memory, processes, notes }
}
