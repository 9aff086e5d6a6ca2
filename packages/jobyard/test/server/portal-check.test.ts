import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkPortal } from '../../src/server/portal-folder.ts'
import { hashPortalSources, PORTAL_STAMP } from '../../src/server/portal-sources.ts'
import { ROOT } from '../docs/checkout.ts'

const PARTS = ['packages/portal/index.html', 'packages/portal/package.json', 'packages/portal/vite.config.ts']

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'jobyard-portal-'))
  for (const folder of ['packages/portal/src', 'packages/portal/public', 'packages/client/src', 'packages/jobs/src']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  for (const file of [...PARTS, 'package-lock.json']) await cp(join(ROOT, file), join(root, file))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function build(): Promise<void> {
  const dist = join(root, 'packages/portal/dist')
  await mkdir(dist)
  await writeFile(join(dist, PORTAL_STAMP), await hashPortalSources(root))
}

describe('a server in a checkout', () => {
  test('warns that its pages are not built, and how to build them', async () => {
    expect(await checkPortal(root)).toMatch(/not built.*npm ci && npm run portal/)
  })

  test('has nothing to say of pages that were built of what is there', async () => {
    await build()
    expect(await checkPortal(root)).toBeUndefined()
  })

  test('warns that its pages are older than the program', async () => {
    await build()
    await writeFile(join(root, 'packages/portal/src/new.ts'), '// new\n')
    expect(await checkPortal(root)).toMatch(/older than the program.*npm ci && npm run portal/)
  })

  test('has nothing to say where there are no sources, as when it was installed', async () => {
    await rm(join(root, 'packages/portal/src'), { recursive: true })
    expect(await checkPortal(root)).toBeUndefined()
  })
})
