import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { JobyardError } from '../../domain/errors.ts'
import { isSystemError } from './system-error.ts'
import type { ScriptWarning } from './warning.ts'

/** The system user that jobs run as. */
export interface JobsUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** True when it is the user that the server itself runs as: nothing has to be changed hands then. */
  readonly own: boolean
}

/** Who the server is and where users are looked up. */
export interface SystemAccounts {
  /** User and group of the server; undefined on Windows, which has no such numbers. */
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** Name of the server's user. */
  readonly name: string
  readonly passwdFile: string
  readonly groupFile: string
  /** Asks the system for a user that is not in the file (LDAP, macOS). Undefined when it knows none of that name. */
  lookUp(name: string): Promise<{ uid: number; gid: number } | undefined>
}

/** The accounts of this machine. */
export function systemAccounts(): SystemAccounts {
  return {
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    name: nameOfUser(),
    passwdFile: '/etc/passwd',
    groupFile: '/etc/group',
    lookUp: askSystem,
  }
}

/** In a container the server may run under a number that no account belongs to; that is its name then. */
function nameOfUser(): string {
  try {
    return userInfo().username
  } catch (error) {
    const uid = process.getuid?.()
    if (uid === undefined || !isSystemError(error, 'ERR_SYSTEM_ERROR')) throw error
    return String(uid)
  }
}

/** The user of jobs and what should be said about it. */
export interface RunAs {
  readonly user: JobsUser
  readonly warnings: readonly ScriptWarning[]
}

/**
 * Finds the user that jobs run as. `setting` is JOBYARD_RUN_AS: a user name, `name:group`, `uid` or `uid:gid`. Without
 * it jobs run as the server's own user, unless that is root: then as `jobyard` if there is such a user, else as
 * `nobody`. Throws 'run-as-invalid' for an unknown user, and for another one when the server is not root.
 */
export async function resolveRunAs(setting: string | undefined, accounts = systemAccounts()): Promise<RunAs> {
  const { uid, gid, name } = accounts
  if (uid === undefined || gid === undefined) {
    if (setting !== undefined && setting !== name) throw invalid(`Jobs cannot run as ${setting} on this system.`)
    return { user: { name, uid: -1, gid: -1, own: true }, warnings: [] }
  }
  const own: JobsUser = { name, uid, gid, own: true }
  if (setting === undefined) return { user: uid === 0 ? await defaultUser(accounts) : own, warnings: [] }
  const found = await findUser(setting, accounts)
  if (found.uid === uid && found.gid === gid) return { user: own, warnings: uid === 0 ? [runsAsRoot()] : [] }
  if (uid !== 0) {
    throw invalid(
      `JOBYARD_RUN_AS is ${setting}, but the server runs as ${name} and only root can start jobs as somebody else.`,
      'Start the server as root, or remove JOBYARD_RUN_AS.',
    )
  }
  return { user: found, warnings: found.uid === 0 ? [runsAsRoot()] : [] }
}

function runsAsRoot(): ScriptWarning {
  return {
    code: 'run-as-root',
    field: 'JOBYARD_RUN_AS',
    message: 'Jobs run as root: whoever may deploy a script can do everything on this machine.',
  }
}

async function defaultUser(accounts: SystemAccounts): Promise<JobsUser> {
  for (const name of ['jobyard', 'nobody']) {
    const found = await findByName(name, accounts)
    if (found !== undefined && found.uid !== 0) return { name, ...found, own: false }
  }
  throw invalid(
    'The server runs as root and this machine has neither a user jobyard nor a user nobody to run jobs as.',
    'Make a user (useradd --system jobyard), or name one in JOBYARD_RUN_AS.',
  )
}

async function findUser(setting: string, accounts: SystemAccounts): Promise<JobsUser> {
  const [who = '', group, ...rest] = setting.split(':')
  if (who === '' || group === '' || rest.length > 0) {
    throw invalid(`JOBYARD_RUN_AS is "${setting}"; it must be a user name, uid, name:group or uid:gid.`)
  }
  const user = /^\d+$/.test(who) ? await findByNumber(who, accounts) : await findNamed(who, accounts)
  const gid = group === undefined ? user.gid : await findGroup(group, accounts)
  return { ...user, gid, own: false }
}

interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

async function findNamed(name: string, accounts: SystemAccounts): Promise<Account> {
  const found = await findByName(name, accounts)
  if (found === undefined) throw invalid(`JOBYARD_RUN_AS names the user ${name}, which this machine does not have.`)
  return { name, ...found }
}

/** A number need not belong to anybody; without an account its group has the same number. */
async function findByNumber(text: string, accounts: SystemAccounts): Promise<Account> {
  const uid = toId(text)
  const known = (await readAccounts(accounts.passwdFile)).find((fields) => fields[2] === String(uid))
  return { name: known?.[0] ?? text, uid, gid: known === undefined ? uid : toId(known[3]) }
}

async function findByName(name: string, accounts: SystemAccounts): Promise<{ uid: number; gid: number } | undefined> {
  const known = (await readAccounts(accounts.passwdFile)).find((fields) => fields[0] === name)
  if (known !== undefined) return { uid: toId(known[2]), gid: toId(known[3]) }
  return accounts.lookUp(name)
}

async function findGroup(group: string, accounts: SystemAccounts): Promise<number> {
  if (/^\d+$/.test(group)) return toId(group)
  const known = (await readAccounts(accounts.groupFile)).find((fields) => fields[0] === group)
  if (known === undefined) throw invalid(`JOBYARD_RUN_AS names the group ${group}, which this machine does not have.`)
  return toId(known[2])
}

/** The lines of a file in the format of passwd(5) and group(5), cut at colons; none when there is no such file. */
async function readAccounts(file: string): Promise<string[][]> {
  try {
    const text = await readFile(file, 'utf8')
    return text.split('\n').map((line) => line.split(':'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** The greatest number that names a user or group; the next one means "leave it as it is" to the system. */
const GREATEST_ID = 2 ** 32 - 2

function toId(text: string | undefined): number {
  const id = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || id > GREATEST_ID)
    throw invalid(`"${text}" is not the number of a user or group.`)
  return id
}

const run = promisify(execFile)

async function askSystem(name: string): Promise<{ uid: number; gid: number } | undefined> {
  // The name becomes an argument of a program, so it must not look like an option.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?$/.test(name)) return undefined
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: toId(uid.stdout.trim()), gid: toId(gid.stdout.trim()) }
  } catch (error) {
    if (error instanceof JobyardError) throw error
    return undefined
  }
}

function invalid(message: string, hint?: string): JobyardError {
  return new JobyardError('run-as-invalid', message, {
    field: 'JOBYARD_RUN_AS',
    ...(hint === undefined ? {} : { hint }),
  })
}
