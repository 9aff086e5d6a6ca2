import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Terminal } from './terminal.ts'

/**
 * What people type to call this program: `jobyard` where it is installed, `npx jobyard` where npm started it, or where it
 * is that of a checkout and no shell finds it.
 */
export function programName({ env }: Pick<Terminal, 'env'>): string {
  // Npm puts the programs of the folder onto the path of what it starts, where the shell does not look for them.
  if (env.npm_lifecycle_event !== undefined) return 'npx jobyard'
  // Only a checkout runs from its source.
  if (!import.meta.filename.endsWith('.ts')) return 'jobyard'
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, 'jobyard'))) ? 'jobyard' : 'npx jobyard'
}

/** A text with the commands in it, which stand between backticks, as people must type them. */
export function asTyped(terminal: Pick<Terminal, 'env'>, words: string): string {
  return words.includes('`jobyard ') ? words.replaceAll('`jobyard ', `\`${programName(terminal)} `) : words
}
