import { execFile } from 'node:child_process'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { type HeldFolder, holdFolder } from '../../src/kinds/script/held-folder.ts'
import { canExecute, checkReachable } from '../../src/kinds/script/reach.ts'
import { FolderWatch } from '../../src/services/folder/folder-watch.ts'
import { takeFingerprint } from '../../src/services/folder/fingerprint.ts'
import type { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import type { Repository } from '../../src/store/procedures/index.ts'
import { IS_ROOT, NOBODY } from '../script/fixtures.ts'
import { eventually } from '../support/eventually.ts'
import { type Site, useSite } from './use-site.ts'

/** A look that nothing asks for comes after a minute: what is seen before is seen by events. */
const RARELY = { everyMs: 60_000 }

let on: Site
let looks: number
/** Milliseconds that each look takes at the least. */
let slowness: number
let watched: WatchedFolder

useSite('sqlite', (site) => {
  on = site
  looks = 0
  slowness = 0
  watched = on.open({ ...RARELY, store: countLooks(on.stack.store) })
})

function countLooks(store: Repository): Repository {
  return Object.create(store, {
    write: {
      value: async (...args: Parameters<typeof store.write>) => {
        if (args[0] === 'holdWatchedFolder') {
          looks++
          await new Promise((resolve) => setTimeout(resolve, slowness))
        }
        return await store.write(...args)
      },
    },
  })
}

const deployments = async (name: string) => (await on.deployments(name)).length

test('folders above those of jobs are seen when they appear, one after the other', async () => {
  await on.write('readme.txt')
  await watched.start()
  await on.write('site/wwwroot/index.html')
  await new Promise((resolve) => setTimeout(resolve, 300))
  await on.write('site/wwwroot/App_Data/jobs/triggered/late/run.sh')
  await eventually('the job is there', () => on.job('late'))
})

test('after another wwwroot has taken the place of the old one, changes in it are still seen at once', async () => {
  await on.write('site/wwwroot/App_Data/jobs/triggered/swapped/run.sh')
  await watched.start()
  await eventually('it is there', () => on.job('swapped'))
  for (const round of [1, 2]) {
    await on.write('fresh/App_Data/jobs/triggered/swapped/run.sh', `echo round ${round}\n`)
    await rename(join(on.path, 'site/wwwroot'), join(on.path, `old-${round}`))
    await rename(join(on.path, 'fresh'), join(on.path, 'site/wwwroot'))
    await eventually('the other one is seen', async () => (await deployments('swapped')) === 2 * round)
    await on.write('site/wwwroot/App_Data/jobs/triggered/swapped/run.sh', `echo changed ${round}\n`)
    await eventually('what changes in it is seen', async () => (await deployments('swapped')) === 2 * round + 1)
  }
})

test('changes deep in a folder that came later are seen', async () => {
  await on.write('App_Data/jobs/triggered/deep/run.sh')
  await watched.start()
  await eventually('it is there', () => on.job('deep'))
  await on.write('App_Data/jobs/triggered/deep/a/b/c/data.txt', '1')
  await eventually('new folders are seen', async () => (await deployments('deep')) === 2)
  await on.write('App_Data/jobs/triggered/deep/a/b/c/data.txt', '2')
  await eventually('what changes in them is seen', async () => (await deployments('deep')) === 3)
})

test.skipIf(process.platform !== 'linux')(
  'a file whose name is no text is told, once, and others are deployed',
  async () => {
    await on.write('App_Data/jobs/triggered/bytes/run.sh')
    const path = join(on.path, 'App_Data/jobs/triggered/bytes')
    await on.write(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0x74, 0xe4, 0x73, 0x74])]))
    await mkdir(Buffer.concat([Buffer.from(join(on.path, 'App_Data/jobs/triggered/')), Buffer.from([0xff, 0x41])]))
    await on.write('App_Data/jobs/triggered/zzz/run.sh')
    await watched.start()
    await eventually('the good one is there', () => on.job('zzz'))
    await eventually('both are told', () => on.problems.length >= 2)
    expect(on.problems.map(({ message }) => message)).toEqual(Array(2).fill(expect.stringMatching(/not valid Unicode/)))
    const before = looks
    await new Promise((resolve) => setTimeout(resolve, 600))
    // It is not looked at again and again.
    expect(looks - before).toBeLessThanOrEqual(1)
    await rm(path, { recursive: true })
    await on.write('App_Data/jobs/triggered/bytes/run.sh')
    await eventually('it is mended', () => on.job('bytes'))
  },
)

test('whoever writes all the time does not keep the server looking all the time', async () => {
  await on.write('App_Data/jobs/triggered/busy/run.sh')
  await watched.start()
  await eventually('it is there', () => on.job('busy'))
  slowness = 100
  const before = looks
  const end = performance.now() + 2500
  for (let n = 0; performance.now() < end; n++) {
    await on.write('App_Data/jobs/triggered/busy/log.txt', `${n}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // Each look takes a tenth of a second, so there is rest of a second after each.
  expect(looks - before).toBeLessThanOrEqual(4)
  expect(looks - before).toBeGreaterThan(0)
  slowness = 0
  await eventually('the last state is deployed', async () => (await deployments('busy')) === 2)
})

test('a listener tells in which of its groups something has changed', async () => {
  const heard: string[] = []
  const watch = new FolderWatch(systemClock, (groups) => heard.push(...groups))
  try {
    for (const name of ['a', 'b']) {
      await on.write(`${name}/below/file`)
      await using folder = await holdFolder(join(on.path, name))
      const { folders } = await takeFingerprint(folder, join(on.path, name))
      expect(folders.map(({ path }) => path)).toEqual([join(on.path, name), join(on.path, name, 'below')])
      expect(watch.follow(name, folders)).toBe(true)
      expect(watch.follow(name, folders)).toBe(false)
    }
    await on.write('b/below/file', 'more')
    await eventually('it is heard', () => heard.length > 0)
    expect(heard).toEqual(['b'])
    watch.keepOnly(new Set(['b']))
    await on.write('a/below/file', 'more')
    await on.write('b/other', 'more')
    await eventually('it is heard', () => heard.length > 1)
    expect(heard).toEqual(['b', 'b'])
  } finally {
    watch.stop()
  }
})

test('a listener hears of names that it was not told of before', async () => {
  const heard: string[] = []
  const watch = new FolderWatch(systemClock, (groups) => heard.push(...groups))
  try {
    const folder = { path: on.path, identity: 'the same' }
    expect(watch.follow('g', [{ ...folder, names: new Set(['site']) }])).toBe(true)
    expect(watch.follow('g', [{ ...folder, names: new Set(['site', 'current']) }])).toBe(true)
    expect(watch.follow('g', [{ ...folder, names: new Set(['site', 'current']) }])).toBe(false)
    await on.write('current')
    await eventually('it is heard', () => heard.length > 0)
  } finally {
    watch.stop()
  }
})

const program = join(import.meta.dirname, 'find-as-user.ts')
const reachable = canExecute(process.execPath, NOBODY) && checkReachable(program, NOBODY).reachable

test.skipIf(process.platform === 'win32' || (IS_ROOT && !reachable))(
  'a folder that cannot be read is told, and hides only what lies in it',
  async () => {
    await on.write('App_Data/jobs/triggered/open/run.sh')
    await on.write('App_Data/jobs/continuous/hidden/run.sh')
    await chmod(on.path, 0o755)
    await chmod(join(on.path, 'App_Data/jobs/continuous'), 0o700)
    if (!IS_ROOT) await chmod(join(on.path, 'App_Data/jobs/continuous'), 0)
    const who = IS_ROOT ? { uid: NOBODY.uid, gid: NOBODY.gid } : {}
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program, on.path], { ...who, cwd: '/' })
      expect(JSON.parse(stdout)).toMatchObject({
        jobs: ['open'],
        closed: ['continuous'],
        problems: [
          { path: join(on.path, 'App_Data/jobs/continuous'), message: expect.stringMatching(/cannot be read/) },
        ],
      })
    } finally {
      await chmod(join(on.path, 'App_Data/jobs/continuous'), 0o755)
    }
  },
)

test('a job whose deployment fails through the server does not keep the others waiting', async () => {
  await on.write('App_Data/jobs/triggered/first/run.sh', 'echo the first\n')
  await on.write('App_Data/jobs/triggered/second/run.sh')
  let broken = true
  const packages = {
    receiveFolder: async (folder: HeldFolder, check?: () => Promise<void>) => {
      const { size } = await folder.look('run.sh')
      if (size === 15n && broken) throw new Error('the disk is full')
      return await on.packages.receiveFolder(folder, check)
    },
  }
  await on.open({ ...RARELY, instance: 'there', packages }).start()
  await eventually('the other is there', () => on.job('second'))
  await eventually('the first is told', () => on.problems.some(({ path }) => path.endsWith('/first')))
  expect(on.problems).toMatchObject([{ message: expect.stringMatching(/tried again.*the disk is full/) }])
  broken = false
  await eventually('it is tried again', () => on.job('first'))
})
