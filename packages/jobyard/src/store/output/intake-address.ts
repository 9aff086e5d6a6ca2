import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'

/** How the folders of such sockets are called, and what sweeps know them by. */
const PREFIX = 'jobyard-output-'

/** The socket inside of its folder. */
const SOCKET = 's'

/** The longest path of a Unix socket, in bytes, that every system takes: macOS has room for 104 with the final zero. */
const LONGEST_PATH = 103

/** Folders younger than this, in milliseconds, are left alone: their server may be about to listen. */
const SETTLED_MS = 60_000

/** Where to listen. */
export interface Address {
  readonly path: string
  /** The folder made for it; undefined for a named pipe. */
  readonly folder: string | undefined
}

/** Makes an address that only this user can reach. The folder has mode 0700, as mkdtemp makes it. */
export async function reserveAddress(clock: Clock): Promise<Address> {
  if (process.platform === 'win32') {
    return { path: `\\\\.\\pipe\\${PREFIX}${randomBytes(12).toString('hex')}`, folder: undefined }
  }
  const longest = join(tmpdir(), `${PREFIX}XXXXXX`, SOCKET)
  const parent = Buffer.byteLength(longest) > LONGEST_PATH ? '/tmp' : tmpdir()
  await sweep(parent, clock.now() - SETTLED_MS)
  const folder = await mkdtemp(join(parent, PREFIX))
  return { path: join(folder, SOCKET), folder }
}

export async function releaseAddress({ folder }: Address): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
}

/** Removes the folders of servers that were killed: those with a socket on which nobody listens any more. */
async function sweep(parent: string, before: number): Promise<void> {
  const names = await readdir(parent)
  const folders = names.filter((name) => name.startsWith(PREFIX)).map((name) => join(parent, name))
  await Promise.all(
    folders.map(async (folder) => {
      const { mtimeMs } = await stat(folder)
      if (mtimeMs < before && (await isAbandoned(join(folder, SOCKET))))
        await rm(folder, { recursive: true, force: true })
    }),
  )
}

/** Only a refused connection is a sure sign; a socket of another user's server answers with "permission denied". */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}
