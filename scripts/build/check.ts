import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startServerProcess } from '../server.ts'

const run = promisify(execFile)

/** Where somebody else would have installed the packages. */
export interface Installed {
  readonly folder: string
  /** The launcher of the command line. */
  readonly program: string
}

/**
 * Installs built packages below a folder of node_modules, as a registry's client would: there Node takes the types out of
 * no file, so whatever was not compiled shows. Their dependencies are those of the checkout.
 */
export async function install(root: string, built: readonly { name: string; folder: string }[]): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-built-'))
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@jobyard'), { recursive: true })
  const ours = new Set(['.bin', '.cache', '.package-lock.json', '@jobyard', 'jobyard'])
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!ours.has(name)) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  for (const { name, folder: from } of built) await cp(from, join(modules, name), { recursive: true })
  return { folder, program: join(modules, 'jobyard', 'bin', 'jobyard.js') }
}

/** Asks the compiled program for its version, starts it, looks whether it answers, and stops it. Throws when it does not. */
export async function checkStart({ folder, program }: Installed): Promise<string> {
  const { stdout } = await run(process.execPath, [program, '--version'])
  await using server = await startServerProcess({ program, data: join(folder, 'data') })
  const answer = await fetch(`${server.address}/health/ready`)
  if (answer.status !== 200) throw new Error(`The compiled server answers ${answer.status}.`)
  const page = await (await fetch(server.address)).text()
  if (!page.includes('id="portal"')) throw new Error('The compiled server shows no portal.')
  return stdout.trim()
}

/** Removes what {@link install} made. */
export async function uninstall({ folder }: Installed): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
