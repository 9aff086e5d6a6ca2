import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { JobyardError } from '../domain/errors.ts'

/** Reads a small file, or makes it with what `make` gives; only its owner may read it. */
function readOrMake(path: string, make: () => string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = make()
  // `wx`: of two processes that start at the same moment the second fails instead of making another one.
  writeFileSync(path, `${made}\n`, { mode: 0o600, flag: 'wx', flush: true })
  return made
}

/** The key for secrets at rest: 32 bytes, in base64 in a file that is made at the first start. Throws `key-invalid`. */
export function readKeyFile(path: string): Buffer {
  const key = Buffer.from(
    readOrMake(path, () => randomBytes(32).toString('base64')),
    'base64',
  )
  if (key.length !== 32) throw new JobyardError('key-invalid', `The key file ${path} does not hold 32 bytes in base64.`)
  return key
}

/** The name by which processes of this data folder are known; 16 hexadecimal digits, made at the first start. */
export function readFolderId(path: string): string {
  return readOrMake(path, () => randomBytes(8).toString('hex'))
}
