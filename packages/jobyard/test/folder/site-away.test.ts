import { lchown, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import { IS_ROOT, NOBODY } from '../script/fixtures.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR } from '../support/stack.ts'
import { lookForLong, lookUntil, QUIET, type Site, toldOf, useSite } from './use-site.ts'

const ROOT = 'site/wwwroot'
const JOBS = `${ROOT}/App_Data/jobs`

let on: Site
let watched: WatchedFolder
let path: (below: string) => string

useSite('sqlite', (site) => {
  on = site
  path = (below) => join(site.path, below)
  watched = site.open({ quietMs: QUIET })
})

const names = async () => (await on.jobs()).map(({ type, name }) => `${type}/${name}`).toSorted()
const ids = async () => (await on.jobs()).map(({ id }) => id).toSorted()

const until = (what: string, wanted: readonly string[]) => lookUntil(what, watched, names, wanted)

const told = () => toldOf(on)

let began = 0

beforeEach(async () => {
  began = performance.now()
  await on.write(`${JOBS}/triggered/report/run.sh`, 'echo report\n')
  await on.write(`${JOBS}/continuous/pump/run.sh`, 'echo pump\n')
  await until('both are there', ['continuous/pump', 'triggered/report'])
})

/** Puts a link in the place of what is there in one step, as releases do. */
async function relink(target: string, at: string): Promise<void> {
  await symlink(target, path('new-link'))
  await rename(path('new-link'), path(at))
}

test('a release by a link, and the change of that link to another one, deploys and takes away no history', async () => {
  const before = await ids()
  await rename(path(ROOT), path('rel1'))
  await symlink('../rel1', path(ROOT))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(await on.deployments('report')).toHaveLength(1)
  const fresh = 'rel2/App_Data/jobs'
  await on.write(`${fresh}/triggered/report/run.sh`, 'echo the second one\n')
  await on.write(`${fresh}/triggered/added/run.sh`)
  await relink('../rel2', ROOT)
  // There is no folder of continuous jobs in it.
  await until('the second release counts', ['triggered/added', 'triggered/report'])
  expect(before).toContain((await on.job('report'))?.id)
  expect(await on.deployments('report')).toHaveLength(2)
  await relink('../rel1', ROOT)
  await until('the first one is back', ['continuous/pump', 'triggered/report'])
  expect(before).toContain((await on.job('report'))?.id)
  expect(told()).toBe('')
})

test('a change of the link is seen at once, also one of a link that it leads through', async () => {
  await rename(path(ROOT), path('rel1'))
  await symlink('rel1', path('current'))
  await symlink('../current', path(ROOT))
  await on.write('rel2/App_Data/jobs/triggered/report/run.sh', 'echo the second one\n')
  await watched.stop()
  watched = on.open({ instance: 'listening', quietMs: QUIET, everyMs: 60_000 })
  await watched.start()
  await relink('rel2', 'current')
  await eventually('it is seen', async () => (await on.deployments('report')).length === 2)
})

test('the watched folder itself may be a link, which is changed from release to release', async () => {
  const before = await ids()
  await rename(path(ROOT), path('rel1'))
  await symlink('rel1', path('current'))
  await on.write('rel2/App_Data/jobs/triggered/report/run.sh', 'echo the second one\n')
  await on.write('shared/pump/run.sh', 'echo pump\n')
  await symlink('../../../shared', path('rel2/App_Data/jobs/continuous'))
  await watched.stop()
  watched = on.open({ instance: 'listening', folder: path('current'), quietMs: QUIET, everyMs: 60_000 })
  await watched.start()
  await relink('rel2', 'current')
  await eventually('it is seen', async () => (await on.deployments('report')).length === 2)
  await eventually('all has become quiet', () => performance.now() > began + 10 * QUIET)
  expect(await ids()).toEqual(before)
  expect(await on.deployments('pump')).toHaveLength(1)
})

test('what a link leads to may lie beside the watched folder, and no further', async () => {
  const before = await ids()
  const inner = on.open({ instance: 'inner', folder: path('site'), quietMs: QUIET })
  await watched.stop()
  watched = inner
  await rename(path('site'), path('rel1'))
  await mkdir(path('site'))
  await symlink(path('rel1/wwwroot/App_Data'), path('site/App_Data'))
  await lookForLong(watched)
  expect([await ids(), told()]).toEqual([before, ''])
  await rename(path('site/App_Data'), path('old'))
  await symlink('/etc', path('site/App_Data'))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toBe(
    `${path('site/App_Data')}: It is a link that leads out, to /etc; it is not followed. Jobs that came from it stay as they are.`,
  )
})

test.runIf(IS_ROOT)('a link that jobs could have made is not followed, and takes no jobs away', async () => {
  const before = await ids()
  await rename(path(ROOT), path('rel1'))
  await on.write('rel1/App_Data/jobs/triggered/added/run.sh')
  await symlink('../rel1', path(ROOT))
  await lchown(path(ROOT), NOBODY.uid, NOBODY.gid)
  await lookForLong(watched)
  expect(told()).toMatch(/It is a link that jobs could have made; it is not followed/)
  // In a folder of theirs they could have put anybody's.
  await lchown(path(ROOT), 0, 0)
  await lchown(path('site'), NOBODY.uid, NOBODY.gid)
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  await lchown(path('site'), 0, 0)
  // So they could any link that it leads through.
  await symlink('rel1', path('current'))
  await lchown(path('current'), NOBODY.uid, NOBODY.gid)
  await relink('../current', ROOT)
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  await lchown(path('current'), 0, 0)
  await until('it is followed', ['continuous/pump', 'triggered/added', 'triggered/report'])
})

test.runIf(IS_ROOT)('a link is not followed to a folder that its maker does not own', async () => {
  const before = await ids()
  await rename(path(ROOT), path('rel1'))
  await symlink('../rel1', path(ROOT))
  await lchown(path(ROOT), 1234, 1234)
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toMatch(/It is a link that somebody made to whom .*rel1 does not belong/)
  await lchown(path('rel1'), 1234, 1234)
  await rm(path('rel1/App_Data/jobs/continuous'), { recursive: true })
  await until('it is followed', ['triggered/report'])
})

test('a link that leads nowhere takes no jobs away, and is told until it leads to them again', async () => {
  const before = await ids()
  await rename(path(ROOT), path('rel1'))
  await symlink('../gone', path(ROOT))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toMatch(/wwwroot: It is a link that leads to no folder; it is not followed\. Jobs .* stay/)
  await rename(path('rel1'), path('gone'))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(await on.deployments('report')).toHaveLength(1)
})

test('links in a circle are told', async () => {
  await rename(path(ROOT), path('rel1'))
  await symlink('wwwroot', path(ROOT))
  await lookForLong(watched)
  expect(await names()).toHaveLength(2)
  expect(told()).toMatch(/wwwroot: It is a link that leads to too many others/)
})

test('a job in whose place a link is stays, with its history', async () => {
  const before = await ids()
  await rename(path(`${JOBS}/triggered/report`), path('elsewhere'))
  await symlink(path('elsewhere'), path(`${JOBS}/triggered/report`))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toMatch(/triggered\/report: It is a link/)
})

const away = {
  'no wwwroot': async () => await rename(path(ROOT), path('away')),
  'a file instead of wwwroot': async () => {
    await rename(path(ROOT), path('away'))
    await writeFile(path(ROOT), '')
  },
  'an empty wwwroot': async () => {
    for (const name of await readdir(path(ROOT))) await rename(path(`${ROOT}/${name}`), path('away'))
  },
  'another empty folder of jobs, as that below a disk': async () => {
    await rename(path(JOBS), path('away'))
    await mkdir(path(JOBS))
  },
  'no folder of jobs': async () => await rename(path(JOBS), path('away')),
}

test.each(Object.entries(away))('%s takes no jobs away', async (_what, take) => {
  const before = await ids()
  await take()
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toMatch(/Jobs that came from it stay as they are\. Delete those by hand that are to go\./)
})

test('the empty folder of a disk that is not there when the server starts takes no jobs of that type away', async () => {
  const before = await ids()
  await watched.stop()
  await rename(path(`${JOBS}/triggered`), path('away'))
  await mkdir(path(`${JOBS}/triggered`))
  watched = on.open({ instance: 'later', quietMs: QUIET })
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
  expect(told()).toMatch(/jobs\/triggered: There is nothing in it\. Jobs that came from it stay/)
  await rm(path(`${JOBS}/triggered`), { recursive: true })
  await rename(path('away'), path(`${JOBS}/triggered`))
  await lookForLong(watched)
  expect(await ids()).toEqual(before)
})

test('the last job of a type goes with its folder, and so does a type whose folder goes', async () => {
  await rm(path(`${JOBS}/triggered/report`), { recursive: true })
  await until('it goes', ['continuous/pump'])
  await on.write(`${JOBS}/triggered/report/run.sh`)
  await until('it is back', ['continuous/pump', 'triggered/report'])
  await rm(path(`${JOBS}/continuous`), { recursive: true })
  await until('the type goes', ['triggered/report'])
  expect(told()).toBe('')
})

test('a job whose folder is not found may be deleted, and is there again when its folder is', async () => {
  const { id = '' } = (await on.job('report')) ?? {}
  const remove = () => on.stack.engine.deleteJob(id, 'report', ACTOR)
  await expect(remove()).rejects.toMatchObject({ code: 'source-controlled' })
  await rename(path(ROOT), path('away'))
  await lookForLong(watched)
  await remove()
  await lookForLong(watched)
  expect(await names()).toEqual(['continuous/pump'])
  await rename(path('away'), path(ROOT))
  await until('it is there again', ['continuous/pump', 'triggered/report'])
  expect((await on.job('report'))?.id).not.toBe(id)
})
