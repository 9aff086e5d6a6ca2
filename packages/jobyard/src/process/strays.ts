import type { Clock } from '../domain/clock.ts'
import { removeLeftoverCgroups } from './cgroup/leftovers.ts'
import { pause } from './pause.ts'
import { removePipeFolders } from './pipe-folders.ts'
import { isAlive, listPids, readProc, readStat, sendSignal } from './proc.ts'

/** The variable in the environment of every process started here; its value is made by {@link markOf}. */
export const MARK_VARIABLE = 'JOBYARD_MARK'

/** How long a sweep goes on when something will not die, milliseconds. */
const SWEEP_MS = 5000
/** Between two looks, milliseconds: a killed process needs a moment to leave. */
const LOOK_AGAIN_MS = 5

/** As often as a process is looked at that shows no environment, before it is taken for one that has none. */
const DOUBTFUL_LOOKS = 4

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
 * empties and removes that folder's control groups, and the pipes that a killed warden of it left with names; so it must
 * only be called by the one who has the folder to himself, before he starts a process host. Processes whose environment
 * may not be read are not ours and are left alone.
 */
export async function sweepStrays(options: StrayOptions): Promise<StraySweep> {
  const { marked } = options
  const swept = await killAll(options)
  // Last, because one of the processes may have been making them.
  if (typeof marked !== 'function') removePipeFolders(marked.dataFolderId)
  return swept
}

async function killAll(options: StrayOptions): Promise<StraySweep> {
  const { marked, clock } = options
  const accepts =
    typeof marked === 'function' ? marked : (mark: string): boolean => mark.startsWith(`${marked.dataFolderId}.`)
  const sessions = new Set(options.sessions)
  const killed = new Set<number>()
  const deadline = clock.elapsed() + SWEEP_MS
  for (;;) {
    const left = await lookClosely(clock, { accepts, sessions, list: listPids })
    for (const pid of left) killed.add(pid)
    const groupsLeft = typeof marked === 'function' ? false : !removeLeftoverCgroups(marked.dataFolderId)
    if (left.length === 0 && !groupsLeft) return { killed: killed.size, left: [] }
    if (clock.elapsed() >= deadline) return { killed: killed.size, left }
    await pause(clock, LOOK_AGAIN_MS)
  }
}

/** What is looked for, and among which processes. */
export interface Look {
  readonly accepts: (mark: string) => boolean
  /** Grows by what is found. */
  readonly sessions: Set<number>
  readonly list: () => readonly number[]
}

/**
 * {@link killStrays}, and again for those that were in doubt, until none is: they alone, because on a busy machine there
 * is always somebody new who shows no environment yet, and what began after a look was not started by what it found.
 */
export async function lookClosely(clock: Clock, { accepts, sessions, list }: Look): Promise<number[]> {
  const doubts = new Doubts()
  const found = killStrays(accepts, sessions, doubts, list())
  await settleDoubts(clock, doubts, (pids) => found.push(...killStrays(accepts, sessions, doubts, pids)))
  return found
}

/** Has those that are in doubt looked at again until none is: a few times at the most. */
export async function settleDoubts(
  clock: Clock,
  doubts: Doubts,
  look: (pids: readonly number[]) => void,
): Promise<void> {
  while (doubts.open) {
    const { pids } = doubts
    await pause(clock, LOOK_AGAIN_MS)
    look(pids)
  }
}

/**
 * One look over all processes: sends SIGKILL to those whose marker is accepted, to their groups, and to the rest of
 * their sessions. `sessions` grows by what is found, so that the next look still knows a session after its marked
 * processes have died. `doubts` says whether one of the others may turn out to be such a process at the next look.
 * Returns the ids of those that were there. Default of `pids`: all processes.
 */
export function killStrays(
  accepts: (mark: string) => boolean,
  sessions: Set<number>,
  doubts: Doubts,
  pids: readonly number[] = listPids(),
): number[] {
  const found: number[] = []
  const own = readStat(process.pid)?.session
  doubts.begin()
  for (const pid of pids) {
    if (pid === process.pid) continue
    const mark = readMark(pid, doubts)
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

/**
 * Processes that show no environment. They do so for a moment while they become another program (execve(2)) and while
 * they die, so they are looked at again before they are taken for processes that have none.
 */
export class Doubts {
  readonly #looks = new Map<number, number>()
  #pids: number[] = []

  /** True when the last look may have missed one. */
  get open(): boolean {
    return this.#pids.length > 0
  }

  /** Those that the last look may have missed. */
  get pids(): readonly number[] {
    return this.#pids
  }

  /** Another look begins. */
  begin(): void {
    this.#pids = []
  }

  /**
   * This process shows nothing. Answers the mark of its parent: who is becoming another program is of that one's run.
   * Null when that has none, as where the parent has ended and another one took its place.
   */
  raise(pid: number): string | null {
    const stat = readStat(pid)
    if (!isAlive(stat) || stat.isKernel) return null
    const mark = readMark(stat.parent)
    const looks = (this.#looks.get(pid) ?? 0) + 1
    if (mark !== null || looks > DOUBTFUL_LOOKS) return mark
    this.#looks.set(pid, looks)
    this.#pids.push(pid)
    return null
  }

  /** This process shows what it has, or is another of the same id. */
  settle(pid: number): void {
    this.#looks.delete(pid)
  }
}

function killSessions(pids: readonly number[], sessions: ReadonlySet<number>, found: number[]): void {
  const known = new Set(found)
  for (const pid of pids) {
    if (known.has(pid) || pid === process.pid) continue
    const stat = readStat(pid)
    if (!isAlive(stat) || !sessions.has(stat.session)) continue
    // One that has become another user's (set-user-id) cannot be ended, and is not waited for.
    if (sendSignal(pid, 'SIGKILL')) found.push(pid)
  }
}

/** The marker in a process's environment; null when it has none, may not be asked, or shows none now, where
 * {@link Doubts} are told. */
export function readMark(pid: number, doubts?: Doubts): string | null {
  const environment = readProc(`/proc/${pid}/environ`)
  if (!environment) return null
  if (environment.length === 0) return doubts?.raise(pid) ?? null
  doubts?.settle(pid)
  let at = environment.indexOf(ASSIGNMENT)
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(ASSIGNMENT, at + 1)
  if (at < 0) return null
  const from = at + ASSIGNMENT.length
  const end = environment.indexOf(0, from)
  return environment.toString('utf8', from, end < 0 ? environment.length : end)
}
