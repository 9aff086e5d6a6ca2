import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'

/**
 * A folder that is held while something is done in it. Jobs may rename, remove and exchange for links what lies in their
 * folders at any moment; what is held stays the same folder.
 */
export interface HeldFolder extends AsyncDisposable {
  /** A path of what lies directly in it. The last part of that path is not to be followed by whoever uses it. */
  at(name: string): string
  /** Names of all that lies in it, whatever they are. */
  names(): Promise<string[]>
  /** The file of that name, open for reading; null when it is no regular file. */
  openFile(name: string): Promise<FileHandle | null>
  /** Brings its entries to the disk. */
  flush(): Promise<void>
}

/** Opens names, but neither files nor folders (open(2)); Node has no name for it. Linux on every architecture that Node runs on. */
const O_PATH = 0o10_000_000

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | NO_FOLLOW
/** What waits for somebody at the other end, such as a pipe, is not waited for. */
const FILE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Goes down from `root` part by part, and follows no link, neither on the way nor at the end. Null when there is no such
 * folder, or something that is none. The root itself must be out of the reach of jobs.
 */
export async function enter(root: string, parts: readonly string[]): Promise<HeldFolder | null> {
  for (const part of parts) requirePart(part)
  try {
    return process.platform === 'linux' ? await enterByHandles(root, parts) : await enterByPaths(root, parts)
  } catch (error) {
    if (isSystemError(error, ...CLOSED)) return null
    throw error
  }
}

/** What is not there, is something else, or was closed by its owner. */
const CLOSED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'] as const

/** Whatever checked the parts before, none may lead elsewhere here. */
function requirePart(part: string): void {
  if (part === '' || part === '.' || part === '..' || /[/\0]/.test(part)) throw new Error('This is no part of a path.')
}

/** Each folder is opened within the one before it: openat(2), which Node has not, by way of /proc. */
async function enterByHandles(root: string, parts: readonly string[]): Promise<HeldFolder> {
  let handle = await open(root, FOLDER)
  for (const part of parts) {
    const above = handle
    try {
      handle = await open(`/proc/self/fd/${above.fd}/${part}`, FOLDER)
    } finally {
      await above.close()
    }
  }
  const at = (name: string) => {
    requirePart(name)
    return `/proc/self/fd/${handle.fd}/${name}`
  }
  return {
    at,
    names: () => readNames(`/proc/self/fd/${handle.fd}`),
    openFile: (name) => openRegular(at(name)),
    flush: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** Opening a device or a pipe can do something by itself: what it is must be known before. */
async function openRegular(path: string): Promise<FileHandle | null> {
  try {
    await using named = await open(path, O_PATH | NO_FOLLOW)
    if (!(await named.stat()).isFile()) return null
    return await open(`/proc/self/fd/${named.fd}`, FILE)
  } catch (error) {
    if (isSystemError(error, ...CLOSED)) return null
    throw error
  }
}

/**
 * Where there is no /proc: the folder must be where its path says before and after each use. Between the two a job could
 * exchange it, which is seen too late; such jobs run as the server's own user there. Not tried on such systems.
 */
async function enterByPaths(root: string, parts: readonly string[]): Promise<HeldFolder> {
  const top = await realpath(root)
  const folder = join(top, ...parts)
  const check = async () => {
    if ((await realpath(folder)) !== folder || !(await lstat(folder)).isDirectory()) throw absent(folder)
  }
  await check()
  const at = (name: string) => {
    requirePart(name)
    return join(folder, name)
  }
  return {
    at,
    async names() {
      const names = await readNames(folder)
      await check()
      return names
    },
    async openFile(name) {
      const before = await lookAt(at(name))
      if (before === null || !before.isFile()) return null
      const handle = await open(at(name), FILE | NO_FOLLOW)
      const after = await handle.stat({ bigint: true })
      await check()
      if (after.isFile() && after.ino === before.ino && after.dev === before.dev) return handle
      await handle.close()
      return null
    },
    flush: async () => undefined,
    async [Symbol.asyncDispose]() {
      // Nothing is held.
    },
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`${path} is not there any more`), { code: 'ENOENT', syscall: 'realpath' })
}

/** Nothing where the owner lets nobody look. */
async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isSystemError(error, ...CLOSED)) return []
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
