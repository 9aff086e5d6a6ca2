import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { ScriptPackages } from '../../src/kinds/script/packages.ts'
import { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import type { FolderProblem } from '../../src/store/procedures/watched-folder.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

/** So long a folder must be quiet in these tests, in milliseconds. */
const QUIET = 150

class FolderKind extends TestKind {
  override readonly types = ['triggered', 'continuous']
}

describe.each(DATABASES)('on %s', (database) => {
  let place: Place
  let stack: Stack
  let packages: ScriptPackages
  let site: string
  let watched: WatchedFolder
  let problems: FolderProblem[]

  beforeAll(async () => {
    place = await makePlace(database)
    stack = await startStack({ kinds: [new FolderKind('script')], place })
    const user = { name: 'me', uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, own: true }
    const interpreters = { path: process.env.PATH ?? '', user }
    const { clock, ids } = stack.parts
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
    watched = open()
  })
  afterEach(async () => {
    await watched.stop()
    for (const { id, name } of await jobs()) await stack.engine.deleteJob(id, name, ACTOR)
    await rm(site, { recursive: true, force: true })
  })

  function open(instance = 'here', quietMs = QUIET): WatchedFolder {
    const { store, events, clock, random } = stack.parts
    const { jobs: saver, engine, collectionId } = stack
    const common = { store, events, clock, random, jobs: saver, engine, packages, collectionId, quietMs }
    return new WatchedFolder({ ...common, folder: site, instance, onProblem: (problem) => problems.push(problem) })
  }

  const jobs = () => stack.store.read('listJobs', { collectionId: stack.collectionId, limit: 100 })
  const names = async () => (await jobs()).map(({ type, name }) => `${type}/${name}`).toSorted()
  const job = async (name: string) => (await jobs()).find((each) => each.name === name)
  const until = (what: string, wanted: readonly string[]) =>
    eventually(what, async () => (await names()).join() === wanted.join())

  async function write(path: string, text = 'exit 0\n'): Promise<void> {
    const file = join(site, path)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }

  const deployments = async (name: string) =>
    await stack.store.read('listDeployments', { jobId: (await job(name))?.id ?? '' })

  test('a job is written as its folder is, and stays the same one', async () => {
    await write('App_Data/jobs/triggered/report/run.sh')
    await watched.start()
    await until('it appears', ['triggered/report'])
    const before = await job('report')
    const folder = join(site, 'App_Data/jobs/triggered')
    await rename(join(folder, 'report'), join(folder, 'Report'))
    await until('it is called as its folder is', ['triggered/Report'])
    expect((await job('Report'))?.id).toBe(before?.id)
  })

  test('a job appears, changes and goes with its folder', async () => {
    await write('App_Data/jobs/triggered/report/run.sh')
    await watched.start()
    await until('it appears', ['triggered/report'])
    expect(await deployments('report')).toMatchObject([{ source: 'folder', deployedBy: 'watched folder' }])
    const { id } = (await job('report')) ?? {}
    await write('App_Data/jobs/triggered/report/run.sh', 'echo changed\n')
    await eventually('it changes', async () => (await deployments('report')).length === 2)
    expect((await job('report'))?.id).toBe(id)
    await rm(join(site, 'App_Data/jobs/triggered/report'), { recursive: true })
    await until('it goes', [])
  })

  test('both types are found in any case, and below site/wwwroot first', async () => {
    await write('site/wwwroot/app_data/JOBS/Continuous/pump/run.sh')
    await write('site/wwwroot/app_data/JOBS/Triggered/pump/run.sh', 'echo first\n')
    await write('App_Data/jobs/triggered/Pump/run.sh', 'echo second\n')
    await write('App_Data/jobs/triggered/other/run.sh')
    await write('App_Data/jobs/triggered/README.md')
    await watched.start()
    await until('all are there', ['continuous/pump', 'triggered/other', 'triggered/pump'])
    expect(problems).toEqual([
      { path: join(site, 'App_Data/jobs/triggered/Pump'), message: expect.stringMatching(/is the same job/) },
    ])
  })

  test('nothing happens while the bytes are the same', async () => {
    await write('App_Data/jobs/triggered/same/run.sh')
    await watched.start()
    await until('it is there', ['triggered/same'])
    const before = await job('same')
    await write('App_Data/jobs/triggered/same/run.sh')
    await write('App_Data/jobs/triggered/later/run.sh')
    await until('the other is there', ['triggered/later', 'triggered/same'])
    await watched.stop()
    watched = open()
    await watched.start()
    await write('App_Data/jobs/triggered/last/run.sh')
    await until('the last is there', ['triggered/last', 'triggered/later', 'triggered/same'])
    expect(await job('same')).toEqual(before)
    expect(await deployments('same')).toHaveLength(1)
  })

  test('what is still being written is not deployed before it is quiet', async () => {
    // Long enough that a busy machine does not make the writer seem to rest.
    const patient = open('here', 1500)
    let lines = 0
    const first = performance.now()
    while (performance.now() - first < 2000) {
      await write('App_Data/jobs/triggered/slow/run.sh', `${'echo more\n'.repeat(++lines)}`)
      await patient.look()
      expect(await names()).toEqual([])
    }
    await eventually('it is there', async () => {
      await patient.look()
      return (await names()).length === 1
    })
    const [only, ...others] = await deployments('slow')
    expect(others).toEqual([])
    expect(only?.bytes).toBe(lines * 10)
  })

  test('a look finds everything by itself, without events of the file system', async () => {
    await write('App_Data/jobs/triggered/quiet/run.sh')
    await eventually('a look deploys it', async () => {
      await watched.look()
      return (await names()).length === 1
    })
    await rename(join(site, 'App_Data/jobs/triggered/quiet'), join(site, 'App_Data/jobs/triggered/renamed'))
    await eventually('a look follows', async () => {
      await watched.look()
      return (await names()).join() === 'triggered/renamed'
    })
  })

  test('at the start a job that has lain there for a while is there at once', async () => {
    await write('App_Data/jobs/triggered/old/run.sh')
    const hasty = open('here', 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await hasty.look()
    expect(await names()).toEqual(['triggered/old'])
  })

  test('links are left out with a warning that everybody sees, and nothing is read through them', async () => {
    await write('elsewhere/secret.txt', 'secret')
    await write('App_Data/jobs/triggered/linked/run.sh')
    await symlink(join(site, 'elsewhere'), join(site, 'App_Data/jobs/triggered/linked/folder'))
    await symlink(join(site, 'elsewhere/secret.txt'), join(site, 'App_Data/jobs/triggered/linked/file.txt'))
    await symlink(join(site, 'App_Data/jobs/triggered/linked'), join(site, 'App_Data/jobs/triggered/whole'))
    await watched.start()
    await until('it is there', ['triggered/linked'])
    const hash = (await job('linked'))?.packageHash ?? ''
    expect((await packages.list(hash)).map(({ path }) => path)).toEqual(['run.sh'])
    const { warnings } = await packages.describe(hash)
    expect(warnings).toMatchObject([{ code: 'links-left-out', message: expect.stringMatching(/"file.txt", "folder"/) }])
    expect(problems).toMatchObject([{ path: join(site, 'App_Data/jobs/triggered/whole'), message: /links are not/ }])
  })

  test('what cannot be a job is told once, and the others are not kept from it', async () => {
    await write('App_Data/jobs/triggered/empty/readme.txt')
    await write('App_Data/jobs/triggered/bad name/run.sh')
    await write('App_Data/jobs/triggered/wrong/run.sh')
    await write('App_Data/jobs/triggered/wrong/settings.job', '{"schedule": "not one"}')
    await write('App_Data/jobs/triggered/zzz/run.sh')
    await watched.start()
    await eventually('the good one is there', () => job('zzz'))
    await eventually('all are told', () => problems.length >= 2)
    for (let i = 0; i < 3; i++) await watched.look()
    const told = problems.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).toSorted()
    expect(told).toEqual([...new Set(told)])
    expect(told).toContain('empty')
    expect(told).toContain('bad name')
    await write('App_Data/jobs/triggered/empty/run.sh')
    await eventually('it is mended', () => job('empty'))
  })

  test('jobs that were there before stay; a folder of that name takes them over', async () => {
    const hash = (await packages.receiveFolder(await folderWith('echo own\n'))).hash
    await stack.jobs.save({ ...target('own'), packageHash: hash }, 'new', ACTOR)
    await stack.jobs.save({ ...target('taken'), packageHash: hash }, 'new', ACTOR)
    const { id } = (await job('taken')) ?? {}
    await write('App_Data/jobs/triggered/taken/run.sh')
    await watched.start()
    await eventually('it is taken over', async () => (await deployments('taken'))[0]?.source === 'folder')
    expect((await job('taken'))?.id).toBe(id)
    await rm(join(site, 'App_Data/jobs/triggered/taken'), { recursive: true })
    await until('only what came from the folder goes with it', ['triggered/own'])
  })

  async function folderWith(text: string): Promise<string> {
    await write('apart/run.sh', text)
    return join(site, 'apart')
  }

  const target = (name: string) => ({ collectionId: stack.collectionId, kind: 'script', type: 'triggered', name })

  test('a deployment by others is refused while the folder is watched, and taken again after it', async () => {
    await write('App_Data/jobs/triggered/mine/run.sh')
    await watched.start()
    await until('it is there', ['triggered/mine'])
    const { hash } = await packages.receiveFolder(await folderWith('echo other\n'))
    const refused = { code: 'source-controlled', message: expect.stringContaining(site) }
    const deploy = (name: string) => stack.jobs.save({ ...target(name), packageHash: hash }, 'either', ACTOR)
    await expect(deploy('mine')).rejects.toMatchObject(refused)
    await expect(deploy('new')).rejects.toMatchObject(refused)
    const mine = await job('mine')
    await expect(stack.engine.deleteJob(mine?.id ?? '', 'mine', ACTOR)).rejects.toMatchObject(refused)
    // What is no deployment is nobody's business but the people's.
    const changed = await stack.jobs.save({ ...target('mine'), enabled: false }, 'existing', ACTOR)
    expect(changed.job.enabled).toBe(false)
    await watched.stop()
    await deploy('mine')
    // It is no longer the folder's: another folder, without it, does not take it away.
    const other = open()
    await rm(join(site, 'App_Data/jobs/triggered/mine'), { recursive: true })
    await eventually('some looks have passed', async () => {
      await other.look()
      return performance.now() > started + 3 * QUIET
    })
    expect(await names()).toEqual(['triggered/mine'])
    await other.stop()
  })

  let started = 0
  beforeEach(() => {
    started = performance.now()
  })

  test('a folder that is gone, or whose disk is, takes no jobs away', async () => {
    await write('App_Data/jobs/triggered/kept/run.sh')
    await watched.start()
    await until('it is there', ['triggered/kept'])
    await rename(site, `${site}-away`)
    const look = async () => {
      const until = performance.now() + 3 * QUIET
      while (performance.now() < until) await watched.look()
      expect(await names()).toEqual(['triggered/kept'])
    }
    await look()
    await mkdir(site)
    await look()
    expect(problems).toMatchObject([{ path: site, message: /not there, or empty/ }])
    await rm(site, { recursive: true })
    await rename(`${site}-away`, site)
    await look()
  })

  test('only one instance looks at a time, and another one goes on where it stopped', async () => {
    await write('App_Data/jobs/triggered/shared/run.sh')
    await watched.start()
    await until('it is there', ['triggered/shared'])
    const second = open('there')
    await rm(join(site, 'App_Data/jobs/triggered/shared'), { recursive: true })
    await second.look()
    await watched.stop()
    await eventually('the other follows', async () => {
      await second.look()
      return (await names()).length === 0
    })
    await second.stop()
  })

  test('a continuous job is stopped by disable.job, and by nothing else that changes', async () => {
    await write('App_Data/jobs/continuous/pump/run.sh')
    await watched.start()
    await eventually('it is there', () => job('pump'))
    await stack.jobs.save({ ...target('pump'), type: 'continuous', enabled: false }, 'existing', ACTOR)
    await write('App_Data/jobs/continuous/pump/run.sh', 'echo new\n')
    await eventually('it is deployed', async () => (await deployments('pump')).length === 2)
    expect((await job('pump'))?.enabled).toBe(false)
    await stack.jobs.save({ ...target('pump'), type: 'continuous', enabled: true }, 'existing', ACTOR)
    await write('App_Data/jobs/continuous/pump/disable.job', '')
    await eventually('it is stopped', async () => (await job('pump'))?.enabled === false)
  })

  test.skipIf(process.getuid?.() === 0)('a job that cannot be read is told', async () => {
    await write('App_Data/jobs/triggered/closed/run.sh')
    await chmod(join(site, 'App_Data/jobs/triggered/closed'), 0)
    await watched.start()
    await eventually('it is told', () => problems.some(({ message }) => /cannot be read/.test(message)))
    await chmod(join(site, 'App_Data/jobs/triggered/closed'), 0o755)
  })
})
