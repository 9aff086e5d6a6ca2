import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { type ErrorCode, JobyardError } from '../../src/domain/errors.ts'
import { createIds } from '../../src/domain/ids.ts'
import type { JobsUser } from '../../src/kinds/script/run-as.ts'

export const clock = systemClock
export const ids = createIds(systemClock)

/** The user that the tests run as. */
export const OWN: JobsUser = { name: 'me', uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, own: true }

/** Somebody without any rights. Only root can give things to him. */
export const NOBODY: JobsUser = { name: 'nobody', uid: 65534, gid: 65534, own: false }

export const IS_ROOT = process.getuid?.() === 0

const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A new folder that is gone after the test. */
export function makeTemporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-script-'))
  made.push(folder)
  return folder
}

/** A file of these contents in a new folder. */
export function makeFile(contents: string | Uint8Array, name = 'upload'): string {
  const path = join(makeTemporary(), name)
  writeFileSync(path, contents)
  return path
}

/** The error of the catalogue that `work` ends with; anything else fails the test. */
export async function refusal(work: () => unknown, code?: ErrorCode): Promise<JobyardError> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    if (code !== undefined && error.code !== code)
      throw new Error(`expected ${code}, got ${error.code}: ${error.message}`)
    return error
  }
  throw new Error('nothing was refused')
}

/** Every file and folder below a folder, relative, sorted; folders end with a slash. */
export function listTree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1) + (entry.isDirectory() ? '/' : ''))
    .toSorted()
}

/** Permission bits of a file or folder. */
export function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777
}
