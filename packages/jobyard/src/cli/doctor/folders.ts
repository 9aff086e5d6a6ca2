import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { JobyardError } from '../../domain/errors.ts'
import { readKeyFile } from '../../store/folder-files.ts'
import { saySize } from '../wording.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

const MB = 1024 * 1024
/** With less than this free, runs will soon fail; with less than the other, it should be looked after. */
const TOO_LITTLE = 100 * MB
const LITTLE = 1024 * MB

/** The data folder: there or to be made, writable, with room. */
export const dataFolderCheck: Check = {
  name: 'data folder',
  run({ config: { dataFolder } }) {
    const place = nearestPlace(dataFolder)
    const findings = [place === dataFolder ? folderFinding(dataFolder) : futureFinding(dataFolder, place)]
    const { bavail, bsize } = statfsSync(place)
    findings.push(roomFinding(dataFolder, bavail * bsize))
    return findings
  },
}

function folderFinding(folder: string): Finding {
  if (!statSync(folder).isDirectory()) return fail(`${folder} is not a folder.`, 'Name a folder with JOBYARD_DATA.')
  return may(folder)
    ? ok(`${folder} can be written to.`)
    : fail(`${folder} cannot be written to by this user.`, 'Run this as the user that the server runs as.')
}

function futureFinding(folder: string, place: string): Finding {
  return may(place)
    ? ok(`${folder} is not there yet; the first start makes it.`)
    : fail(`${folder} cannot be made: ${place} cannot be written to.`, "Make it, and give it to the server's user.")
}

function roomFinding(folder: string, bytes: number): Finding {
  const words = `${saySize(bytes)} are free for ${folder}.`
  if (bytes < TOO_LITTLE) return fail(words, 'Make room, or move the data folder to a larger disk.')
  return bytes < LITTLE ? warn(words, 'Make room before runs fail for lack of it.') : ok(words)
}

function may(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The path itself, or the nearest folder above it that is there. */
export function nearestPlace(path: string): string {
  let place = path
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place)
  return place
}

/** The key for secrets at rest: there when there is a database, whole, and nobody else's to read. */
export const keyFileCheck: Check = {
  name: 'key file',
  run({ config: { keyFile, dataFolder, databaseUrl } }) {
    const used = databaseUrl !== null || existsSync(`${dataFolder}/jobyard.db`)
    if (!existsSync(keyFile)) {
      if (!used) return [ok(`${keyFile} is not there yet; the first start makes it.`)]
      const what = `${keyFile} is missing, and secrets in the database cannot be read without it.`
      return [fail(what, 'Put it back from where you keep a copy. A start without it makes a new one.')]
    }
    return [...readable(keyFile), ...privateFinding(keyFile)]
  },
}

function readable(path: string): Finding[] {
  try {
    readFileSync(path)
    readKeyFile(path)
    return [ok(`${path} holds a key; keep a copy of it elsewhere, for it is in no backup.`)]
  } catch (error) {
    if (error instanceof JobyardError) return [fail(error.message, error.hint)]
    if (error instanceof Error)
      return [fail(`${path} cannot be read: ${error.message}.`, "Give it to the server's user.")]
    throw error
  }
}

function privateFinding(path: string): Finding[] {
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return []
  return [warn(`${path} can be read by other users.`, `Take that from them: chmod 600 ${path}`)]
}
