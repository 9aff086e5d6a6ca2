import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

/** What /proc/<pid>/stat tells of a process (Linux, proc_pid_stat(5)). */
export interface ProcStat {
  /** One letter: R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, X dead. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** A thread of the kernel, which has no program and no environment. */
  readonly isKernel: boolean
  /** CPU milliseconds of the process with all its threads, in tens. */
  readonly ownMs: number
  /** CPU milliseconds of those children that it has waited for, in tens. */
  readonly childrenMs: number
}

/** The kernel counts CPU time towards user space in hundredths of a second on every architecture in use. */
const MS_PER_TICK = 10
const NANOSECONDS_PER_MS = 1e6
/** More than any environment is worth reading; a larger one is searched up to here. */
const LONGEST = 4 * 1024 * 1024
/** PF_KTHREAD of Linux, include/linux/sched.h. */
const KERNEL_FLAG = 0x00200000
const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])
const POSITIVE_INTEGER = /^[1-9]\d*$/

let buffer: Buffer = Buffer.allocUnsafeSlow(64 * 1024)

/** The system's short name of an error, such as ENOENT; empty when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/**
 * The content of a file below /proc, or null when the process has gone or belongs to somebody else. The result shares
 * its memory with the next call's.
 */
export function readProc(path: string): Buffer | null {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (GONE.has(errorCode(error))) return null
    throw error
  }
  try {
    let length = 0
    for (;;) {
      if (length === buffer.length) {
        if (length >= LONGEST) break
        buffer = Buffer.concat([buffer], length * 2)
      }
      const read = readSync(fd, buffer, length, buffer.length - length, null)
      if (read === 0) break
      length += read
    }
    return buffer.subarray(0, length)
  } catch (error) {
    if (GONE.has(errorCode(error))) return null
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Every process id of the machine that can be seen; empty on a system without /proc. */
export function listPids(): number[] {
  const pids: number[] = []
  try {
    for (const name of readdirSync('/proc')) if (POSITIVE_INTEGER.test(name)) pids.push(Number(name))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  return pids
}

/** What /proc tells of a process; null when it has gone. */
export function readStat(pid: number): ProcStat | null {
  const content = readProc(`/proc/${pid}/stat`)
  if (!content || content.length === 0) return null
  // The second field is the program's name in brackets, and may hold spaces and brackets itself.
  const text = content.toString('latin1', content.lastIndexOf(')') + 2)
  const fields = text.split(' ')
  const field = (number: number): number => Number(fields[number - 3] ?? 0)
  return {
    state: fields[0] ?? 'X',
    parent: field(4),
    group: field(5),
    session: field(6),
    isKernel: (field(9) & KERNEL_FLAG) !== 0,
    ownMs: (field(14) + field(15)) * MS_PER_TICK,
    childrenMs: (field(16) + field(17)) * MS_PER_TICK,
  }
}

/** The id that the machine gave last to a process or thread. Ids count up and begin again when they are used up. */
export function readLastPid(): number {
  const content = readProc('/proc/loadavg')
  return content ? Number(content.toString('latin1', content.lastIndexOf(' ') + 1)) : 0
}

/** True when the process is there and is no zombie. */
export function isAlive(stat: ProcStat | null): stat is ProcStat {
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X'
}

/** Children that the process's first thread has now; empty when it has gone or the kernel does not tell. */
export function readChildren(pid: number): number[] {
  const content = readProc(`/proc/${pid}/task/${pid}/children`)
  if (!content || content.length === 0) return []
  return content.toString('latin1').trim().split(' ').map(Number)
}

/** The process and all its descendants, as far as parents still know their children. */
export function listTree(pid: number): number[] {
  const found = [pid]
  for (let at = 0; at < found.length; at++) {
    const parent = found[at]
    if (parent !== undefined) found.push(...readChildren(parent))
  }
  return found
}

/**
 * CPU milliseconds of the process's first thread, to the nanosecond (Linux kernel documentation, scheduler/sched-stats);
 * null when it has gone or the kernel does not count so.
 */
export function readRunMs(pid: number): number | null {
  const content = readProc(`/proc/${pid}/schedstat`)
  return content && content.length > 0 ? Number.parseInt(content.toString('latin1'), 10) / NANOSECONDS_PER_MS : null
}

/** Memory of a process in bytes. */
export interface ProcMemory {
  /** The most that was resident so far. */
  readonly peakBytes: number
  /** What is resident now and no file's. */
  readonly ownBytes: number
}

/** Null when the process has gone. */
export function readMemory(pid: number): ProcMemory | null {
  const content = readProc(`/proc/${pid}/status`)?.toString('latin1')
  const peak = content && /^VmHWM:\s+(\d+) kB$/m.exec(content)?.[1]
  if (!peak) return null
  const own = /^RssAnon:\s+(\d+) kB$/m.exec(content)?.[1] ?? 0
  return { peakBytes: Number(peak) * 1024, ownBytes: Number(own) * 1024 }
}

/** Sends a signal to a process, or to a group when `pid` is negative. False when there is none that may be sent it. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ESRCH' || code === 'EPERM') return false
    throw error
  }
}
