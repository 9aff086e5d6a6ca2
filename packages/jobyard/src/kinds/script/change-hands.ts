import { constants } from 'node:fs'
import { chown, type FileHandle, open, readdir } from 'node:fs/promises'
import { JobyardError } from '../../domain/errors.ts'
import { canHold, HELD, MOST_LEVELS, O_PATH } from './held-folder.ts'
import type { JobsUser } from './run-as.ts'
import { isSystemError } from './system-error.ts'

/** Holds an entry of any kind, a link too, and opens nothing. */
const HOLD = O_PATH | (constants.O_NOFOLLOW ?? 0)

/**
 * Gives a folder and all in it that belongs to the user `from` to the jobs' user. What is a third user's is left alone, and
 * so is a file with a further name, which may be somebody else's business that the old user could link to.
 *
 * Only root can do that, while processes of the old user may still be there and put links in the place of folders.
 * So nothing goes by a path: every entry is held open, without following links, is looked at and given away as what is
 * held, and what is in a folder is found from there. The folder itself comes last: as long as it is the old user's, the
 * next run begins here again. Throws 'folder-unsafe' where the system has no such way.
 */
export async function changeHands(folder: string, from: number, user: JobsUser): Promise<void> {
  const handover = { folder, from, user }
  if (!canHold()) throw refused(handover, `without ${HELD}`)
  await using top = await open(folder, HOLD)
  await handOver(top, handover, 0)
}

interface Handover {
  readonly folder: string
  readonly from: number
  readonly user: JobsUser
}

async function handOver(held: FileHandle, handover: Handover, level: number): Promise<void> {
  const place = `${HELD}/${held.fd}`
  const stats = await held.stat()
  if (stats.isDirectory()) {
    if (level === MOST_LEVELS) throw refused(handover, `with more than ${MOST_LEVELS} folders in one another`)
    // Names need not be text.
    for (const name of await readdir(place, { encoding: 'buffer' })) {
      await using entry = await hold(Buffer.concat([Buffer.from(`${place}/`), name]))
      if (entry !== undefined) await handOver(entry, handover, level + 1)
    }
  }
  const { from, user } = handover
  if (stats.uid === from && (stats.isDirectory() || stats.nlink === 1)) await chown(place, user.uid, user.gid)
}

/** Undefined when the entry has gone meanwhile. */
async function hold(path: Buffer): Promise<FileHandle | undefined> {
  try {
    return await open(path, HOLD)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

function refused({ folder, from, user }: Handover, circumstance: string): JobyardError {
  const message = `${folder} belongs to user ${from}, and jobs run as ${user.name} (${user.uid}); ${circumstance} it cannot be handed over safely.`
  const hint = `Stop the server, see to it that no process of user ${from} is left, and give the folder over by chown -R.`
  return new JobyardError('folder-unsafe', message, { hint })
}
