import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { WatchedFolder } from '../../src/services/folder/watched-folder.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { lookForLong, lookUntil, QUIET, type Site, toldOf, useSite } from './use-site.ts'

const UPPER = 'site/wwwroot/App_Data/jobs'
const LOWER = 'App_Data/jobs'

describe.each(DATABASES)('on %s', (database) => {
  let on: Site
  let watched: WatchedFolder
  let path: (below: string) => string

  useSite(database, (site) => {
    on = site
    path = (below) => join(site.path, below)
    watched = site.open({ quietMs: QUIET })
  })

  const names = async () => (await on.jobs()).map(({ name }) => name).toSorted()
  const ids = async () => (await on.jobs()).map(({ id }) => id).toSorted()
  const told = () => toldOf(on)

  const until = (what: string, wanted: readonly string[]) => lookUntil(what, watched, names, wanted)

  /** Another server that knows nothing of what this one saw. */
  async function startAgain(): Promise<void> {
    await watched.stop()
    watched = on.open({ instance: 'later', quietMs: QUIET })
  }

  beforeEach(async () => {
    await on.write(`${UPPER}/triggered/main/run.sh`, 'echo main\n')
    await on.write(`${UPPER}/triggered/both/run.sh`, 'echo upper\n')
    await on.write(`${LOWER}/triggered/both/run.sh`, 'echo lower\n')
    await on.write(`${LOWER}/triggered/side/run.sh`, 'echo side\n')
    await until('all are there', ['both', 'main', 'side'])
  })

  test.each(['is away when the server starts', 'goes away'])(
    'when the web site %s, its jobs stay as they are, and those of the other place follow it',
    async (when) => {
      const before = await ids()
      if (when !== 'goes away') await startAgain()
      await rename(path('site'), path('away'))
      await lookForLong(watched)
      expect(await ids()).toEqual(before)
      expect(await on.deployments('both')).toHaveLength(1)
      expect(told()).toMatch(
        /wwwroot\/App_Data\/jobs: It (is not there|was there.*)\. Jobs that came from it stay as they are\./,
      )
      await on.write(`${LOWER}/triggered/side/run.sh`, 'echo changed\n')
      await eventually('the other is deployed', async () => {
        await watched.look()
        return (await on.deployments('side')).length === 2
      })
      await rename(path('away'), path('site'))
      await lookForLong(watched)
      expect(await ids()).toEqual(before)
      expect(await on.deployments('both')).toHaveLength(1)
    },
  )

  test('jobs move from place to place with their history while the folders above them stay', async () => {
    const { id } = (await on.job('both')) ?? {}
    await rm(path(`${UPPER}/triggered/both`), { recursive: true })
    await eventually('the lower one counts', async () => {
      await watched.look()
      return (await on.deployments('both')).length === 2
    })
    await on.write(`${UPPER}/triggered/both/run.sh`, 'echo upper again\n')
    await rm(path('App_Data'), { recursive: true })
    await eventually('the upper one counts again', async () => {
      await watched.look()
      return (await on.deployments('both')).length === 3
    })
    expect((await on.job('both'))?.id).toBe(id)
  })

  test('jobs of the place that is looked into go, also where the other place never was', async () => {
    await startAgain()
    await rename(path('site'), path('away'))
    await rm(path(`${LOWER}/triggered/side`), { recursive: true })
    await until('it goes, and the others stay', ['both', 'main'])
  })

  test('with another folder to watch, it is not known of a job where it came from, and none goes', async () => {
    const before = await ids()
    await watched.stop()
    watched = on.open({ instance: 'later', quietMs: QUIET, folder: path('site/wwwroot') })
    await lookForLong(watched)
    expect(await ids()).toEqual(before)
    expect(told()).toMatch(/wwwroot\/site\/wwwroot\/App_Data\/jobs: It is not there\./)
    expect(await on.deployments('main')).toHaveLength(1)
    await rename(path(UPPER), path('away'))
    await lookForLong(watched)
    expect(await ids()).toEqual(before)
  })

  test('an empty folder put in the place of the jobs is another one, also with the number of the first', async () => {
    const before = await ids()
    await rm(path(`${UPPER}/triggered`), { recursive: true })
    await mkdir(path(`${UPPER}/triggered`))
    await lookForLong(watched)
    expect(await ids()).toEqual(before)
    expect(told()).toMatch(/triggered: There is nothing in it\./)
  })
})
