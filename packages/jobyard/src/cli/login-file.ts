import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { JobyardError } from '../domain/errors.ts'
import type { Terminal } from './terminal.ts'

/** The servers that somebody is logged in to. */
export interface Login {
  /** The server of the latest login. */
  readonly current: string | undefined
  /** Tokens by the addresses of their servers, see {@link serverKey}. */
  readonly tokens: Readonly<Record<string, string>>
}

/** Where the login is kept: `~/.config/jobyard/config.json`, or below XDG_CONFIG_HOME. */
export function loginFile({ env, home }: Pick<Terminal, 'env' | 'home'>): string {
  const xdg = env.XDG_CONFIG_HOME
  const folder = xdg === undefined || !xdg.startsWith('/') ? join(home, '.config') : xdg
  return join(folder, 'jobyard', 'config.json')
}

/** One spelling for all ways to write the address of a server. */
export function serverKey(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname.replace(/\/+$/, '')
}

/** Reads the login; nobody is logged in when there is no file. */
export async function readLogin(terminal: Pick<Terminal, 'env' | 'home'>): Promise<Login> {
  const file = loginFile(terminal)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { current: undefined, tokens: {} }
    throw error
  }
  const { current, tokens } = parse(text, file)
  return {
    current: typeof current === 'string' ? current : undefined,
    tokens: readTokens(tokens),
  }
}

/** Keeps the login where only this user can read it. The file is replaced as a whole or not at all. */
export async function writeLogin(terminal: Pick<Terminal, 'env' | 'home'>, login: Login): Promise<string> {
  const file = loginFile(terminal)
  const folder = dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const temporary = `${file}.new`
  await rm(temporary, { force: true })
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(login, undefined, 2)}\n`)
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  return file
}

function readTokens(tokens: unknown): Record<string, string> {
  if (typeof tokens !== 'object' || tokens === null) return {}
  const entries: [string, unknown][] = Object.entries(tokens)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function parse(text: string, file: string): { current?: unknown; tokens?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new JobyardError('usage-invalid', `The login in ${file} cannot be read.`, {
    hint: 'Remove the file and log in anew with `jobyard login`.',
  })
}
