import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../domain/error-message.ts'
import { JobyardError } from '../../domain/errors.ts'

/** How long to wait for a moment at which the database can be read, milliseconds. */
const PATIENCE_MS = 30_000

/**
 * Writes a copy of an SQLite database as it is at one moment, while others go on writing to it: VACUUM INTO reads in one
 * transaction, and with a write-ahead log nobody waits for it. (`backup()` would begin anew whenever another process has
 * written.) Throws 'backup-failed'.
 */
export function copyDatabase(from: string, to: string): void {
  const database = new DatabaseSync(from, { timeout: PATIENCE_MS })
  try {
    database.prepare('vacuum into ?').run(to)
  } catch (cause) {
    const why = messageOf(cause)
    throw new JobyardError('backup-failed', `The database ${from} cannot be copied: ${why}.`, {
      cause,
      hint: 'See that there is room beside the backup file for an unpacked copy, too.',
    })
  } finally {
    database.close()
  }
}

/** What must be known of a copied database: its newest migration, and the packages that must be there for it. */
export function readCopy(path: string): { readonly migration: number; readonly packages: readonly string[] } {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const row = database.prepare('select max(number) as number from migration').get()
    const hashes = database.prepare('select hash from package').all()
    return { migration: Number(row?.number ?? 0), packages: hashes.map(({ hash }) => String(hash)) }
  } catch (cause) {
    throw new JobyardError('backup-failed', 'The database is none of Jobyard, or its tables are damaged.', { cause })
  } finally {
    database.close()
  }
}
