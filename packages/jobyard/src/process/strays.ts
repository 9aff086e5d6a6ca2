import type { Clock } from '../domain/clock.ts'
import { removeLeftoverCgroups } from './cgroup/leftovers.ts'
import { pause } from './pause.ts'
import { isAlive, listPids, readProc, readStat, sendSignal } from './proc.ts'

/** The variable in the environment of every process started here; its value is made by {@link markOf}. */
export const MARK_VARIABLE = 'JOBYARD_MARK'

/** How long a sweep goes on when something will not die, milliseconds. */
const SWEEP_MS = 5000
/** Between two looks, milliseconds: a killed process needs a moment to leave. */
const LOOK_AGAIN_MS = 5

const ASSIGNMENT = Buffer.from(`${MARK_VARIABLE}=`)

/** The marker of a process: which data folder, which instance and which task it belongs to. */
export function markOf(dataFolderId: string, instanceId: string, taskId: string): string {
  return `${dataFolderId}.${instanceId}/${taskId}`
}

/** Which processes a sweep ends. */
export interface StrayOptions {
  /** All whose marker names this data folder, or those whose marker is accepted by the function. */
  readonly marked: { readonly dataFolderId: string } | ((mark: string) => boolean)
  /** Sessions known to be ours, whose members die even when they have cleared their environment. */
  readonly sessions?: readonly number[]
  readonly clock: Clock
}

/** What a sweep found. */
export interface StraySweep {
  /** Processes that were found alive and sent SIGKILL; those that died with their group before they were looked at do not count. */
  readonly killed: number
  /** Process ids still there after five seconds, for instance because they hang in the kernel. */
  readonly left: readonly number[]
}

/**
 * Kills processes left behind by an instance that is no more, repeated until none is left. With a data folder it also
 * empties and removes that folder's control groups, and so must only be called by the one who has the folder to
 * himself, before he starts a process host. Processes whose environment may not be read are not ours and are left alone.
 */
export async function sweepStrays(options: StrayOptions): Promise<StraySweep> {
  const { marked, clock } = options
  const accepts =
    typeof marked === 'function' ? marked : (mark: string): boolean => mark.startsWith(`${marked.dataFolderId}.`)
  const sessions = new Set(options.sessions)
  const killed = new Set<number>()
  const deadline = clock.elapsed() + SWEEP_MS
  for (;;) {
    const left = killStrays(accepts, sessions)
    for (const pid of left) killed.add(pid)
    const groupsLeft = typeof marked === 'function' ? false : !removeLeftoverCgroups(marked.dataFolderId)
    if (left.length === 0 && !groupsLeft) return { killed: killed.size, left: [] }
    if (clock.elapsed() >= deadline) return { killed: killed.size, left }
    await pause(clock, LOOK_AGAIN_MS)
  }
}

/**
 * One look over all processes: sends SIGKILL to those whose marker is accepted, to their groups, and to the rest of
 * their sessions. `sessions` grows by what is found, so that the next look still knows a session after its marked
 * processes have died. Returns the ids of those that were there.
 */
export function killStrays(accepts: (mark: string) => boolean, sessions: Set<number>): number[] {
  const pids = listPids()
  const found: number[] = []
  const own = readStat(process.pid)?.session
  for (const pid of pids) {
    if (pid === process.pid) continue
    const mark = readMark(pid)
    if (mark === null || !accepts(mark)) continue
    const stat = readStat(pid)
    if (!isAlive(stat)) continue
    found.push(pid)
    if (stat.session === own) {
      sendSignal(pid, 'SIGKILL')
      continue
    }
    sessions.add(stat.session)
    // The whole group in one call, which a forking group cannot outrun as it can outrun single kills.
    if (!sendSignal(-stat.group, 'SIGKILL')) sendSignal(pid, 'SIGKILL')
  }
  if (sessions.size > 0) killSessions(pids, sessions, found)
  return found
}

function killSessions(pids: readonly number[], sessions: ReadonlySet<number>, found: number[]): void {
  const known = new Set(found)
  for (const pid of pids) {
    if (known.has(pid) || pid === process.pid) continue
    const stat = readStat(pid)
    if (!isAlive(stat) || !sessions.has(stat.session)) continue
    found.push(pid)
    sendSignal(pid, 'SIGKILL')
  }
}

/** The marker in a process's environment; null when it has none or may not be asked. */
export function readMark(pid: number): string | null {
  const environment = readProc(`/proc/${pid}/environ`)
  if (!environment) return null
  let at = environment.indexOf(ASSIGNMENT)
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(ASSIGNMENT, at + 1)
  if (at < 0) return null
  const from = at + ASSIGNMENT.length
  const end = environment.indexOf(0, from)
  return environment.toString('utf8', from, end < 0 ? environment.length : end)
}
