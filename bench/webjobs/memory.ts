import { writeFileSync } from 'node:fs'
import { readProc } from '../server.ts'

/** Begins to watch the resident memory of a process; `grown` tells the most it had since, less what it had then, in MB. */
export function watchMemory(pid: number): { grown(): number } {
  // The high-water mark begins anew at what is resident now (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const before = readKb(pid, 'VmRSS')
  // The kernel counts per processor and adds up now and then, so the mark may lie a little below what was there.
  return { grown: () => (Math.max(0, readKb(pid, 'VmHWM') - before) * 1024) / 1e6 }
}

function readKb(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const [, kb] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readProc(pid, 'status')) ?? []
  if (kb === undefined) throw new Error(`The system tells no ${name} of the process ${pid}.`)
  return Number(kb)
}
