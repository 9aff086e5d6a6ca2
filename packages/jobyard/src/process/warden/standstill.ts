import type { Clock } from '../../domain/clock.ts'
import { pause } from '../pause.ts'
import { isAlive, readStat, sendSignal } from '../proc.ts'

/** Between two looks at processes that are to stop, milliseconds. */
const LOOK_AGAIN_MS = 2
/** How long they are waited for, milliseconds. */
const PATIENCE_MS = 500

/**
 * SIGSTOP to each of the processes that `list` gives, until all that there are stand still. To each by itself and never
 * to a group: a child that is being forked while its group gets SIGSTOP and then SIGCONT may get the first alone.
 */
export async function stopAll(list: () => number[], clock: Clock): Promise<void> {
  const deadline = clock.elapsed() + PATIENCE_MS
  const told = new Set<number>()
  for (;;) {
    const pids = list()
    const fresh = pids.filter((pid) => !told.has(pid))
    if (fresh.length === 0 && pids.every(standsStill)) return
    for (const pid of fresh) {
      sendSignal(pid, 'SIGSTOP')
      told.add(pid)
    }
    if (clock.elapsed() >= deadline) return
    await pause(clock, LOOK_AGAIN_MS)
  }
}

/** True for a process that was sent SIGSTOP and does nothing more: one waiting in the kernel stops on its way out. */
function standsStill(pid: number): boolean {
  const stat = readStat(pid)
  return !isAlive(stat) || stat.state === 'T' || stat.state === 't' || stat.state === 'D'
}
