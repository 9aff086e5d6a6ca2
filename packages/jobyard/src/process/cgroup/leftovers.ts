import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode, sendSignal } from '../proc.ts'
import { parentName } from './contract.ts'
import { readPids, removeGroup, tryWrite } from './files.ts'
import { findMounts } from './mounts.ts'

/** How far below the top of a hierarchy a server may sit; deeper ones are not searched for leftovers. */
const DEEPEST = 8

/**
 * Kills what is in the control groups of a data folder and removes them, wherever in the hierarchies an earlier
 * instance made them. False when something is still leaving: call it again a little later.
 */
export function removeLeftoverCgroups(dataFolderId: string): boolean {
  let clean = true
  for (const folder of findGroups(dataFolderId)) clean = emptyAndRemove(folder) && clean
  return clean
}

/** The folders of a data folder's groups in all hierarchies. */
export function findGroups(dataFolderId: string): string[] {
  const name = parentName(dataFolderId)
  const found: string[] = []
  for (const root of findMounts().roots) search(root, name, DEEPEST, found)
  return found
}

function search(folder: string, name: string, depth: number, found: string[]): void {
  for (const child of listFolders(folder)) {
    if (child === name) found.push(join(folder, child))
    else if (depth > 1) search(join(folder, child), name, depth - 1, found)
  }
}

function listFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch (error) {
    // Removed meanwhile, or somebody else's.
    if (['ENOENT', 'ENODEV', 'EACCES'].includes(errorCode(error))) return []
    throw error
  }
}

function emptyAndRemove(folder: string): boolean {
  let clean = true
  for (const child of listFolders(folder)) clean = emptyAndRemove(join(folder, child)) && clean
  killAll(folder)
  return clean && removeGroup(folder)
}

function killAll(folder: string): void {
  const pids = readPids(folder)
  if (pids.length === 0) return
  // No more forks, then everybody: version 1 has no file that kills a whole group.
  tryWrite(join(folder, 'pids.max'), 0)
  if (existsSync(join(folder, 'cgroup.kill')) && tryWrite(join(folder, 'cgroup.kill'), 1)) return
  for (const pid of pids) if (pid !== process.pid) sendSignal(pid, 'SIGKILL')
}
