import { createHash } from 'node:crypto'
import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import { changeHands } from './change-hands.ts'
import { checkReachable } from './reach.ts'
import type { JobsUser } from './run-as.ts'
import { isSystemError } from './system-error.ts'
import type { ScriptWarning } from './warning.ts'

/** Where jobs work and where they keep their data. */
export interface JobFolders {
  /** Working copies and what lives as long as a run. May be lost at any time between runs. */
  readonly work: string
  /** A folder per job for what it wants to keep. */
  readonly jobs: string
  readonly warnings: readonly ScriptWarning[]
}

/** Where else folders may be put; for tests. */
export interface OtherPlaces {
  /** Default: the system's folder for temporary files. */
  readonly temporary?: string
  /** Default: /var/lib. */
  readonly lasting?: string
}

/**
 * Chooses the folders of jobs: `work` and `jobs` in the server's data folder, which must exist. When the jobs' user
 * cannot come there (a data folder below /root, say), `work` becomes `<temporary>/jobyard-<id>/work` and `jobs` becomes
 * `/var/lib/jobyard-<id>/jobs`, or a folder beside that `work` where the former cannot be used; `id` follows from the path
 * of the data folder, and a warning says what stands in the way. Throws 'folder-unsafe' when such a folder
 * belongs to somebody else.
 */
export async function chooseJobFolders(data: string, user: JobsUser, places: OtherPlaces = {}): Promise<JobFolders> {
  const home = realpathSync(data)
  const here = { work: join(home, 'work'), jobs: join(home, 'jobs') }
  const reach = checkReachable(home, user)
  if (reach.reachable) return { ...here, warnings: [] }
  const name = `jobyard-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`
  const temporary = join(places.temporary ?? tmpdir(), name)
  const other = checkReachable(temporary, user)
  if (!other.reachable) {
    throw new JobyardError('run-as-invalid', `${reach.message} Neither can another folder be used: ${other.message}`)
  }
  await ensureOwnFolder(temporary, 0o711)
  const lasting = await makeLasting(join(places.lasting ?? '/var/lib', name), user)
  const jobs = join(lasting ?? temporary, 'jobs')
  const lost = lasting === undefined ? ', where the system may delete it' : ''
  const message = `${reach.message} Jobs work in ${join(temporary, 'work')} instead, and their data is kept in ${jobs}${lost}. Move JOBYARD_DATA to a place such as /var/lib/jobyard, or let others enter ${reach.blockedBy} (chmod o+x).`
  const warning = { code: 'data-folder-unreachable', field: 'JOBYARD_DATA', message }
  return { work: join(temporary, 'work'), jobs, warnings: [warning] }
}

/** Undefined when the folder cannot be made, or jobs could not come there either. */
async function makeLasting(folder: string, user: JobsUser): Promise<string | undefined> {
  if (!checkReachable(folder, user).reachable) return undefined
  try {
    await ensureOwnFolder(folder, 0o711)
    return folder
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EROFS', 'EPERM')) return undefined
    throw error
  }
}

/**
 * Makes a folder of the server, or sees to it that one that is there already is just that: a folder, not a link, which
 * belongs to the server's user and which nobody else may write to. Throws 'folder-unsafe'. In /tmp anybody may have put
 * something of that name.
 */
export async function ensureOwnFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    checkOwnFolder(path, await lstat(path))
  }
  // The mode given to mkdir is cut by the umask of the server, which may well be 077.
  await chmod(path, mode)
}

function checkOwnFolder(path: string, stats: Stats): void {
  const uid = process.getuid?.()
  let fault: string | undefined
  if (!stats.isDirectory()) fault = 'is not a folder'
  else if (uid !== undefined && stats.uid !== uid)
    fault = `belongs to user ${stats.uid}, not to the server's user ${uid}`
  else if (uid !== undefined && (stats.mode & 0o022) !== 0) fault = 'may be written to by others'
  if (fault !== undefined) throw new JobyardError('folder-unsafe', `${path} ${fault}.`)
}

/** Makes a folder that belongs to the jobs' user alone. Its parent must be the server's. */
export async function makeJobsFolder(path: string, user: JobsUser): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  if (!user.own) await chown(path, user.uid, user.gid)
}

/**
 * Sees to it that a lasting folder of the jobs' user is there. When it belongs to another user, because jobs ran as that
 * one before, all in it changes hands. Costs one system call when there is nothing to do.
 */
export async function ensureJobsFolder(path: string, user: JobsUser): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false }) ?? (await makeOrMeet(path, user))
  if (stats === undefined) return
  if (!stats.isDirectory()) throw new JobyardError('folder-unsafe', `${path} is not a folder.`)
  const uid = user.own ? process.getuid?.() : user.uid
  if (uid === undefined || stats.uid === uid) return
  if (process.getuid?.() !== 0) {
    throw new JobyardError(
      'folder-unsafe',
      `${path} belongs to user ${stats.uid}, and jobs run as ${user.name} (${uid}).`,
    )
  }
  await changeHands(path, stats.uid, user)
}

/** Makes the folder; answers what is there when another run of the job, begun at the same moment, made it first. */
async function makeOrMeet(path: string, user: JobsUser): Promise<Stats | undefined> {
  try {
    await makeJobsFolder(path, user)
    return undefined
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    return await lstat(path)
  }
}
