import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The packages that are published, in the order in which they need each other. */
export const PACKAGES = ['jobs', 'client', 'jobyard'] as const

/** What of a package's manifest changes on its way to the registry. */
interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, unknown>>
  readonly devDependencies?: unknown
  readonly [member: string]: unknown
}

/** Puts a package together as it is published: compiled code, what else it needs to run, licence and manifest. */
export async function assemble(root: string, name: string, compiled: string, target: string): Promise<string> {
  const source = join(root, 'packages', name)
  await mkdir(target, { recursive: true })
  await cp(join(compiled, name, 'src'), join(target, 'dist'), { recursive: true })
  await copyOthers(join(source, 'src'), join(target, 'dist'))
  if ((await readdir(source)).includes('bin')) await cp(join(source, 'bin'), join(target, 'bin'), { recursive: true })
  await cp(join(root, 'LICENSE'), join(target, 'LICENSE'))
  await cp(join(root, 'README.md'), join(target, 'README.md'))
  const manifest: Manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'))
  await writeFile(join(target, 'package.json'), `${JSON.stringify(published(manifest), undefined, 2)}\n`)
  return manifest.name
}

/** Copies what the compiler leaves where it is, such as the SQL of migrations. */
async function copyOthers(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || /\.(ts|md)$/.test(entry.name)) continue
    const folder = entry.parentPath.slice(from.length)
    await mkdir(join(to, folder), { recursive: true })
    await cp(join(from, folder, entry.name), join(to, folder, entry.name))
  }
}

/** The manifest as it is published: in the checkout others import the source, of which a published package has none. */
function published({ devDependencies: _, exports: _source, ...manifest }: Manifest): Manifest {
  const entry = { types: './dist/index.d.ts', default: './dist/index.js' }
  const exported = _source === undefined ? {} : { exports: { '.': entry } }
  return { ...manifest, ...exported, files: ['bin', 'dist', 'LICENSE', 'README.md'] }
}
