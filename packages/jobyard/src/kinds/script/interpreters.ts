import { delimiter, isAbsolute, join } from 'node:path'
import { canExecute, checkReachable } from './reach.ts'
import type { JobsUser } from './run-as.ts'

/** What runs a script: Kudu's script hosts that are alive, and Java, which Azure's own documentation adds. */
export const HOSTS = ['windows', 'powershell', 'bash', 'python', 'php', 'node', 'java'] as const

/** One of {@link HOSTS}. */
export type Host = (typeof HOSTS)[number]

/** Where interpreters are looked for, and for whom. */
export interface InterpreterPlaces {
  /** PATH of the jobs. */
  readonly path: string
  readonly user: JobsUser
  /** Default: this machine's. */
  readonly platform?: NodeJS.Platform
  /** The Node that the server itself runs on; taken before one of PATH when the user can execute it. Default: process.execPath. */
  readonly execPath?: string
}

/** How a host is started here. */
export interface FoundInterpreter {
  readonly missing: false
  readonly name: string
  /** Absolute path of the program. */
  readonly file: string
  /** Arguments that come before the script's name. */
  readonly args: readonly string[]
  /** What should be told to whoever deploys, if anything. */
  readonly note?: string
}

/** A host that cannot be started here. */
export interface MissingInterpreter {
  readonly missing: true
  readonly name: string
  /** Names the program, the user and where it was looked for: a warning at deployment, the reason of a failed run. */
  readonly message: string
}

/** How a host is started here, or that it cannot be. */
export type Interpreter = FoundInterpreter | MissingInterpreter

interface Recipe {
  /** The program as people call it. */
  readonly name: string
  /** Programs to try in turn: absolute paths, or names to look for in PATH. */
  readonly programs: readonly string[]
  readonly args: readonly string[]
}

const RECIPES: Readonly<Record<Host, Recipe>> = {
  windows: { name: 'cmd', programs: ['cmd.exe'], args: ['/d', '/c'] },
  powershell: { name: 'pwsh', programs: ['pwsh'], args: ['-NoProfile', '-File'] },
  bash: { name: 'bash', programs: ['/bin/bash', 'bash', '/bin/sh', 'sh'], args: [] },
  python: { name: 'python3', programs: ['python3', 'python'], args: [] },
  php: { name: 'php', programs: ['php'], args: [] },
  node: { name: 'node', programs: ['node'], args: [] },
  java: { name: 'java', programs: ['java'], args: ['-jar'] },
}

/** What differs on Windows. It could not be tried. */
const WINDOWS_RECIPES: Partial<Record<Host, Recipe>> = {
  powershell: {
    name: 'PowerShell',
    programs: ['pwsh.exe', 'powershell.exe'],
    args: ['-NoProfile', '-ExecutionPolicy', 'RemoteSigned', '-File'],
  },
  bash: { name: 'bash', programs: ['bash.exe'], args: [] },
  python: { name: 'python', programs: ['python.exe', 'python3.exe'], args: [] },
  php: { name: 'php', programs: ['php.exe'], args: [] },
  node: { name: 'node', programs: ['node.exe'], args: [] },
  java: { name: 'java', programs: ['java.exe'], args: ['-jar'] },
}

/** The name that people know a host's interpreter by, such as `python3`. */
export function interpreterName(host: Host, platform: NodeJS.Platform = process.platform): string {
  return recipeFor(host, platform).name
}

function recipeFor(host: Host, platform: NodeJS.Platform): Recipe {
  return (platform === 'win32' ? WINDOWS_RECIPES[host] : undefined) ?? RECIPES[host]
}

/**
 * How a host is started: the first of its programs that the jobs' user can execute. A program that only the server can
 * reach, such as one below /root, does not count. Takes a few system calls per folder of PATH.
 */
export function resolveInterpreter(host: Host, places: InterpreterPlaces): Interpreter {
  const platform = places.platform ?? process.platform
  const recipe = recipeFor(host, platform)
  const programs = host === 'node' ? [places.execPath ?? process.execPath, ...recipe.programs] : recipe.programs
  const passed: string[] = []
  for (const program of programs) {
    const file = findProgram(program, places, passed)
    if (file !== undefined) return describe(recipe, file)
  }
  const where = passed.length === 0 ? '' : ` (${passed.join(', ')} cannot be executed by that user)`
  return {
    missing: true,
    name: recipe.name,
    message: `${recipe.name} was not found in the PATH of the user ${places.user.name} that jobs run as${where}; install it, or set PATH in the job's settings.`,
  }
}

function describe(recipe: Recipe, file: string): FoundInterpreter {
  const found: FoundInterpreter = { missing: false, name: recipe.name, file, args: recipe.args }
  if (recipe.name === 'bash' && /[\\/]sh$/.test(file)) {
    return {
      ...found,
      name: 'sh',
      note: `bash is not installed; the script runs with ${file}, which knows less than bash.`,
    }
  }
  return found
}

/** Programs that exist but cannot be executed by the user are noted in `passed`. */
function findProgram(program: string, places: InterpreterPlaces, passed: string[]): string | undefined {
  const candidates = isAbsolute(program) ? [program] : searchPath(places.path).map((folder) => join(folder, program))
  for (const file of candidates) {
    if (canExecute(file, places.user)) return file
    if (!places.user.own && canExecute(file, OWN) && !passed.includes(file)) passed.push(file)
  }
  return undefined
}

/** The server's own user, for telling "not there" from "not for you". */
const OWN: JobsUser = { name: 'the server', uid: -1, gid: -1, own: true }

/** The folders of a PATH. Relative ones are left out: a job's working folder is no place for programs of the same name. */
export function searchPath(path: string): string[] {
  return path.split(delimiter).filter((folder) => isAbsolute(folder))
}

/** The PATH that jobs get from the server's: without folders that their user cannot enter and without relative ones. */
export function pathForJobs(path: string | undefined, user: JobsUser): string {
  const folders = searchPath(path ?? '').filter((folder) => {
    const reach = checkReachable(folder, user)
    return reach.reachable && reach.exists
  })
  return [...new Set(folders.length === 0 ? STANDARD_PATH : folders)].join(delimiter)
}

const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The command line of a script: its bare file name, as Kudu passes it, and the caller's arguments. */
export function commandLine(interpreter: FoundInterpreter, file: string, args: readonly string[]): readonly string[] {
  // A name that begins with "-" would be an option to the interpreter.
  return [...interpreter.args, file.startsWith('-') ? `./${file}` : file, ...args]
}
