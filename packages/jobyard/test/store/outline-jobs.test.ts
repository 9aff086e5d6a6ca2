import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobOutline } from '../../src/store/procedures/outline-jobs.ts'
import { ACTOR, DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

describe.each(DATABASES)('jobs in outline, on %s', (database) => {
  let place: Place
  let stack: Stack
  const ids: string[] = []

  beforeAll(async () => {
    place = await makePlace(database)
    stack = await startStack({ kinds: [new TestKind()], place })
    for (const name of ['Beta', 'alpha', 'gamma', 'gone']) ids.push(await stack.job(name, { type: 'test' }))
    await stack.job('alpha-service', { type: 'continuous', enabled: false })
    await stack.engine.deleteJob(ids.pop() ?? '', 'gone', ACTOR)
    for (let count = 0; count < 2; count++) await stack.reach(await stack.run(ids[0] ?? ''), 'completed')
  })
  afterAll(async () => {
    await stack.stop()
    await place.drop()
  })

  const of = () => ({ collectionId: stack.collectionId, kind: 'test', type: 'test' })

  test('come page by page, in the order of their names, with the newest run of each', async () => {
    const found: JobOutline[] = []
    for (;;) {
      const last = found.at(-1)
      const after = last === undefined ? {} : { after: { name: last.name, id: last.id } }
      const page = await stack.store.read('outlineJobs', { ...of(), runs: true, ...after, limit: 2 })
      found.push(...page)
      if (page.length < 2) break
    }
    expect(found).toMatchObject([
      { name: 'alpha', type: 'test', version: 1, enabled: true, packageHash: null, latestRun: null },
      { name: 'Beta', latestRun: { number: 2, state: 'completed', why: 'manual', detail: {} } },
      { name: 'gamma', latestRun: null },
    ])
    const [first] = await stack.store.read('latestRuns', { jobIds: [ids[0] ?? ''] })
    expect(first).toMatchObject(found[1]?.latestRun ?? {})
    const without = await stack.store.read('outlineJobs', { ...of(), runs: false, limit: 10 })
    expect(without.map(({ latestRun }) => latestRun)).toEqual([null, null, null])
    expect(await stack.store.read('listJobNames', of())).toEqual(['alpha', 'Beta', 'gamma'])
  })

  test('are told apart by their version, which tells what they are', async () => {
    const trigger = { type: 'schedule', ncrontab: '0 0 1 1 1 *', timeZone: 'UTC' } as const
    await stack.job('gamma', { spec: { targets: ['a'] }, triggers: [trigger] })
    const versions = await stack.store.read('readVersions', { ids })
    expect(versions.toSorted((one, other) => one.version - other.version)).toMatchObject([
      { version: 1, spec: {}, triggers: [] },
      { version: 1, spec: {}, triggers: [] },
      { id: ids[2], version: 2, spec: { targets: ['a'] }, triggers: [{ spec: trigger }] },
    ])
  })
})
