import { type BigIntStats, constants, type Dirent, existsSync } from 'node:fs'
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A folder that is held while something is done in it. Jobs may rename, remove and exchange for links what lies in their
 * folders at any moment; what is held stays the same folder. Everything throws the system's errors.
 */
export interface HeldFolder extends AsyncDisposable {
  /** A path of what lies directly in it. The last part of that path is not to be followed by whoever uses it. */
  at(name: string): string
  /** What it is itself. */
  stat(): Promise<BigIntStats>
  /** What lies under a name, links not followed. */
  look(name: string | Buffer): Promise<BigIntStats>
  /** All that lies in it, whatever it is. */
  entries(): Promise<Dirent[]>
  /** Names of all that lies in it, as bytes: they need not be text. */
  rawNames(): Promise<Buffer[]>
  /** The file of that name, open for reading; null when it is no regular file. */
  openFile(name: string): Promise<FileHandle | null>
  /** The folder of that name, held. Throws ENOTDIR or ELOOP when it is a link by now. */
  openFolder(name: string | Buffer): Promise<HeldFolder>
  /** Brings its entries to the disk. */
  flush(): Promise<void>
}

/** As many folders in one another as may be held at once. */
export const MOST_LEVELS = 256

/** Opens names, but neither files nor folders (open(2)); Node has no name for it. Linux on every architecture that Node runs on. */
export const O_PATH = 0o10_000_000

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const DIRECTORY = (constants.O_DIRECTORY ?? 0) | NO_FOLLOW
const FOLDER = constants.O_RDONLY | DIRECTORY
/** What waits for somebody at the other end, such as a pipe, is not waited for. */
const FILE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Where Linux has what this process holds open, by number. */
export const HELD = '/proc/self/fd'

/**
 * Goes down from `root` part by part, and follows no link, neither on the way nor at the end. What leads to the root
 * itself must be out of the reach of jobs. Throws ENOENT, ENOTDIR or ELOOP where there is no such folder.
 */
export async function holdFolder(root: string, parts: readonly string[] = []): Promise<HeldFolder> {
  for (const part of parts) requirePart(part)
  if (!canHold()) return await holdByPath(join(await realpath(root), ...parts))
  let above = await open(root, (parts.length === 0 ? FOLDER : O_PATH) | DIRECTORY)
  for (const [index, part] of parts.entries()) {
    // Whoever may go through a folder need not be able to read it.
    const flags = index === parts.length - 1 ? FOLDER : O_PATH | DIRECTORY
    try {
      const next = await open(`${placeOf(above)}/${part}`, flags)
      await above.close()
      above = next
    } catch (error) {
      await above.close()
      throw error
    }
  }
  return holdOpen(above)
}

/** Whether folders can be held, and not only their paths be checked. */
export function canHold(): boolean {
  return process.platform === 'linux' && existsSync(HELD)
}

/** Whatever checked the parts before, none may lead elsewhere here. */
function requirePart(part: string | Buffer): void {
  const name = part.toString()
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new Error('This is no part of a path.')
}

/** Where what this process holds open is found, whatever has become of its path: openat(2), which Node has not, goes by that. */
function placeOf({ fd }: FileHandle): string {
  return `${HELD}/${fd}`
}

function holdOpen(handle: FileHandle): HeldFolder {
  const place = placeOf(handle)
  const at = (name: string) => {
    requirePart(name)
    return `${place}/${name}`
  }
  return {
    at,
    stat: () => handle.stat({ bigint: true }),
    look: (name) => lstat(within(place, name), { bigint: true }),
    entries: () => readdir(place, { withFileTypes: true }),
    rawNames: () => readdir(place, { encoding: 'buffer' }),
    openFile: (name) => openRegular(at(name)),
    openFolder: async (name) => holdOpen(await open(within(place, name), FOLDER)),
    flush: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

function within(folder: string, name: string | Buffer): Buffer {
  requirePart(name)
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)])
}

/** Opening a device or a pipe can do something by itself: what it is must be known before. */
async function openRegular(path: string): Promise<FileHandle | null> {
  await using named = await open(path, O_PATH | NO_FOLLOW)
  if (!(await named.stat()).isFile()) return null
  return await open(placeOf(named), FILE)
}

/**
 * Where there is no /proc: the folder must be where its path says before and after each use. Between the two a job could
 * exchange it, which is seen too late; such jobs run as the server's own user there. Not tried on such systems.
 */
async function holdByPath(folder: string): Promise<HeldFolder> {
  const check = async () => {
    if ((await realpath(folder)) !== folder || !(await lstat(folder)).isDirectory()) throw absent(folder)
  }
  const checked = async <T>(result: Promise<T>) => {
    const value = await result
    await check()
    return value
  }
  await check()
  const at = (name: string) => {
    requirePart(name)
    return join(folder, name)
  }
  return {
    at,
    stat: () => checked(lstat(folder, { bigint: true })),
    look: (name) => checked(lstat(within(folder, name), { bigint: true })),
    entries: () => checked(readdir(folder, { withFileTypes: true })),
    rawNames: () => checked(readdir(folder, { encoding: 'buffer' })),
    async openFile(name) {
      const before = await lstat(at(name), { bigint: true })
      if (!before.isFile()) return null
      const handle = await open(at(name), FILE | NO_FOLLOW)
      const after = await handle.stat({ bigint: true })
      await check()
      if (after.isFile() && after.ino === before.ino && after.dev === before.dev) return handle
      await handle.close()
      return null
    },
    openFolder: (name) => holdByPath(at(name.toString())),
    flush: async () => undefined,
    async [Symbol.asyncDispose]() {
      // Nothing is held.
    },
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`${path} is not there any more`), { code: 'ENOENT', syscall: 'realpath' })
}
