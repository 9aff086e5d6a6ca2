import { accessSync, constants, statSync } from 'node:fs'
import type { LimitSupport, ProcessLimits } from '../contract.ts'

/** Where a process that is held back waits for its permission. */
export const GATE_FD = 3

/**
 * What the shell does before it becomes the program. dash and busybox call the number of processes -p, bash and zsh -u.
 * A gate whose other end has gone will not open any more.
 */
const SCRIPT = [
  'if [ "$1" ]; then ulimit -v "$1" || exit 126; fi',
  'if [ "$2" ]; then ulimit -u "$2" 2>/dev/null || ulimit -p "$2" || exit 126; fi',
  `if [ "$3" ]; then read -r go <&${GATE_FD} || exit 126; exec ${GATE_FD}<&-; fi`,
  'shift 3',
  'exec "$@"',
].join('; ')

/** A program and its arguments. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** What a process must do before it may become its program. */
export interface Preparation {
  /** Its limits and how they are kept; those that are kept by rlimits (setrlimit(2)) it sets itself. */
  readonly limits: ProcessLimits
  readonly support: Pick<LimitSupport, 'memory' | 'processes'>
  /** It waits for a line on {@link GATE_FD}. */
  readonly gated: boolean
}

/**
 * The command, with a shell before it where something must be done in the process itself. The shell would hide that the
 * program cannot be started, so that is looked at first: throws as `spawn` would.
 */
export function prepareCommand(command: Command, { limits, support, gated }: Preparation): Command {
  const memory = support.memory === 'rlimit' ? limits.memoryBytes : undefined
  const processes = support.processes === 'rlimit' ? limits.processes : undefined
  if (memory === undefined && processes === undefined && !gated) return command
  if (!statSync(command.file).isFile()) throw Object.assign(new Error('not a file'), { code: 'EACCES' })
  accessSync(command.file, constants.X_OK)
  const kilobytes = memory === undefined ? '' : String(Math.ceil(memory / 1024))
  const parameters = [kilobytes, String(processes ?? ''), gated ? 'wait' : '']
  return { file: '/bin/sh', args: ['-c', SCRIPT, 'sh', ...parameters, command.file, ...command.args] }
}
