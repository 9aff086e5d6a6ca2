import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { ScriptPackages } from '../../src/kinds/script/packages.ts'
import { canExecute, checkReachable } from '../../src/kinds/script/reach.ts'
import { FolderWatch } from '../../src/services/folder/folder-watch.ts'
import { takeFingerprint } from '../../src/services/folder/fingerprint.ts'
import { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import type { FolderProblem } from '../../src/store/procedures/watched-folder.ts'
import { IS_ROOT, NOBODY } from '../script/fixtures.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

class FolderKind extends TestKind {
  override readonly types = ['triggered', 'continuous']
}

let place: Place
let stack: Stack
let packages: ScriptPackages
let site: string
let problems: FolderProblem[]
let looks: number
/** Milliseconds that each look takes at the least. */
let slowness: number
let watched: WatchedFolder

beforeAll(async () => {
  place = await makePlace('sqlite')
  stack = await startStack({ kinds: [new FolderKind('script')], place })
  const user = { name: 'me', uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, own: true }
  const { clock, ids } = stack.parts
  const interpreters = { path: process.env.PATH ?? '', user }
  const files = new PackageStore({ folder: join(place.folder, 'packages'), clock, ids, interpreters })
  await files.open()
  packages = new ScriptPackages(files, stack.store, clock)
})
afterAll(async () => {
  await stack.stop()
  await place.drop()
})
beforeEach(async () => {
  site = await mkdtemp(join(tmpdir(), 'jobyard-site-'))
  problems = []
  looks = 0
  slowness = 0
  watched = open()
})
afterEach(async () => {
  await watched.stop()
  for (const { id, name } of await jobs()) await stack.engine.deleteJob(id, name, ACTOR)
  await rm(site, { recursive: true, force: true })
})

/** A look that nothing asks for comes after a minute: what is seen before is seen by events. */
function open(): WatchedFolder {
  const { store, events, clock, random } = stack.parts
  const counting: typeof store = Object.create(store, {
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
  const { jobs: saver, engine, collectionId } = stack
  const common = { store: counting, events, clock, random, jobs: saver, engine, packages, collectionId, folder: site }
  const onProblem = (problem: FolderProblem) => problems.push(problem)
  return new WatchedFolder({ ...common, instance: 'here', quietMs: 100, everyMs: 60_000, onProblem })
}

const jobs = () => stack.store.read('listJobs', { collectionId: stack.collectionId, limit: 100 })
const job = async (name: string) => (await jobs()).find((each) => each.name === name)
const deployments = async (name: string) =>
  (await stack.store.read('listDeployments', { jobId: (await job(name))?.id ?? '' })).length

async function write(path: string | Buffer, text = 'exit 0\n', below = site): Promise<void> {
  const file = typeof path === 'string' ? join(below, path) : path
  if (typeof file === 'string') await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
}

test('folders above those of jobs are seen when they appear, one after the other', async () => {
  await write('readme.txt')
  await watched.start()
  await write('site/wwwroot/index.html')
  await new Promise((resolve) => setTimeout(resolve, 300))
  await write('site/wwwroot/App_Data/jobs/triggered/late/run.sh')
  await eventually('the job is there', () => job('late'))
})

test('after another wwwroot has taken the place of the old one, changes in it are still seen at once', async () => {
  await write('site/wwwroot/App_Data/jobs/triggered/swapped/run.sh')
  await watched.start()
  await eventually('it is there', () => job('swapped'))
  for (const round of [1, 2]) {
    await write('fresh/App_Data/jobs/triggered/swapped/run.sh', `echo round ${round}\n`)
    await rename(join(site, 'site/wwwroot'), join(site, `old-${round}`))
    await rename(join(site, 'fresh'), join(site, 'site/wwwroot'))
    await eventually('the other one is seen', async () => (await deployments('swapped')) === 2 * round)
    await write('site/wwwroot/App_Data/jobs/triggered/swapped/run.sh', `echo changed ${round}\n`)
    await eventually('what changes in it is seen', async () => (await deployments('swapped')) === 2 * round + 1)
  }
})

test('changes deep in a folder that came later are seen', async () => {
  await write('App_Data/jobs/triggered/deep/run.sh')
  await watched.start()
  await eventually('it is there', () => job('deep'))
  await write('App_Data/jobs/triggered/deep/a/b/c/data.txt', '1')
  await eventually('new folders are seen', async () => (await deployments('deep')) === 2)
  await write('App_Data/jobs/triggered/deep/a/b/c/data.txt', '2')
  await eventually('what changes in them is seen', async () => (await deployments('deep')) === 3)
})

test.skipIf(process.platform !== 'linux')(
  'a file whose name is no text is told, once, and others are deployed',
  async () => {
    await write('App_Data/jobs/triggered/bytes/run.sh')
    const path = join(site, 'App_Data/jobs/triggered/bytes')
    await write(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0x74, 0xe4, 0x73, 0x74])]))
    await mkdir(Buffer.concat([Buffer.from(join(site, 'App_Data/jobs/triggered/')), Buffer.from([0xff, 0x41])]))
    await write('App_Data/jobs/triggered/zzz/run.sh')
    await watched.start()
    await eventually('the good one is there', () => job('zzz'))
    await eventually('both are told', () => problems.length >= 2)
    expect(problems.map(({ message }) => message)).toEqual(Array(2).fill(expect.stringMatching(/not valid Unicode/)))
    const before = looks
    await new Promise((resolve) => setTimeout(resolve, 600))
    // It is not looked at again and again.
    expect(looks - before).toBeLessThanOrEqual(1)
    await rm(path, { recursive: true })
    await write('App_Data/jobs/triggered/bytes/run.sh')
    await eventually('it is mended', () => job('bytes'))
  },
)

test('whoever writes all the time does not keep the server looking all the time', async () => {
  await write('App_Data/jobs/triggered/busy/run.sh')
  await watched.start()
  await eventually('it is there', () => job('busy'))
  slowness = 100
  const before = looks
  const end = performance.now() + 2500
  for (let n = 0; performance.now() < end; n++) {
    await write('App_Data/jobs/triggered/busy/log.txt', `${n}`)
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
      await write(`${name}/below/file`)
      const { folders } = await takeFingerprint(join(site, name))
      expect(folders.map(({ path }) => path)).toEqual([join(site, name), join(site, name, 'below')])
      expect(watch.follow(name, folders)).toBe(true)
      expect(watch.follow(name, folders)).toBe(false)
    }
    await write('b/below/file', 'more')
    await eventually('it is heard', () => heard.length > 0)
    expect(heard).toEqual(['b'])
    watch.keepOnly(new Set(['b']))
    await write('a/below/file', 'more')
    await write('b/other', 'more')
    await eventually('it is heard', () => heard.length > 1)
    expect(heard).toEqual(['b', 'b'])
  } finally {
    watch.stop()
  }
})

const program = join(import.meta.dirname, 'find-as-user.ts')
const reachable = canExecute(process.execPath, NOBODY) && checkReachable(program, NOBODY).reachable

test.skipIf(process.platform === 'win32' || (IS_ROOT && !reachable))(
  'a folder that cannot be read is told, and hides only what lies in it',
  async () => {
    await write('App_Data/jobs/triggered/open/run.sh')
    await write('App_Data/jobs/continuous/hidden/run.sh')
    await chmod(site, 0o755)
    await chmod(join(site, 'App_Data/jobs/continuous'), 0o700)
    if (!IS_ROOT) await chmod(join(site, 'App_Data/jobs/continuous'), 0)
    const who = IS_ROOT ? { uid: NOBODY.uid, gid: NOBODY.gid } : {}
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program, site], { ...who, cwd: '/' })
      expect(JSON.parse(stdout)).toMatchObject({
        jobs: ['open'],
        closed: ['continuous'],
        problems: [{ path: join(site, 'App_Data/jobs/continuous'), message: expect.stringMatching(/cannot be read/) }],
      })
    } finally {
      await chmod(join(site, 'App_Data/jobs/continuous'), 0o755)
    }
  },
)

test('a job whose deployment fails through the server does not keep the others waiting', async () => {
  await write('App_Data/jobs/triggered/first/run.sh')
  await write('App_Data/jobs/triggered/second/run.sh')
  const real = packages
  const failing = {
    receiveFolder: async (path: string) => {
      if (path.endsWith('/first') && broken) throw new Error('the disk is full')
      return await real.receiveFolder(path)
    },
  }
  let broken = true
  const { store, events, clock, random } = stack.parts
  const { jobs: saver, engine, collectionId } = stack
  const common = { store, events, clock, random, jobs: saver, engine, packages: failing, collectionId, folder: site }
  const onProblem = (problem: FolderProblem) => problems.push(problem)
  const other = new WatchedFolder({ ...common, instance: 'there', quietMs: 100, everyMs: 60_000, onProblem })
  try {
    await other.start()
    await eventually('the other is there', () => job('second'))
    await eventually('the first is told', () => problems.some(({ path }) => path.endsWith('/first')))
    expect(problems).toMatchObject([{ message: expect.stringMatching(/tried again.*the disk is full/) }])
    broken = false
    await eventually('it is tried again', () => job('first'))
  } finally {
    await other.stop()
  }
})
