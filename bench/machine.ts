import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, type as systemName, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'

/** What the figures depend on besides the program. */
export interface Machine {
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly sqlite: string
  /** Writes of 4 KB per second that reach the disk one by one, in the folder that everything is measured in. */
  readonly syncsPerSecond: number
  /** Processes that wanted a core in the last minute before the start; anything well above 0 disturbs. */
  readonly load: number
}

const SYNC_MS = 1000
const PAGE = Buffer.alloc(4096, 1)

/** Looks the machine over; takes a second. */
export async function describeMachine(): Promise<Machine> {
  const [load = 0] = loadavg()
  return {
    commit: describeCommit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${systemName()} ${release()}`,
    node: process.version,
    sqlite: process.versions.sqlite ?? 'none',
    syncsPerSecond: await measureSyncs(),
    load,
  }
}

/** The machine in a few lines. */
export function showMachine(machine: Machine): string {
  const { commit, cpu, cores, memoryGb, system, node, sqlite, syncsPerSecond, load } = machine
  return [
    `commit   ${commit}`,
    `machine  ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, load ${load.toFixed(2)} at the start`,
    `software Node ${node}, SQLite ${sqlite}`,
    `disk     ${Math.round(syncsPerSecond)} synced writes of 4 KB per second in ${tmpdir()}`,
    '',
  ].join('\n')
}

function describeCommit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ', changed')
  } catch {
    // An archive of the sources has no commit to tell.
    return 'unknown'
  }
}

async function measureSyncs(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-bench-'))
  const file = openSync(join(folder, 'synced'), 'w')
  const began = performance.now()
  let count = 0
  while (performance.now() - began < SYNC_MS) {
    writeSync(file, PAGE)
    fdatasyncSync(file)
    count++
  }
  const seconds = (performance.now() - began) / 1000
  closeSync(file)
  await rm(folder, { recursive: true, force: true })
  return count / seconds
}
