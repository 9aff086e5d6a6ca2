import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shortName } from '../../src/domain/instance-name.ts'
import { createRuns } from '../../src/store/procedures/create-runs.ts'
import { entriesOf, recordFresh } from '../../src/store/procedures/record-occurrences.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { countStatements } from './count-statements.ts'
import { type OpenRepository, openRepository } from './repository.ts'

describe.each(DATABASES)('on %s', (database) => {
  let repository: OpenRepository

  beforeAll(async () => {
    repository = await openRepository(database)
  })

  afterAll(() => repository.close())

  let jobs = 0
  async function addJobs(count: number): Promise<string[]> {
    const ids: string[] = []
    while (ids.length < count) ids.push(await repository.addJob(`job ${++jobs}`, { overlap: 'allow' }))
    return ids
  }

  test('many runs that people start cost no more statements than one, and each start is on record', async () => {
    const [one = '', other = ''] = await addJobs(2)
    const start = (jobIds: readonly string[]) => {
      const items = jobIds.map((jobId) => ({
        ...{ id: repository.ids.next(), jobId, why: 'manual' as const, detail: {}, args: [], actor: ACTOR },
      }))
      return countStatements(database, repository, (scope) => createRuns({ items, at: 1 }, scope))
    }
    await repository.ask('delete from audit')
    const alone = await start([one])
    expect(await start([one, other, one, one, other])).toBe(alone)
    const names = (await repository.store.read('listAudit', { limit: 10 })).map(({ targetName }) => targetName)
    expect(names.toSorted()).toEqual(['job 1 #1', 'job 1 #2', 'job 1 #3', 'job 1 #4', 'job 2 #1', 'job 2 #2'])
  })

  test('occurrences of many jobs cost no more statements than those of one, and each has its name', async () => {
    const at = 1_000_000
    const elsewhere = repository.ids.next()
    await repository.addRows('collection', [{ id: elsewhere, name: 'other', name_key: 'other', created_at: 0 }])
    const named = { collection_id: elsewhere, name: 'X', name_key: 'x', value: 'abcdef0123', steer: 'instance' }
    await repository.addRows('setting', [{ ...named, secret: 0, updated_at: 0, updated_by: 'me' }])
    const ids = await addJobs(5)
    await repository.ask('update job set collection_id = ? where id = ?', elsewhere, ids[4] ?? '')
    const record = (due: number) => (jobIds: readonly string[]) =>
      countStatements(database, repository, (scope) => {
        const none = { missed: [], missedCount: 0, unlisted: null, nextDue: null, considered: due }
        const decision = { ...none, run: [{ due, late: false }] }
        return recordFresh(
          scope,
          jobIds.flatMap((jobId) => entriesOf(scope, jobId, decision, '* * * * * *', at)),
        )
      })
    const alone = await record(at)(ids.slice(0, 1))
    expect(await record(at + 1000)(ids)).toBe(alone)
    const own = shortName('here')
    const rows = await repository.ask('select called from occurrence where due = ? order by called', at + 1000)
    expect(rows.map(({ called }) => called)).toEqual(['abcdef', own, own, own, own])
  })
})
