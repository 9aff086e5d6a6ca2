import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessLimits } from '../contract.ts'
import { sendSignal } from '../proc.ts'
import { type Cgroup, type CgroupFamily, type CgroupUsage, parentName } from './contract.ts'
import { ControlFile, readPids, removeGroup, tryMakeGroup, tryWrite, writeControl } from './files.ts'
import type { CgroupMounts } from './mounts.ts'

/** A renewed group that still holds more than this (file cache, mostly) would spoil the next run's peak. */
const MOST_LEFT_BYTES = 8 * 1024 * 1024
/** The kernel refuses a greater number (PID_MAX_LIMIT on 64 bit). */
const MOST_PROCESSES = 4 * 1024 * 1024
const NANOSECONDS_PER_MS = 1e6

/** The parent folders that could be made, one in each hierarchy; two names may stand for the same one. */
interface Parents {
  readonly memory: string | null
  readonly pids: string | null
  readonly cpuacct: string | null
}

/** Control groups of version 1 (Linux kernel documentation, admin-guide/cgroup-v1); null when none may be made. */
export function openV1(mounts: CgroupMounts, dataFolderId: string): CgroupFamily | null {
  const open = (controller: string): string | null => {
    const own = mounts.v1.get(controller)
    if (own === undefined) return null
    const folder = join(own, parentName(dataFolderId))
    return tryMakeGroup(folder) ? folder : null
  }
  const parents: Parents = { memory: open('memory'), pids: open('pids'), cpuacct: open('cpuacct') }
  const folders = [...new Set(Object.values(parents).filter((folder) => folder !== null))]
  if (folders.length === 0) return null
  return {
    support: {
      memory: parents.memory === null ? 'none' : 'cgroup-v1',
      processes: parents.pids === null ? 'none' : 'cgroup-v1',
    },
    make: (name, limits) => new CgroupV1(parents, folders, name, limits),
    remove: () => folders.map(removeGroup).every(Boolean),
  }
}

class CgroupV1 implements Cgroup {
  readonly #folders: readonly string[]
  /** `cgroup.procs` of every hierarchy. */
  readonly #procs: readonly ControlFile[]
  readonly #peak: ControlFile | null
  readonly #oom: ControlFile | null
  readonly #cpu: ControlFile | null
  readonly #forks: ControlFile | null
  readonly #forkLimit: string | null
  readonly #count: ControlFile | null
  #oomBefore = 0
  #forksBefore = 0
  #peakBytes = 0
  #killed = false

  constructor(parents: Parents, folders: readonly string[], name: string, limits: ProcessLimits) {
    this.#folders = folders.map((folder) => join(folder, name))
    for (const folder of this.#folders) mkdirSync(folder)
    const { memoryBytes, processes } = limits
    const memory = parents.memory === null ? null : join(parents.memory, name)
    const pids = parents.pids === null ? null : join(parents.pids, name)
    if (memory !== null && memoryBytes !== undefined) limitMemory(memory, memoryBytes)
    if (pids !== null && processes !== undefined)
      writeControl(join(pids, 'pids.max'), Math.min(processes, MOST_PROCESSES))
    this.#procs = this.#folders.map((folder) => new ControlFile(join(folder, 'cgroup.procs')))
    this.#peak = memory === null ? null : ControlFile.open(join(memory, 'memory.max_usage_in_bytes'))
    this.#cpu = parents.cpuacct === null ? null : ControlFile.open(join(parents.cpuacct, name, 'cpuacct.usage'))
    this.#oom =
      memory === null || memoryBytes === undefined ? null : new ControlFile(join(memory, 'memory.oom_control'), 'read')
    this.#forks = pids === null || processes === undefined ? null : new ControlFile(join(pids, 'pids.events'), 'read')
    this.#count = pids === null ? null : new ControlFile(join(pids, 'pids.current'), 'read')
    this.#forkLimit = pids === null ? null : join(pids, 'pids.max')
  }

  join(pid: number): void {
    for (const procs of this.#procs) procs.writePid(pid)
  }

  async joinLater(pid: number): Promise<boolean> {
    // Only the first move waits for the kernel; the others follow within its good time.
    const there = (await this.#procs[0]?.writePidLater(pid)) ?? false
    if (there) this.join(pid)
    return there
  }

  /**
   * The kernel makes the list when the file is opened and gives the same one to every later read, so it is opened anew;
   * but first its counter is asked, which is quicker and in most cases says that there is nobody.
   */
  members(): number[] {
    if (this.#count !== null && this.#count.readNumber() === 0) return []
    return readPids(this.#folders[0] ?? '')
  }

  kill(): void {
    if (!this.#killed && this.#forkLimit !== null) tryWrite(this.#forkLimit, 0)
    this.#killed = true
    for (const pid of this.members()) sendSignal(pid, 'SIGKILL')
  }

  cpuMs(): number | null {
    return this.#cpu === null ? null : Math.round(this.#cpu.readNumber() / NANOSECONDS_PER_MS)
  }

  usage(failed: boolean): CgroupUsage {
    this.#peakBytes = this.#peak?.readNumber() ?? 0
    return { cpuMs: this.cpuMs(), peakBytes: this.#peakBytes || null, limit: this.#limit(failed) }
  }

  #limit(failed: boolean): CgroupUsage['limit'] {
    if (this.#oom !== null && this.#oom.readKey('oom_kill') > this.#oomBefore) return 'memory'
    if (failed && this.#forks !== null && this.#forks.readKey('max') > this.#forksBefore) return 'processes'
    return null
  }

  renew(): boolean {
    if (this.#killed || this.#cpu?.tryWrite(0) === false || this.#peak?.tryWrite(0) === false) return false
    if (this.#peak !== null && this.#peakBytes > MOST_LEFT_BYTES && this.#peak.readNumber() > MOST_LEFT_BYTES)
      return false
    if (this.#oom !== null) this.#oomBefore = this.#oom.readKey('oom_kill')
    if (this.#forks !== null) this.#forksBefore = this.#forks.readKey('max')
    return true
  }

  remove(): boolean {
    if (!this.#folders.map(removeGroup).every(Boolean)) return false
    for (const file of [...this.#procs, this.#peak, this.#oom, this.#cpu, this.#forks, this.#count]) file?.close()
    return true
  }
}

function limitMemory(folder: string, bytes: number): void {
  writeControl(join(folder, 'memory.limit_in_bytes'), bytes)
  // Swap on top would only make a run that is too large slow as well; absent when the kernel does not count swap.
  tryWrite(join(folder, 'memory.memsw.limit_in_bytes'), bytes)
}
