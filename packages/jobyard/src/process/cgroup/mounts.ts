import { readFileSync } from 'node:fs'
import { errorCode } from '../proc.ts'

/** Where this process sits in the control groups of the machine. */
export interface CgroupMounts {
  /** Version 1: this process's own folder in the hierarchy of each controller, such as `memory`. */
  readonly v1: ReadonlyMap<string, string>
  /** Version 2: this process's own folder. */
  readonly v2: string | null
  /** The root folders of all hierarchies, each once. */
  readonly roots: readonly string[]
}

/**
 * Reads /proc/self/mountinfo and /proc/self/cgroup (Linux, proc_pid_mountinfo(5), cgroups(7)). Groups are made below
 * the own one, never beside it: whoever limits this program limits its jobs with it.
 */
export function findMounts(): CgroupMounts {
  const own = readOwnPaths()
  const v1 = new Map<string, string>()
  let v2: string | null = null
  const roots: string[] = []
  for (const line of readLines('/proc/self/mountinfo')) {
    const [before = '', after = ''] = line.split(' - ')
    const [type, , options = ''] = after.split(' ')
    const [, , , root = '', point = ''] = before.split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    const folder = unescapeMount(point)
    if (!roots.includes(folder)) roots.push(folder)
    const controllers = type === 'cgroup2' ? [''] : options.split(',')
    for (const controller of controllers) {
      const path = own.get(controller)
      if (path === undefined) continue
      const place = placeOf(folder, unescapeMount(root), path)
      if (type === 'cgroup2') v2 ??= place
      else if (!v1.has(controller)) v1.set(controller, place)
    }
  }
  return { v1, v2, roots }
}

/** The path of this process per controller; version 2 has the empty name. */
function readOwnPaths(): Map<string, string> {
  const paths = new Map<string, string>()
  for (const line of readLines('/proc/self/cgroup')) {
    const [, controllers = '', ...path] = line.split(':')
    for (const controller of controllers.split(',')) paths.set(controller, path.join(':'))
  }
  return paths
}

/** In a container the mount shows only a part of the tree, beginning at `root`. */
function placeOf(folder: string, root: string, path: string): string {
  if (root === '/') return path === '/' ? folder : folder + path
  return path.startsWith(`${root}/`) ? folder + path.slice(root.length) : folder
}

function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
