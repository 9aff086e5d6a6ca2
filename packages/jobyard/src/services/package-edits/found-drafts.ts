import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Ids } from '../../domain/ids.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import { Draft } from './draft.ts'

/** A draft that cannot be read. */
export interface DraftFault {
  readonly folder: string
  /** Where it lies from now on; where it lay, when it could not be moved. */
  readonly keptAt: string
  readonly error: unknown
}

/**
 * The drafts that an earlier server left in a folder. One that cannot be read keeps no server from its start: it is set
 * aside into a folder beside that of the drafts, called `unreadable-drafts`, for somebody to look at.
 */
export async function findDrafts(
  drafts: string,
  ids: Ids,
): Promise<{ readonly drafts: Draft[]; readonly faults: DraftFault[] }> {
  const found: Draft[] = []
  const faults: DraftFault[] = []
  for (const name of await namesIn(drafts)) {
    const folder = join(drafts, name)
    try {
      const draft = await Draft.read(folder, ids)
      if (draft === null) await rm(folder, { recursive: true, force: true })
      else found.push(draft)
    } catch (error) {
      faults.push({ folder, keptAt: await setAside(folder), error })
    }
  }
  return { drafts: found, faults }
}

async function setAside(folder: string): Promise<string> {
  const aside = join(folder, '..', '..', 'unreadable-drafts')
  const keptAt = join(aside, basename(folder))
  try {
    await mkdir(aside, { recursive: true, mode: 0o700 })
    await rename(folder, keptAt)
    return keptAt
  } catch (error) {
    if (!isSystemError(error)) throw error
    return folder
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}
