import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { type HeldFolder as Held, holdFolder } from '../../kinds/script/held-folder.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'

/** A folder of a job's that is held, in which what its owner has closed is as good as not there. */
export interface HeldFolder extends Pick<Held, 'at' | 'flush' | 'openFile'>, AsyncDisposable {
  /** Names of all that lies in it, whatever they are. */
  names(): Promise<string[]>
}

/**
 * Goes down from `root` part by part, and follows no link, neither on the way nor at the end. Null when there is no such
 * folder, or something that is none. The root itself must be out of the reach of jobs.
 */
export async function enter(root: string, parts: readonly string[]): Promise<HeldFolder | null> {
  const held = await unlessClosed(() => holdFolder(root, parts), null)
  if (held === null) return null
  return {
    at: held.at,
    flush: held.flush,
    names: () => unlessClosed(async () => (await held.entries()).map(({ name }) => name), []),
    openFile: (name) => unlessClosed(() => held.openFile(name), null),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  }
}

/** What is not there, is something else, or was closed by its owner. */
const CLOSED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'] as const

async function unlessClosed<T, E>(act: () => Promise<T>, otherwise: E): Promise<T | E> {
  try {
    return await act()
  } catch (error) {
    if (isSystemError(error, ...CLOSED)) return otherwise
    throw error
  }
}

/** What is at a path, links not followed; null when nothing is. */
export async function lookAt(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isSystemError(error, ...CLOSED, 'ENAMETOOLONG')) return null
    throw error
  }
}
