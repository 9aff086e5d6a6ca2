import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import { type Discovery, discoverScript } from './discover.ts'
import { type InterpreterPlaces, resolveInterpreter } from './interpreters.ts'
import { quoteName } from './names.ts'
import { type PackageFile, type PackageTree, parentOf } from './package-tree.ts'
import {
  LARGEST_SETTINGS,
  largeSettings,
  NO_SETTINGS,
  readSettingsJob,
  SETTINGS_FILE,
  type SettingsJob,
} from './settings-job.ts'
import type { ScriptWarning } from './warning.ts'

/** What a package runs and how. */
export interface PackageScript {
  readonly script: Discovery
  readonly settings: SettingsJob
  /** True when a file `disable.job` lies beside the script: Kudu's mark of a continuous job that shall not start. */
  readonly disabled: boolean
  /** All that people should see: of the script, its interpreter and its settings. */
  readonly warnings: readonly ScriptWarning[]
}

/** What becomes of a package whose settings.job cannot be read: it is refused, or taken with a warning, as Kudu takes it. */
export type UnreadableSettings = 'refuse' | 'warn'

/**
 * Finds the script of a package whose tree lies in `folder`, and reads the settings beside it. Throws 'script-missing',
 * 'script-unsupported' and, when that is to be refused, 'settings-invalid'. A missing interpreter is only a warning.
 */
export async function readPackageScript(
  tree: PackageTree,
  folder: string,
  places: InterpreterPlaces,
  unreadable: UnreadableSettings = 'warn',
): Promise<PackageScript> {
  const script = discoverScript(tree, {
    ...(places.platform === undefined ? {} : { platform: places.platform }),
    isInstalled: (host) => !resolveInterpreter(host, places).missing,
  })
  const beside = (name: string): PackageFile | undefined =>
    tree.files.find((file) => parentOf(file.path) === script.directory && fileName(file.path).toLowerCase() === name)
  const settings = await readSettings(beside(SETTINGS_FILE), folder, unreadable)
  const ofScript = [...interpreterWarnings(script, places), ...(await lineEndWarnings(script, folder))]
  return {
    script,
    settings,
    disabled: beside('disable.job') !== undefined,
    warnings: [...script.warnings, ...ofScript, ...settings.warnings],
  }
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

async function readSettings(
  file: PackageFile | undefined,
  folder: string,
  unreadable: UnreadableSettings,
): Promise<SettingsJob> {
  if (file === undefined) return NO_SETTINGS
  try {
    if (file.bytes > LARGEST_SETTINGS) throw largeSettings(file.bytes)
    return readSettingsJob(await readFile(join(folder, file.path)))
  } catch (error) {
    if (unreadable === 'refuse' || !(error instanceof JobyardError) || error.code !== 'settings-invalid') throw error
    return asEmpty(error)
  }
}

/** A file that cannot be read counts as empty, as with Kudu, so that what could be deployed there can be here; but it is told. */
function asEmpty({ message: why, position }: JobyardError): SettingsJob {
  const message = `None of ${SETTINGS_FILE} counts: ${why}`
  const place = position === undefined ? {} : { position }
  return { ...NO_SETTINGS, warnings: [{ code: 'settings-unreadable', field: SETTINGS_FILE, message, ...place }] }
}

function interpreterWarnings(script: Discovery, places: InterpreterPlaces): ScriptWarning[] {
  const interpreter = resolveInterpreter(script.host, places)
  if (interpreter.missing) return [{ code: 'interpreter-missing', message: interpreter.message }]
  if (interpreter.note !== undefined) return [{ code: 'interpreter-other', message: interpreter.note }]
  if (/\.ts$/i.test(script.file) && interpreter.file !== (places.execPath ?? process.execPath)) {
    const message = `${quoteName(script.file)} runs with ${interpreter.file}, which must be Node 22.18 or newer to run TypeScript.`
    return [{ code: 'interpreter-version', message }]
  }
  return []
}

/** So much of a script is looked at, in bytes. */
const LOOKED_AT = 4096

/** A script written on Windows fails under bash in ways that do not show why. */
async function lineEndWarnings(script: Discovery, folder: string): Promise<ScriptWarning[]> {
  if (script.host !== 'bash') return []
  const chunks: Buffer[] = []
  for await (const chunk of createReadStream(join(folder, script.file), { end: LOOKED_AT - 1 })) chunks.push(chunk)
  if (!Buffer.concat(chunks).includes('\r\n')) return []
  const message = `${quoteName(script.file)} has Windows line ends (CR LF), on which bash fails; save it with Unix line ends (LF).`
  return [{ code: 'script-line-ends', message }]
}
