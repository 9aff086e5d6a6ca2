/**
 * Compiles the packages for publishing, with the portal's pages in the program: `npm run build`. They lie in dist/jobs, dist/client and dist/jobyard then, ready
 * for `npm publish`. The compiled program is installed in a temporary folder and started, so that what cannot start is
 * no build.
 */
import { execFileSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkStart, install, uninstall } from './build/check.ts'
import { assemble, PACKAGES } from './build/packages.ts'
import { buildPortal, PORTAL_DIST } from './portal/build.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const compiled = join(dist, 'compiled')

await buildPortal()
await rm(dist, { recursive: true, force: true })
execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
const built: { name: string; folder: string }[] = []
for (const each of PACKAGES) {
  const folder = join(dist, each)
  built.push({ name: await assemble(root, each, compiled, folder), folder })
}
await cp(PORTAL_DIST, join(dist, 'jobyard', 'dist', 'portal'), { recursive: true })
await rm(compiled, { recursive: true })

const installed = await install(root, built)
try {
  const version = await checkStart(installed)
  process.stdout.write(`Built ${built.map(({ name }) => name).join(', ')} ${version} in ${dist}; the program starts.\n`)
} finally {
  await uninstall(installed)
}
