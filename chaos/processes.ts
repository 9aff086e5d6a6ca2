/**
 * What the machine says about processes, read without any of the program's own code: whoever checks it must not trust it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** A living process that bears the mark of a server. */
export interface MarkedProcess {
  readonly pid: number
  /** Tells it from a later process of the same id: when it began, in the kernel's own count. */
  readonly began: string
  /** `<data folder>.<instance>/<task>`, or `…/warden`. */
  readonly mark: string
}

const VARIABLE = 'JOBYARD_MARK='
/** Errors of files below /proc that say that the process has gone meanwhile, or is somebody else's. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENODEV'])

function readGone(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error && GONE.has(String(error.code))) return undefined
    throw error
  }
}

/** State letter and time of beginning of a process; undefined when there is none or only a zombie of it. */
export function readLife(pid: number): string | undefined {
  const stat = readGone(`/proc/${pid}/stat`)
  if (stat === undefined || stat === '') return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}

/** All living processes whose mark begins so. */
export function listMarked(prefix: string): MarkedProcess[] {
  const found: MarkedProcess[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const mark = readGone(`/proc/${name}/environ`)
      ?.split('\0')
      .find((entry) => entry.startsWith(VARIABLE))
      ?.slice(VARIABLE.length)
    if (mark === undefined || !mark.startsWith(prefix)) continue
    const pid = Number(name)
    const began = readLife(pid)
    if (began !== undefined) found.push({ pid, began, mark })
  }
  return found
}

/** What the kernel says a process is doing, for the evidence: its state, where it waits, and its command line. */
export function describeProcess({ pid, mark }: MarkedProcess): Record<string, string | number> {
  const line = (name: string): string => (readGone(`/proc/${pid}/${name}`) ?? '').replaceAll('\0', ' ').trim()
  return { pid, mark, command: line('cmdline'), stat: line('stat'), waits: line('wchan'), groups: line('cgroup') }
}

/** Whether it is the warden of a server, not a job. */
export function isWarden({ mark }: MarkedProcess): boolean {
  return mark.endsWith('/warden')
}

/** When the instance that started it was made, epoch milliseconds: the first digits of its id (UUIDv7). */
export function instanceTime({ mark }: MarkedProcess): number {
  const id = mark.slice(mark.indexOf('.') + 1, mark.indexOf('/'))
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

/** Whether this very process still lives. */
export function stillLives({ pid, began }: MarkedProcess): boolean {
  return readLife(pid) === began
}

/** What a process has open. */
export interface OpenFiles {
  readonly count: number
  /** By what they are: `socket`, `pipe`, `file` …, with how many of each. */
  readonly sorts: Readonly<Record<string, number>>
}

/** Counts the open files of a process; undefined when it has gone. */
export function countOpenFiles(pid: number): OpenFiles | undefined {
  const sorts: Record<string, number> = {}
  let count = 0
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const sort = sortOf(readLink(`/proc/${pid}/fd/${name}`))
      sorts[sort] = (sorts[sort] ?? 0) + 1
      count++
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && GONE.has(String(error.code))) return undefined
    throw error
  }
  return { count, sorts }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return 'gone'
  }
}

function sortOf(target: string): string {
  const kind = /^(socket|pipe|anon_inode):/.exec(target)?.[1]
  return kind ?? (target.startsWith('/') ? 'file' : 'other')
}

/** Resident memory of a process in bytes; undefined when it has gone. */
export function readResident(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readGone(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Control groups that bear the name of a data folder, in every hierarchy. */
export function listControlGroups(dataFolderId: string, folder = '/sys/fs/cgroup', depth = 6): string[] {
  const found: string[] = []
  for (const name of listFolders(folder)) {
    const path = join(folder, name)
    if (name === `jobyard-${dataFolderId}`) found.push(path)
    else if (depth > 1) found.push(...listControlGroups(dataFolderId, path, depth - 1))
  }
  return found
}

function listFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && GONE.has(String(error.code))) return []
    throw error
  }
}
