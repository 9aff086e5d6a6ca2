import { JobyardError } from '../../domain/errors.ts'
import { readMigrations } from '../../store/migrate.ts'
import { VERSION } from '../version.ts'

/** The file in a backup that says what else is in it. */
export const MANIFEST = 'manifest.json'

/** What a backup is called by its manifest. Grows when older programs could not restore what newer ones write. */
const FORMAT = 1

/** A file, folder or symbolic link of a backup. */
export interface BackupEntry {
  /** `jobyard.db`, `output.db`, or a path below `packages/` or `jobs/`. */
  readonly path: string
  readonly type: 'file' | 'folder' | 'link'
  /** Permission bits. */
  readonly mode: number
  /** Time of the last change, whole epoch milliseconds. */
  readonly modified: number
  readonly bytes: number
  /** SHA-256 of the contents (of a link: of where it points to), in hexadecimal; empty for a folder. */
  readonly sha256: string
}

/** What a backup is and what it holds. */
export interface Manifest {
  readonly format: number
  /** Version of the program that made it. */
  readonly version: string
  readonly createdAt: string
  /** `none` when only files were asked for. */
  readonly database: 'sqlite' | 'none'
  /** Newest migration of the database's schema. */
  readonly migration: number
  readonly output: boolean
  readonly entries: readonly BackupEntry[]
}

/** The manifest of a backup that is made now. */
export function newManifest(
  parts: Pick<Manifest, 'createdAt' | 'database' | 'migration' | 'output' | 'entries'>,
): Manifest {
  return { format: FORMAT, version: VERSION, ...parts }
}

/** Reads a manifest. Throws 'backup-invalid' when it is none, and 'backup-newer' when this program is too old for it. */
export function readManifest(text: string): Manifest {
  const value = parse(text)
  if (!isManifest(value)) throw new JobyardError('backup-invalid', 'The manifest of the backup is damaged.')
  const newest = readMigrations().at(-1)?.number ?? 0
  if (value.format > FORMAT || value.migration > newest || isNewer(value.version, VERSION)) {
    throw new JobyardError('backup-newer', `The backup was made by Jobyard ${value.version}; this is ${VERSION}.`, {
      hint: `Restore it with Jobyard ${value.version} or a later one.`,
    })
  }
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false
  if (!('format' in value) || !('version' in value) || !('migration' in value) || !('entries' in value)) return false
  const { format, version, migration, entries } = value
  const typed = typeof format === 'number' && typeof version === 'string' && typeof migration === 'number'
  return typed && Array.isArray(entries) && entries.every(isEntry)
}

/** The only places that a backup writes to. */
const ALLOWED = /^(?:jobyard\.db|output\.db|(?:packages|jobs)\/.+)$/

function isEntry(value: unknown): value is BackupEntry {
  if (typeof value !== 'object' || value === null) return false
  if (!('path' in value) || !('type' in value) || !('bytes' in value) || !('sha256' in value)) return false
  const { path, type, bytes, sha256 } = value
  if (typeof path !== 'string' || typeof bytes !== 'number' || typeof sha256 !== 'string') return false
  if (type !== 'file' && type !== 'folder' && type !== 'link') return false
  const tame = ALLOWED.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  return tame && 'mode' in value && 'modified' in value
}

/** Whether one version comes after another, as semver.org §11 orders released versions. */
function isNewer(version: string, than: string): boolean {
  const a = numbersOf(version)
  const b = numbersOf(than)
  for (const [index, number] of a.entries()) {
    const other = b[index] ?? 0
    if (number !== other) return number > other
  }
  return false
}

function numbersOf(version: string): number[] {
  return (version.split(/[-+]/)[0] ?? '').split('.').map(Number)
}
