import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_ARCHIVE_LIMITS } from '../../src/kinds/script/archive-limits.ts'
import { copyFolder } from '../../src/kinds/script/folder-tree.ts'
import { type HeldFolder, holdFolder, MOST_LEVELS } from '../../src/kinds/script/held-folder.ts'
import { takeFingerprint } from '../../src/services/folder/fingerprint.ts'
import { KnownFolders } from '../../src/services/folder/known-folders.ts'
import type { WatchedFolderOptions } from '../../src/services/folder/watched-folder.ts'
import { WayDown } from '../../src/services/folder/way-down.ts'
import { NOBODY } from '../script/fixtures.ts'
import { type Site, useSite } from './use-site.ts'

let on: Site
let secret: string
let path: (below: string) => string

useSite('sqlite', (site) => {
  on = site
  path = (below) => join(site.path, below)
})

beforeEach(async () => {
  secret = await mkdtemp(join(tmpdir(), 'jobyard-secret-'))
  onTestFinished(() => rm(secret, { recursive: true }))
  await mkdir(join(secret, 'report'))
  await writeFile(join(secret, 'report/run.sh'), 'echo secret\n')
})

const TRIGGERED = 'App_Data/jobs/triggered'

/** Puts a link to somebody else's folder in the place of one. */
async function exchange(at: string): Promise<void> {
  await rename(path(at), path('moved'))
  await symlink(secret, path(at))
}

/** A held folder in which something happens between the look at what is in it and what is done with that. */
function interrupted(folder: HeldFolder, interrupt: () => Promise<void>): HeldFolder {
  const after = async <T>(result: Promise<T>) => {
    const value = await result
    await interrupt()
    return value
  }
  const { at, look, stat, flush, openFile, openFolder } = folder
  return {
    ...{ at, look, stat, flush, openFile, openFolder },
    entries: () => after(folder.entries()),
    rawNames: async () => await folder.rawNames(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test('a folder below that becomes a link while it is copied is not gone into', async () => {
  await on.write('job/report/run.sh', 'echo own\n')
  await using folder = await holdFolder(path('job'))
  const copied = copyFolder(
    interrupted(folder, () => exchange('job/report')),
    path('copy'),
    DEFAULT_ARCHIVE_LIMITS,
  )
  await expect(copied).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|ELOOP/) })
  expect(await readdir(path('copy'))).not.toContain('run.sh')
})

test('a folder that becomes a link after it was gone into is copied as it was held', async () => {
  await on.write('job/sub/report/run.sh', 'echo own\n')
  await using folder = await holdFolder(path('job'))
  const openFolder = async (name: string | Buffer) => {
    const below = await folder.openFolder(name)
    await exchange('job/sub')
    return below
  }
  const { files } = await copyFolder(
    { ...interrupted(folder, async () => undefined), openFolder },
    path('copy'),
    DEFAULT_ARCHIVE_LIMITS,
  )
  expect(files).toMatchObject([{ path: 'sub/report/run.sh', bytes: 'echo own\n'.length }])
})

test('a folder below that becomes a link while it is looked at gives no fingerprint', async () => {
  await on.write('job/report/run.sh')
  await using folder = await holdFolder(path('job'))
  const look = async (name: string | Buffer) => {
    const stats = await folder.look(name)
    await exchange('job/report')
    return stats
  }
  const taken = takeFingerprint({ ...interrupted(folder, async () => undefined), look }, path('job'))
  await expect(taken).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|ELOOP/) })
})

test('a folder with too many others in one another is looked at as far as may be, and not copied', async () => {
  await on.write(`job/${'a/'.repeat(MOST_LEVELS + 10)}run.sh`)
  await using folder = await holdFolder(path('job'))
  expect((await takeFingerprint(folder, path('job'))).folders).toHaveLength(MOST_LEVELS + 1)
  const copied = copyFolder(folder, path('copy'), { ...DEFAULT_ARCHIVE_LIMITS, nameLength: 10_000 })
  await expect(copied).rejects.toMatchObject({ code: 'archive-too-large' })
})

test('what is in a folder that became a link on the way is not listed', async () => {
  await on.write(`${TRIGGERED}/own/run.sh`)
  const way = new WayDown({ folder: on.path, user: NOBODY }, new KnownFolders())
  await exchange(TRIGGERED)
  expect(await way.list(path(TRIGGERED))).toMatchObject({ entries: [], identity: undefined })
  expect(await way.list(path(`${TRIGGERED}/report`))).toMatchObject({ entries: [] })
})

type Receive = WatchedFolderOptions['packages']['receiveFolder']

/** What happens to a site between the fingerprint of a job and its copy. */
const meanwhile: Record<string, () => Promise<void>> = {
  'the folder above it becomes a link to where one of its name is': () => exchange(TRIGGERED),
  'a file in it changes': () => on.write(`${TRIGGERED}/report/run.sh`, 'echo another, longer text\n'),
  'it becomes a link': () => exchange(`${TRIGGERED}/report`),
}

test.each(Object.entries(meanwhile))('no package is made when %s', async (_what, happen) => {
  await on.write(`${TRIGGERED}/report/run.sh`, 'echo own\n')
  let copies = 0
  const entered: string[] = []
  const receiveFolder: Receive = async (...args) => {
    if (copies++ === 0) await happen()
    const taken = await on.packages.receiveFolder(...args)
    if (copies === 1) entered.push(taken.hash)
    return taken
  }
  const watched = on.open({ quietMs: 0, packages: { receiveFolder } })
  await watched.look()
  expect(copies).toBe(1)
  expect([entered, await on.job('report')]).toEqual([[], undefined])
})
