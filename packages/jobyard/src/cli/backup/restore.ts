import { existsSync } from 'node:fs'
import { chmod, cp, lchown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Config } from '../../config.ts'
import { JobyardError } from '../../domain/errors.ts'
import { explainFullDisk, isSystemError } from '../../kinds/script/system-error.ts'
import { migrateUp } from '../../store/migrate.ts'
import { sqliteDialect } from '../../store/sql.ts'
import { SqliteDatabase } from '../../store/sqlite/database.ts'
import { lockFolder } from '../../store/sqlite/lock.ts'
import { printJson } from '../answer.ts'
import { configOf } from '../machine.ts'
import { Progress } from '../progress.ts'
import type { Terminal } from '../terminal.ts'
import { sayCount, sayTime } from '../wording.ts'
import type { RestoreOptions } from './options.ts'
import { keepPinned, type Pinned, readPinned, stopAll } from './pinned.ts'
import { findPlaces, type Places } from './places.ts'
import { type OpenBackup, openBackup } from './unpack.ts'

/** Files of a data folder that belong to the place and not to what a backup holds. */
const OF_THE_PLACE = new Set(['lock', 'lock-journal', 'id', 'lost+found'])

/** Puts a backup back into a data folder in which no server works. Everything is there in the end, or nothing. */
export async function restore(terminal: Terminal, given: string, options: RestoreOptions): Promise<void> {
  const config = configOf(terminal, options)
  const file = resolve(terminal.folder, given)
  if (!existsSync(file)) {
    throw new JobyardError('backup-invalid', `There is no file ${file}.`, {
      field: 'file',
      hint: 'Name the file that `jobyard backup` has written.',
    })
  }
  await using backup = await openBackup(file)
  await mkdir(config.dataFolder, { recursive: true })
  // As the server does at its start: where jobs keep their data depends on who may pass through this folder.
  await chmod(config.dataFolder, 0o711)
  const lock = lockFolder(join(config.dataFolder, 'lock'))
  try {
    const places = await findPlaces(config)
    const aside = await makeRoom(terminal, config, places, options.force === true)
    const pinned = aside === undefined ? [] : readPinned(join(aside, 'jobyard.db'))
    const amend = (path: string) => amendSettings(path, pinned, options.stopped === true ? config.slot : null, terminal)
    const settings = await putBack(terminal, backup, places, amend)
    await report(terminal, config, options, backup, { aside, settings })
  } catch (error) {
    throw explainFullDisk(error, 'the backup was restored')
  } finally {
    lock.release()
  }
}

/** Throws 'restore-refused' when something is in the way; with `force` it is moved aside, and told where to. */
async function makeRoom(
  terminal: Terminal,
  config: Config,
  places: Places,
  force: boolean,
): Promise<string | undefined> {
  const names = await contentsOf(config)
  const outside = dirname(places.jobs) === places.data ? [] : await namesIn(places.jobs)
  const [first] = [...names, ...outside]
  if (first === undefined) return undefined
  if (!force) {
    throw new JobyardError('restore-refused', `${config.dataFolder} is not empty: it holds ${first}.`, {
      field: 'JOBYARD_DATA',
    })
  }
  const stamp = new Date(terminal.clock.now()).toISOString().replaceAll(/[:.]/g, '-')
  const aside = join(config.dataFolder, `before-restore-${stamp}`)
  await mkdir(aside, { mode: 0o700 })
  for (const name of names) await rename(join(config.dataFolder, name), join(aside, name))
  if (outside.length > 0) await rename(places.jobs, `${places.jobs}-before-restore-${stamp}`)
  return aside
}

/** What is in the data folder, but for the key and what the restore itself has made. */
async function contentsOf({ dataFolder, keyFile }: Config): Promise<string[]> {
  const key = relative(dataFolder, keyFile).split('/')[0]
  const names = await namesIn(dataFolder)
  return names.filter((name) => name !== key && !OF_THE_PLACE.has(name) && !name.startsWith('before-restore-'))
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).toSorted() : []
}

/** Unpacks beside the final places, and moves in when all of it has been found whole. */
async function putBack(
  terminal: Terminal,
  backup: OpenBackup,
  places: Places,
  amend: (database: string) => Amended,
): Promise<Amended> {
  const staging = join(places.data, '.restoring')
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  const total = backup.manifest.entries.reduce((sum, { bytes }) => sum + bytes, 0)
  const progress = new Progress(terminal, 'Unpacking', total)
  try {
    await backup.unpack(staging, (bytes) => progress.advance(bytes))
    const database = join(staging, 'jobyard.db')
    const amended = existsSync(database) ? amend(database) : { kept: 0, lost: 0, stopped: 0 }
    await giveToOwner(places.data, staging)
    await moveIn(join(staging, 'packages'), places.packages, 0o755)
    await moveIn(join(staging, 'jobs'), places.jobs, 0o711)
    await moveIn(join(staging, 'output.db'), places.output)
    // Last: a data folder with this file in it is a whole one.
    await moveIn(database, places.database)
    return amended
  } finally {
    progress.end()
    await rm(staging, { recursive: true, force: true })
  }
}

/** What became of settings that are about the place and not about the backup. */
interface Amended {
  /** Settings of one slot only that were there before and are again. */
  readonly kept: number
  /** Those for which there is no place any more. */
  readonly lost: number
  /** Collections in which nothing runs until somebody says so. */
  readonly stopped: number
}

/** Settings of one slot only stay at their place: those of the backup never came along. */
function amendSettings(path: string, pinned: readonly Pinned[], stop: string | null, { clock }: Terminal): Amended {
  if (pinned.length === 0 && stop === null) return { kept: 0, lost: 0, stopped: 0 }
  const database = new SqliteDatabase(path, { readOnly: false })
  // A backup may be older than the table of settings; the server would do the same at its start.
  database.run(migrateUp({ dialect: sqliteDialect, at: clock.now() }))
  database.close()
  const kept = keepPinned(path, pinned)
  return { kept, lost: pinned.length - kept, stopped: stop === null ? 0 : stopAll(path, stop, clock.now()) }
}

function sayAmended({ kept, lost, stopped }: Amended): string[] {
  return [
    ...(kept === 0
      ? []
      : [`Kept ${sayCount(kept, 'app setting')} that ${kept === 1 ? 'is' : 'are'} pinned to a slot.`]),
    ...(lost === 0
      ? []
      : [`Could not keep ${sayCount(lost, 'app setting')} pinned to a slot: their collections are gone.`]),
    ...(stopped === 0
      ? []
      : [`No job runs until WEBJOBS_STOPPED is taken away in ${sayCount(stopped, 'collection')}.`]),
  ]
}

/**
 * What root restores for a server that runs as somebody else would be out of that one's reach: it is given to whom the
 * data folder belongs to. Data of jobs that run as a third user change hands when these run.
 */
async function giveToOwner(data: string, staging: string): Promise<void> {
  const { uid, gid } = await stat(data)
  if (process.getuid?.() !== 0 || uid === 0) return
  const below = await readdir(staging, { recursive: true })
  for (const name of below) await lchown(join(staging, name), uid, gid)
  await lchown(join(data, 'lock'), uid, gid)
}

async function moveIn(from: string, to: string, mode?: number): Promise<void> {
  if (!existsSync(from)) return
  if (mode !== undefined) await chmod(from, mode)
  try {
    await rename(from, to)
  } catch (error) {
    if (!isSystemError(error, 'EXDEV')) throw error
    // The data of jobs may lie on another file system than the data folder.
    await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  }
}

async function report(
  terminal: Terminal,
  config: Config,
  options: RestoreOptions,
  { manifest }: OpenBackup,
  { aside, settings }: { readonly aside: string | undefined; readonly settings: Amended },
): Promise<void> {
  const { dataFolder, keyFile } = config
  const hasKey = existsSync(keyFile)
  if (options.json === true) {
    const { entries, ...rest } = manifest
    return printJson(terminal, {
      dataFolder,
      ...rest,
      entries: entries.length,
      keyFile,
      hasKey,
      movedAside: aside ?? null,
      settings,
    })
  }
  const made = `made ${sayTime(manifest.createdAt)} by Jobyard ${manifest.version}`
  const count = sayCount(manifest.entries.length, 'entry', 'entries')
  terminal.stdout.write(`Restored ${count} of the backup ${made} to ${dataFolder}.\n`)
  if (aside !== undefined) terminal.stdout.write(`What was there before is in ${aside}.\n`)
  for (const line of sayAmended(settings)) terminal.stdout.write(`${line}\n`)
  if (!hasKey) {
    terminal.stdout.write(
      `Now put the key file back as ${keyFile}: without it a new one is made, and secrets are lost.\n`,
    )
  }
  if (manifest.database === 'none') {
    terminal.stdout.write('The database was not in it: restore that with pg_restore or psql.\n')
  }
}
