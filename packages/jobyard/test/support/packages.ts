import { join } from 'node:path'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { ScriptPackages } from '../../src/kinds/script/packages.ts'
import { OWN } from '../script/fixtures.ts'
import type { Stack } from './stack.ts'

/** The packages of a stack, in a folder below this one. */
export async function openPackages({ parts, store }: Stack, folder: string): Promise<ScriptPackages> {
  const { clock, ids } = parts
  const interpreters = { path: process.env.PATH ?? '', user: OWN }
  const files = new PackageStore({ folder: join(folder, 'packages'), clock, ids, interpreters })
  await files.open()
  return new ScriptPackages(files, store, clock)
}
