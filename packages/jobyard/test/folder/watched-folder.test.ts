import { chmod, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { holdFolder } from '../../src/kinds/script/held-folder.ts'
import type { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { type Site, useSite } from './use-site.ts'

/** So long a folder must be quiet in these tests, in milliseconds. */
const QUIET = 150

describe.each(DATABASES)('on %s', (database) => {
  let on: Site
  let watched: WatchedFolder
  useSite(database, (site) => {
    on = site
    watched = open()
  })

  const open = (instance = 'here', quietMs = QUIET) => on.open({ instance, quietMs })
  const names = async () => (await on.jobs()).map(({ type, name }) => `${type}/${name}`).toSorted()
  const until = (what: string, wanted: readonly string[]) =>
    eventually(what, async () => (await names()).join() === wanted.join())

  test('a job is written as its folder is, and stays the same one', async () => {
    await on.write('App_Data/jobs/triggered/report/run.sh')
    await watched.start()
    await until('it appears', ['triggered/report'])
    const before = await on.job('report')
    const folder = join(on.path, 'App_Data/jobs/triggered')
    await rename(join(folder, 'report'), join(folder, 'Report'))
    await until('it is called as its folder is', ['triggered/Report'])
    expect((await on.job('Report'))?.id).toBe(before?.id)
  })

  test('a job appears, changes and goes with its folder', async () => {
    await on.write('App_Data/jobs/triggered/report/run.sh')
    await watched.start()
    await until('it appears', ['triggered/report'])
    expect(await on.deployments('report')).toMatchObject([{ source: 'folder', deployedBy: 'watched folder' }])
    const { id } = (await on.job('report')) ?? {}
    await on.write('App_Data/jobs/triggered/report/run.sh', 'echo changed\n')
    await eventually('it changes', async () => (await on.deployments('report')).length === 2)
    expect((await on.job('report'))?.id).toBe(id)
    await rm(join(on.path, 'App_Data/jobs/triggered/report'), { recursive: true })
    await until('it goes', [])
  })

  test('both types are found in any case, and below site/wwwroot first', async () => {
    await on.write('site/wwwroot/app_data/JOBS/Continuous/pump/run.sh')
    await on.write('site/wwwroot/app_data/JOBS/Triggered/pump/run.sh', 'echo first\n')
    await on.write('App_Data/jobs/triggered/Pump/run.sh', 'echo second\n')
    await on.write('App_Data/jobs/triggered/other/run.sh')
    await on.write('App_Data/jobs/triggered/README.md')
    await watched.start()
    await until('all are there', ['continuous/pump', 'triggered/other', 'triggered/pump'])
    expect(on.problems).toEqual([
      { path: join(on.path, 'App_Data/jobs/triggered/Pump'), message: expect.stringMatching(/is the same job/) },
    ])
  })

  test('nothing happens while the bytes are the same', async () => {
    await on.write('App_Data/jobs/triggered/same/run.sh')
    await watched.start()
    await until('it is there', ['triggered/same'])
    const before = await on.job('same')
    await on.write('App_Data/jobs/triggered/same/run.sh')
    await on.write('App_Data/jobs/triggered/later/run.sh')
    await until('the other is there', ['triggered/later', 'triggered/same'])
    await watched.stop()
    watched = open()
    await watched.start()
    await on.write('App_Data/jobs/triggered/last/run.sh')
    await until('the last is there', ['triggered/last', 'triggered/later', 'triggered/same'])
    expect(await on.job('same')).toEqual(before)
    expect(await on.deployments('same')).toHaveLength(1)
  })

  test('what is still being written is not deployed before it is quiet', async () => {
    // Long enough that a busy machine does not make the writer seem to rest.
    const patient = open('here', 1500)
    let lines = 0
    const first = performance.now()
    while (performance.now() - first < 2000) {
      await on.write('App_Data/jobs/triggered/slow/run.sh', `${'echo more\n'.repeat(++lines)}`)
      await patient.look()
      expect(await names()).toEqual([])
    }
    await eventually('it is there', async () => {
      await patient.look()
      return (await names()).length === 1
    })
    const [only, ...others] = await on.deployments('slow')
    expect(others).toEqual([])
    expect(only?.bytes).toBe(lines * 10)
  })

  test('a look finds everything by itself, without events of the file system', async () => {
    await on.write('App_Data/jobs/triggered/quiet/run.sh')
    await eventually('a look deploys it', async () => {
      await watched.look()
      return (await names()).length === 1
    })
    await rename(join(on.path, 'App_Data/jobs/triggered/quiet'), join(on.path, 'App_Data/jobs/triggered/renamed'))
    await eventually('a look follows', async () => {
      await watched.look()
      return (await names()).join() === 'triggered/renamed'
    })
  })

  test('at the start a job that has lain there for a while is there at once', async () => {
    await on.write('App_Data/jobs/triggered/old/run.sh')
    const hasty = open('here', 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await hasty.look()
    expect(await names()).toEqual(['triggered/old'])
  })

  test('links are left out with a warning that everybody sees, and nothing is read through them', async () => {
    await on.write('elsewhere/secret.txt', 'secret')
    await on.write('App_Data/jobs/triggered/linked/run.sh')
    await symlink(join(on.path, 'elsewhere'), join(on.path, 'App_Data/jobs/triggered/linked/folder'))
    await symlink(join(on.path, 'elsewhere/secret.txt'), join(on.path, 'App_Data/jobs/triggered/linked/file.txt'))
    await symlink(join(on.path, 'App_Data/jobs/triggered/linked'), join(on.path, 'App_Data/jobs/triggered/whole'))
    await watched.start()
    await until('it is there', ['triggered/linked'])
    const hash = (await on.job('linked'))?.packageHash ?? ''
    expect((await on.packages.list(hash)).map(({ path }) => path)).toEqual(['run.sh'])
    const { warnings } = await on.packages.describe(hash)
    expect(warnings).toMatchObject([{ code: 'links-left-out', message: expect.stringMatching(/"file.txt", "folder"/) }])
    expect(on.problems).toMatchObject([
      { path: join(on.path, 'App_Data/jobs/triggered/whole'), message: /links are not/ },
    ])
  })

  test('what cannot be a job is told once, and the others are not kept from it', async () => {
    await on.write('App_Data/jobs/triggered/empty/readme.txt')
    await on.write('App_Data/jobs/triggered/bad name/run.sh')
    await on.write('App_Data/jobs/triggered/wrong/run.sh')
    await on.write('App_Data/jobs/triggered/wrong/settings.job', '{"schedule": "not one"}')
    await on.write('App_Data/jobs/triggered/zzz/run.sh')
    await watched.start()
    await eventually('the good one is there', () => on.job('zzz'))
    await eventually('all are told', () => on.problems.length >= 2)
    for (let i = 0; i < 3; i++) await watched.look()
    const told = on.problems.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).toSorted()
    expect(told).toEqual([...new Set(told)])
    expect(told).toContain('empty')
    expect(told).toContain('bad name')
    await on.write('App_Data/jobs/triggered/empty/run.sh')
    await eventually('it is mended', () => on.job('empty'))
  })

  test('jobs that were there before stay; a folder of that name takes them over', async () => {
    const hash = await receive('echo own\n')
    await on.stack.jobs.save({ ...target('own'), packageHash: hash }, 'new', ACTOR)
    await on.stack.jobs.save({ ...target('taken'), packageHash: hash }, 'new', ACTOR)
    const { id } = (await on.job('taken')) ?? {}
    await on.write('App_Data/jobs/triggered/taken/run.sh')
    await watched.start()
    await eventually('it is taken over', async () => (await on.deployments('taken'))[0]?.source === 'folder')
    expect((await on.job('taken'))?.id).toBe(id)
    await rm(join(on.path, 'App_Data/jobs/triggered/taken'), { recursive: true })
    await until('only what came from the folder goes with it', ['triggered/own'])
  })

  async function receive(text: string): Promise<string> {
    await on.write('apart/run.sh', text)
    await using folder = await holdFolder(join(on.path, 'apart'))
    return (await on.packages.receiveFolder(folder)).hash
  }

  const target = (name: string) => ({ collectionId: on.stack.collectionId, kind: 'script', type: 'triggered', name })

  test('a deployment by others is refused while the folder is watched, and taken again after it', async () => {
    await on.write('App_Data/jobs/triggered/mine/run.sh')
    await watched.start()
    await until('it is there', ['triggered/mine'])
    const hash = await receive('echo other\n')
    const refused = { code: 'source-controlled', message: expect.stringContaining(on.path) }
    const deploy = (name: string) => on.stack.jobs.save({ ...target(name), packageHash: hash }, 'either', ACTOR)
    await expect(deploy('mine')).rejects.toMatchObject(refused)
    await expect(deploy('new')).rejects.toMatchObject(refused)
    const mine = await on.job('mine')
    await expect(on.stack.engine.deleteJob(mine?.id ?? '', 'mine', ACTOR)).rejects.toMatchObject(refused)
    // What is no deployment is nobody's business but the people's.
    const changed = await on.stack.jobs.save({ ...target('mine'), enabled: false }, 'existing', ACTOR)
    expect(changed.job.enabled).toBe(false)
    await watched.stop()
    await deploy('mine')
    // It is no longer the folder's: another folder, without it, does not take it away.
    const other = open()
    await rm(join(on.path, 'App_Data/jobs/triggered/mine'), { recursive: true })
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
    await on.write('App_Data/jobs/triggered/kept/run.sh')
    await watched.start()
    await until('it is there', ['triggered/kept'])
    await rename(on.path, `${on.path}-away`)
    const look = async () => {
      const until = performance.now() + 3 * QUIET
      while (performance.now() < until) await watched.look()
      expect(await names()).toEqual(['triggered/kept'])
    }
    await look()
    await mkdir(on.path)
    await look()
    expect(on.problems).toMatchObject([{ path: on.path, message: /not there, or empty/ }])
    await rm(on.path, { recursive: true })
    await rename(`${on.path}-away`, on.path)
    await look()
  })

  test('only one instance looks at a time, and another one goes on where it stopped', async () => {
    await on.write('App_Data/jobs/triggered/other/run.sh')
    await on.write('App_Data/jobs/triggered/shared/run.sh')
    await watched.start()
    await until('both are there', ['triggered/other', 'triggered/shared'])
    const second = open('there')
    await rm(join(on.path, 'App_Data/jobs/triggered/shared'), { recursive: true })
    await second.look()
    await watched.stop()
    await eventually('the other follows', async () => {
      await second.look()
      return (await names()).join() === 'triggered/other'
    })
    await second.stop()
  })

  test('a continuous job is stopped by disable.job, and by nothing else that changes', async () => {
    await on.write('App_Data/jobs/continuous/pump/run.sh')
    await watched.start()
    await eventually('it is there', () => on.job('pump'))
    await on.stack.jobs.save({ ...target('pump'), type: 'continuous', enabled: false }, 'existing', ACTOR)
    await on.write('App_Data/jobs/continuous/pump/run.sh', 'echo new\n')
    await eventually('it is deployed', async () => (await on.deployments('pump')).length === 2)
    expect((await on.job('pump'))?.enabled).toBe(false)
    await on.stack.jobs.save({ ...target('pump'), type: 'continuous', enabled: true }, 'existing', ACTOR)
    await on.write('App_Data/jobs/continuous/pump/disable.job', '')
    await eventually('it is stopped', async () => (await on.job('pump'))?.enabled === false)
  })

  test.skipIf(process.getuid?.() === 0)('a job that cannot be read is told', async () => {
    await on.write('App_Data/jobs/triggered/closed/run.sh')
    await chmod(join(on.path, 'App_Data/jobs/triggered/closed'), 0)
    await watched.start()
    await eventually('it is told', () => on.problems.some(({ message }) => /cannot be read/.test(message)))
    await chmod(join(on.path, 'App_Data/jobs/triggered/closed'), 0o755)
  })
})
