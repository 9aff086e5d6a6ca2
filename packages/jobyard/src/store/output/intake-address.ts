import { randomBytes } from 'node:crypto'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'

/** How the folders of such sockets are called, and what sweeps know them by. */
const PREFIX = 'jobyard-output-'

/** The socket inside of its folder. */
const SOCKET = 's'

/** The longest path of a Unix socket, in bytes, that every system takes: macOS has room for 104 with the final zero. */
const LONGEST_PATH = 103

/** Folders younger than this, in milliseconds, are left alone: their server may be about to listen. */
const SETTLED_MS = 60_000

/**
 * Makes an address that only this user can reach: the path of a socket in a folder of mode 0700, as mkdtemp makes it,
 * or of a named pipe on Windows.
 */
export async function reserveAddress(clock: Clock): Promise<string> {
  if (process.platform === 'win32') return `\\\\.\\pipe\\${PREFIX}${randomBytes(12).toString('hex')}`
  const longest = join(tmpdir(), `${PREFIX}XXXXXX`, SOCKET)
  const parent = Buffer.byteLength(longest) > LONGEST_PATH ? '/tmp' : tmpdir()
  // To tidy up after others is a courtesy: what cannot be listed or removed does not keep this server from starting.
  await Promise.allSettled([sweep(parent, clock.now() - SETTLED_MS)])
  const folder = await mkdtemp(join(parent, PREFIX))
  return join(folder, SOCKET)
}

/** Removes the socket and its folder. */
export async function releaseAddress(address: string): Promise<void> {
  if (process.platform !== 'win32') await rm(dirname(address), { recursive: true, force: true })
}

/** Removes the folders of this user's servers that were killed: those where nobody listens any more. */
async function sweep(parent: string, before: number): Promise<void> {
  const names = await readdir(parent)
  const folders = names.filter((name) => name.startsWith(PREFIX)).map((name) => join(parent, name))
  // Settled each for itself, because another server may remove one of them at the same time.
  await Promise.allSettled(folders.map((folder) => removeAbandoned(folder, before)))
}

async function removeAbandoned(folder: string, before: number): Promise<void> {
  // Anybody may put anything into a folder for temporary files: links and what others own are not ours to remove.
  const stats = await lstat(folder)
  if (!stats.isDirectory() || stats.uid !== process.getuid?.() || stats.mtimeMs >= before) return
  if (await isAbandoned(join(folder, SOCKET))) await rm(folder, { recursive: true, force: true })
}

/**
 * True when nobody listens: the connection is refused after the death of a process, and there is no socket any more
 * after the death of only its output thread.
 */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT'),
    )
  })
}
