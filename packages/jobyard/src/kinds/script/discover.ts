import { JobyardError } from '../../domain/errors.ts'
import { type Host, interpreterName } from './interpreters.ts'
import { quoteName } from './names.ts'
import { compareNames, type PackageTree, parentOf } from './package-tree.ts'
import type { ScriptWarning } from './warning.ts'

/** The script that a package runs. */
export interface Discovery {
  /** The script, relative to the top of the package, with `/` between folders. */
  readonly file: string
  /** The folder that it lies in, where settings.job is looked for too; empty for the top. */
  readonly directory: string
  readonly host: Host
  /** What people call the program that runs it, such as `python3`. */
  readonly interpreter: string
  readonly warnings: readonly ScriptWarning[]
}

/** What can run here. */
export interface DiscoverOptions {
  /** Default: this machine's. */
  readonly platform?: NodeJS.Platform
  /** Whether a host's interpreter is there. Default: all are. */
  isInstalled?(host: Host): boolean
}

interface ScriptSort {
  readonly host: Host
  /** In the order of preference. */
  readonly extensions: readonly string[]
}

/** Kudu's hosts in Kudu's order; `.mjs`, `.ts` and `.jar` are additions behind what they could get in the way of. */
const SORTS: readonly ScriptSort[] = [
  { host: 'windows', extensions: ['.cmd', '.bat', '.exe'] },
  { host: 'powershell', extensions: ['.ps1'] },
  { host: 'bash', extensions: ['.sh'] },
  { host: 'python', extensions: ['.py'] },
  { host: 'php', extensions: ['.php'] },
  { host: 'node', extensions: ['.js', '.mjs', '.ts'] },
  { host: 'java', extensions: ['.jar'] },
]

interface Candidate {
  readonly name: string
  readonly host: Host
  /** Whether it is called `run`. */
  readonly run: boolean
}

/**
 * Finds the script of a package as Azure WebJobs do: lone sub-folders are descended into; then `run.*` in the order of
 * the hosts; else the first file by name of the first extension, in that order, that has any. Names compare without
 * case. Scripts for Windows alone are passed over elsewhere. A host without its interpreter is passed over only for
 * another script of the same rank, so that a helper never runs in the place of a `run.*`. Throws 'script-missing', or
 * 'script-unsupported' when there are only scripts that cannot run here.
 */
export function discoverScript(tree: PackageTree, options: DiscoverOptions = {}): Discovery {
  const platform = options.platform ?? process.platform
  const directory = scriptDirectory(tree)
  const names = filesIn(tree, directory)
  const candidates = listCandidates(names)
  const here = candidates.filter((each) => platform === 'win32' || each.host !== 'windows')
  const best = here[0]
  if (best === undefined) throw nothingRuns(tree, directory, names, candidates, platform)
  const isInstalled = options.isInstalled ?? (() => true)
  const chosen = here.find((each) => each.run === best.run && isInstalled(each.host)) ?? best
  return {
    file: join(directory, chosen.name),
    directory,
    host: chosen.host,
    interpreter: interpreterName(chosen.host, platform),
    warnings: passedOver(candidates, chosen),
  }
}

/** What macOS adds to archives on its own. With Kudu such an archive had no script; nobody means these by their script. */
const MACOS_LITTER = new Set(['__MACOSX', '.DS_Store'])

/** The folder where the script lies: down from the top as long as a folder holds one single folder and nothing else. */
export function scriptDirectory(tree: PackageTree): string {
  const children = new Map<string, { files: number; folders: string[] }>()
  const of = (folder: string): { files: number; folders: string[] } => {
    const known = children.get(folder) ?? { files: 0, folders: [] }
    children.set(folder, known)
    return known
  }
  for (const folder of tree.folders) {
    if (!isLitter(folder)) of(parentOf(folder)).folders.push(folder)
  }
  for (const file of tree.files) {
    if (!isLitter(file.path)) of(parentOf(file.path)).files++
  }
  let place = ''
  for (;;) {
    const { files, folders } = of(place)
    const [only] = folders
    if (files > 0 || folders.length !== 1 || only === undefined) return place
    place = only
  }
}

function isLitter(path: string): boolean {
  return MACOS_LITTER.has(path.slice(path.lastIndexOf('/') + 1))
}

function filesIn(tree: PackageTree, directory: string): string[] {
  return tree.files
    .filter((file) => parentOf(file.path) === directory)
    .map((file) => file.path.slice(directory === '' ? 0 : directory.length + 1))
    .toSorted(compareNames)
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

/** What could be run, best first: every `run.*` in the order of hosts, then the first file of each host. */
function listCandidates(names: readonly string[]): Candidate[] {
  const runs: Candidate[] = []
  const others: Candidate[] = []
  for (const { host, extensions } of SORTS) {
    for (const extension of extensions) {
      const run = names.find((name) => name.toLowerCase() === `run${extension}`)
      if (run !== undefined) runs.push({ name: run, host, run: true })
    }
    const first = extensions.map((extension) => names.find((name) => name.toLowerCase().endsWith(extension)))
    const name = first.find((each) => each !== undefined)
    if (name !== undefined) others.push({ name, host, run: false })
  }
  return [...runs, ...others]
}

/** Says which scripts a WebJobs user would have expected to run instead. */
function passedOver(candidates: readonly Candidate[], chosen: Candidate): ScriptWarning[] {
  const better = candidates.slice(0, candidates.indexOf(chosen))
  // A run.* may be the first file of its host, too.
  const named = better.filter((each, index) => better.findIndex(({ name }) => name === each.name) === index)
  return named.map((each) => ({
    code: 'script-passed-over',
    message:
      each.host === 'windows'
        ? `${quoteName(each.name)} runs on Windows only; ${quoteName(chosen.name)} is run instead.`
        : `${interpreterName(each.host)} for ${quoteName(each.name)} is not installed; ${quoteName(chosen.name)} is run instead.`,
  }))
}

/** What can be run on a system, in words. */
function takenOn(platform: NodeJS.Platform): string {
  const here = SORTS.filter(({ host }) => platform === 'win32' || host !== 'windows')
  return `run${here.flatMap(({ extensions }) => extensions).join(', run')}, or any file that ends so`
}

function nothingRuns(
  tree: PackageTree,
  directory: string,
  names: string[],
  candidates: Candidate[],
  platform: NodeJS.Platform,
): JobyardError {
  const windows = candidates[0]
  const details = { field: 'package', data: { found: names.slice(0, MOST_SHOWN), directory } }
  if (windows !== undefined) {
    const message = `The script ${quoteName(join(directory, windows.name))} runs on Windows only, and this server runs on ${platform}.`
    return new JobyardError('script-unsupported', message, details)
  }
  const dead = names.find((name) => /\.fsx$/i.test(name) || name.toLowerCase() === 'project.json')
  if (dead !== undefined) {
    const what = /\.fsx$/i.test(dead) ? 'F# scripts (.fsx)' : 'DNX projects (project.json)'
    const message = `The only thing to run is ${quoteName(join(directory, dead))}, and ${what} are not supported.`
    return new JobyardError('script-unsupported', message, details)
  }
  const where = directory === '' ? 'at the top of the package' : `in the folder ${quoteName(directory)}`
  const found = names.length === 0 ? `no files, and ${foldersIn(tree, directory)}` : listNames(names)
  const message = `No script was found ${where}: there are ${found}. What is run there: ${takenOn(platform)}.`
  return new JobyardError('script-missing', message, details)
}

const MOST_SHOWN = 10

function foldersIn(tree: PackageTree, directory: string): string {
  const folders = tree.folders.filter((folder) => parentOf(folder) === directory)
  return folders.length === 0 ? 'no folders' : `the folders ${listNames(folders)}`
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_SHOWN).map(quoteName).join(', ')
  return names.length > MOST_SHOWN ? `${shown} and ${names.length - MOST_SHOWN} more` : shown
}
