import { existsSync } from 'node:fs'
import { lstat, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Config } from '../../config.ts'
import { JobyardError } from '../../domain/errors.ts'
import { explainFullDisk, isSystemError } from '../../kinds/script/system-error.ts'
import { printJson } from '../answer.ts'
import { configOf } from '../machine.ts'
import { Progress } from '../progress.ts'
import type { Terminal } from '../terminal.ts'
import { sayCount, saySize } from '../wording.ts'
import { collect, type Found } from './collect.ts'
import { newManifest } from './manifest.ts'
import type { BackupOptions } from './options.ts'
import { type Packed, pack } from './pack.ts'
import { leaveOutPinned } from './pinned.ts'
import { findPlaces, type Places } from './places.ts'
import { copyDatabase, readCopy } from './snapshot.ts'

/** The server may remove a package between the copy of the database and that of the package: begin anew, so often. */
const ATTEMPTS = 3

/** Writes all that the server keeps, but its key, into one file, while the server runs or not. */
export async function backup(terminal: Terminal, given: string, options: BackupOptions): Promise<void> {
  const config = configOf(terminal, options)
  const withDatabase = requireSomething(config, options)
  const places = await findPlaces(config)
  const target = resolve(terminal.folder, given)
  if (options.force !== true && existsSync(target)) {
    throw new JobyardError('backup-failed', `${target} is there already.`, {
      field: 'file',
      hint: 'Choose another name, or add --force to replace it.',
    })
  }
  const what = { database: withDatabase, output: withDatabase && options.output }
  try {
    await writeBackup(terminal, { places, target, what, options, keyFile: config.keyFile })
  } catch (error) {
    throw explainFullDisk(error, 'the backup was written')
  }
}

/** Whether the database is to be in it. Throws when there is nothing to back up, or only a part of it would be. */
function requireSomething(config: Config, options: BackupOptions): boolean {
  if (config.databaseUrl !== null && options.filesOnly !== true) {
    throw new JobyardError('backup-failed', 'The database is PostgreSQL, which has its own tool for backups.', {
      hint: 'Back up the database with pg_dump "$JOBYARD_DATABASE_URL", then the rest with --files-only.',
    })
  }
  const withDatabase = config.databaseUrl === null && options.filesOnly !== true
  if (withDatabase && !existsSync(join(config.dataFolder, 'jobyard.db'))) {
    throw new JobyardError('backup-failed', `There is no database in ${config.dataFolder}.`, {
      field: 'JOBYARD_DATA',
      hint: 'Name the data folder of the server with --data or JOBYARD_DATA.',
    })
  }
  return withDatabase
}

interface Backup {
  readonly places: Places
  readonly target: string
  readonly what: { readonly database: boolean; readonly output: boolean }
  readonly options: BackupOptions
  readonly keyFile: string
}

async function writeBackup(terminal: Terminal, work: Backup): Promise<void> {
  const { target } = work
  const partial = `${target}.partial`
  for (let attempt = 1; ; attempt++) {
    await rm(partial, { force: true })
    try {
      const { packed, left } = await writePartial(terminal, work, partial)
      const lost = packed.vanished.filter((path) => path.startsWith('packages/'))
      if (lost.length > 0 && attempt < ATTEMPTS) continue
      if (lost.length > 0) {
        throw new JobyardError('backup-failed', `Packages were removed while they were read: ${lost[0]}.`)
      }
      await rename(partial, target)
      return await report(terminal, work, packed, left)
    } catch (error) {
      await rm(partial, { force: true })
      throw error
    }
  }
}

async function writePartial(
  terminal: Terminal,
  { places, target, what }: Backup,
  partial: string,
): Promise<{ packed: Packed; left: readonly string[] }> {
  const copies = await mkdtemp(join(dirname(target), `.${basename(target)}-`))
  try {
    const databases = what.database ? await copyDatabases(places, copies, what.output) : []
    const { migration, packages } = what.database
      ? readCopy(join(copies, 'jobyard.db'))
      : { migration: 0, packages: [] }
    const parts = [await collect(places.packages, 'packages'), await collect(places.jobs, 'jobs')]
    const found = [...databases, ...parts.flatMap((part) => part.found)]
    requirePackages(found, packages)
    const total = found.reduce((sum, { type, stats }) => sum + (type === 'file' ? stats.size : 0), 0)
    const progress = new Progress(terminal, 'Packing', total)
    const createdAt = new Date(terminal.clock.now()).toISOString()
    const database = what.database ? 'sqlite' : 'none'
    const packed = await pack(partial, {
      found,
      folderOf: ({ path }) =>
        path.startsWith('jobs/') ? places.jobs : path.startsWith('packages/') ? places.packages : copies,
      describe: (entries) => newManifest({ createdAt, database, migration, output: what.output, entries }),
      onRead: (bytes) => progress.advance(bytes),
    }).finally(() => progress.end())
    return { packed, left: parts.flatMap((part) => part.left) }
  } finally {
    await rm(copies, { recursive: true, force: true })
  }
}

/** The database first: whatever it speaks of is on disk by then. */
async function copyDatabases(places: Places, copies: string, output: boolean): Promise<Found[]> {
  const names = ['jobyard.db', ...(output && existsSync(places.output) ? ['output.db'] : [])]
  return await Promise.all(
    names.map(async (name): Promise<Found> => {
      const file = join(copies, name)
      copyDatabase(join(places.data, name), file)
      if (name === 'jobyard.db') leaveOutPinned(file)
      return { file, path: name, type: 'file', stats: await lstat(file) }
    }),
  )
}

function requirePackages(found: readonly Found[], hashes: readonly string[]): void {
  const present = new Set(found.map(({ path }) => path))
  const missing = hashes.filter((hash) => !present.has(`packages/${hash.slice(0, 2)}/${hash}/manifest.json`))
  const [first] = missing
  if (first === undefined) return
  throw new JobyardError('backup-failed', `The package ${first} is in the database but not on the disk.`, {
    hint: 'See that --data names the data folder that belongs to the database; then try again.',
  })
}

async function report(terminal: Terminal, work: Backup, packed: Packed, left: readonly string[]): Promise<void> {
  const { target, options, keyFile, what } = work
  const { size } = await stat(target)
  const vanished = packed.vanished.length
  for (const path of left) terminal.stderr.write(`warning: left out, for no zip can hold it: ${path}\n`)
  if (vanished > 0) {
    terminal.stderr.write(`note: ${sayCount(vanished, 'file')} of jobs vanished while the backup was made.\n`)
  }
  if (options.json === true) {
    return printJson(terminal, { file: target, bytes: size, entries: packed.entries.length, ...what, left })
  }
  terminal.stdout.write(`Wrote ${target}: ${sayCount(packed.entries.length, 'entry', 'entries')}, ${saySize(size)}.\n`)
  if (what.database) {
    const key = (await isThere(keyFile)) ? keyFile : 'the key file'
    terminal.stdout.write(`Not in it is ${key}: keep a copy of it elsewhere, for without it secrets cannot be read.\n`)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isSystemError(error)) return false
    throw error
  }
}
