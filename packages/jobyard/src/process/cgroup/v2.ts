import { mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ProcessLimits } from '../contract.ts'
import { listTree, readProc, sendSignal } from '../proc.ts'
import { type Cgroup, type CgroupFamily, type CgroupUsage, parentName } from './contract.ts'
import { ControlFile, readPids, removeGroup, tryMakeGroup, tryWrite, writeControl } from './files.ts'
import type { CgroupMounts } from './mounts.ts'

const MICROSECONDS_PER_MS = 1000
/** The kernel refuses a greater number (PID_MAX_LIMIT on 64 bit). */
const MOST_PROCESSES = 4 * 1024 * 1024
/** Where this program's own processes go, because a group with processes of its own may not limit groups below it. */
const OWN_LEAF = 'jobyard-server'

/** Control groups of version 2 (Linux kernel documentation, admin-guide/cgroup-v2); null when none may be made. */
export function openV2(mounts: CgroupMounts, dataFolderId: string): CgroupFamily | null {
  const own = mounts.v2
  if (own === null) return null
  const parent = join(own, parentName(dataFolderId))
  if (!tryMakeGroup(parent)) return null
  const offered = readWords(join(own, 'cgroup.controllers'))
  const wanted = ['memory', 'pids'].filter((controller) => offered.includes(controller))
  const given = wanted.filter(
    (controller) => handDown(own, controller) && tryWrite(join(parent, 'cgroup.subtree_control'), `+${controller}`),
  )
  return {
    support: {
      memory: given.includes('memory') ? 'cgroup-v2' : 'none',
      processes: given.includes('pids') ? 'cgroup-v2' : 'none',
    },
    make: (name, limits) => new CgroupV2(join(parent, name), limits),
    remove: () => removeGroup(parent),
  }
}

/** Lets groups below `own` use a controller. */
function handDown(own: string, controller: string): boolean {
  const file = join(own, 'cgroup.subtree_control')
  if (readWords(file).includes(controller) || tryWrite(file, `+${controller}`)) return true
  return moveToLeaf(own) && tryWrite(file, `+${controller}`)
}

/**
 * Makes room: only a group without processes of its own may hand controllers down. The server's processes move to a
 * leaf beside the jobs' groups, but nobody else's do, and never out of a login session's scope.
 */
function moveToLeaf(own: string): boolean {
  if (basename(own).endsWith('.scope')) return false
  const ours = new Set([...listAncestors(process.ppid), ...listTree(process.ppid)])
  const pids = readPids(own)
  if (!pids.every((pid) => ours.has(pid))) return false
  const leaf = join(own, OWN_LEAF)
  return tryMakeGroup(leaf) && pids.every((pid) => tryWrite(join(leaf, 'cgroup.procs'), pid))
}

function listAncestors(pid: number): number[] {
  const found: number[] = []
  for (let at = pid; at > 0; ) {
    found.push(at)
    const parent = /^PPid:\s+(\d+)$/m.exec(readProc(`/proc/${at}/status`)?.toString('latin1') ?? '')?.[1]
    at = Number(parent ?? 0)
  }
  return found
}

function readWords(path: string): string[] {
  return readFileSync(path, 'latin1').split(/\s+/).filter(Boolean)
}

class CgroupV2 implements Cgroup {
  readonly #folder: string
  readonly #procs: ControlFile
  readonly #cpu: ControlFile
  readonly #peak: ControlFile | null
  readonly #memory: ControlFile | null
  readonly #pids: ControlFile | null
  #cpuBefore = 0
  #oomBefore = 0
  #forksBefore = 0
  #killed = false

  constructor(folder: string, limits: ProcessLimits) {
    this.#folder = folder
    mkdirSync(folder)
    this.#procs = new ControlFile(join(folder, 'cgroup.procs'))
    this.#cpu = new ControlFile(join(folder, 'cpu.stat'), 'read')
    // Writing to it resets it, for this open file only, since Linux 6.12. Before, a group serves one run.
    this.#peak =
      ControlFile.open(join(folder, 'memory.peak'), 'read-write', true) ??
      ControlFile.open(join(folder, 'memory.peak'), 'read')
    this.#memory = ControlFile.open(join(folder, 'memory.events'), 'read')
    this.#pids = ControlFile.open(join(folder, 'pids.events'), 'read')
    if (this.#memory !== null && limits.memoryBytes !== undefined) {
      writeControl(join(folder, 'memory.max'), limits.memoryBytes)
      tryWrite(join(folder, 'memory.swap.max'), 0)
      tryWrite(join(folder, 'memory.oom.group'), 1)
    }
    if (this.#pids !== null && limits.processes !== undefined) {
      writeControl(join(folder, 'pids.max'), Math.min(limits.processes, MOST_PROCESSES))
    }
  }

  join(pid: number): void {
    this.#procs.writePid(pid)
  }

  joinLater(pid: number): Promise<boolean> {
    return this.#procs.writePidLater(pid)
  }

  members(): number[] {
    return this.#procs.readPids()
  }

  kill(): void {
    this.#killed = true
    if (tryWrite(join(this.#folder, 'cgroup.kill'), 1)) return
    tryWrite(join(this.#folder, 'pids.max'), 0)
    for (const pid of this.members()) sendSignal(pid, 'SIGKILL')
  }

  cpuMs(): number | null {
    return Math.round((this.#cpu.readKey('usage_usec') - this.#cpuBefore) / MICROSECONDS_PER_MS)
  }

  usage(failed: boolean): CgroupUsage {
    return { cpuMs: this.cpuMs(), peakBytes: this.#peak?.readNumber() || null, limit: this.#limit(failed) }
  }

  #limit(failed: boolean): CgroupUsage['limit'] {
    if (this.#memory !== null && this.#memory.readKey('oom_kill') > this.#oomBefore) return 'memory'
    if (failed && this.#pids !== null && this.#pids.readKey('max') > this.#forksBefore) return 'processes'
    return null
  }

  renew(): boolean {
    if (this.#killed) return false
    if (this.#peak !== null && !this.#peak.tryWrite('reset')) return false
    this.#cpuBefore = this.#cpu.readKey('usage_usec')
    this.#oomBefore = this.#memory?.readKey('oom_kill') ?? 0
    this.#forksBefore = this.#pids?.readKey('max') ?? 0
    return true
  }

  remove(): boolean {
    if (!removeGroup(this.#folder)) return false
    for (const file of [this.#procs, this.#cpu, this.#peak, this.#memory, this.#pids]) file?.close()
    return true
  }
}
