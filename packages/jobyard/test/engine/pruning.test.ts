import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askDatabase, type OpenDatabase } from '../support/ask-database.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'
import { holdWrite } from './held-write.ts'

describe.each(DATABASES)('deleting history on %s', (database) => {
  let stack: Stack
  let place: Place
  let rows: OpenDatabase

  beforeEach(async () => {
    place = await makePlace(database)
    rows = await askDatabase(place)
    stack = await startStack({ kinds: [new TestKind()], place })
  })

  afterEach(async () => {
    await stack.stop()
    await rows.close()
    await place.drop()
  })

  async function addRuns(jobId: string, count: number): Promise<void> {
    const common = { job_id: jobId, collection_id: stack.collectionId, kind: 'test', why: 'manual', state: 'completed' }
    const times = { detail: '{}', args: '[]', created_at: 1, finished_at: 1 }
    const runs = Array.from({ length: count }, (_, index) => ({
      ...common,
      ...times,
      id: stack.parts.ids.next(),
      number: index + 1,
    }))
    await rows.addRows('run', runs)
    await rows.ask('update job set run_count = ? where id = ?', count, jobId)
  }

  const countRuns = async (jobId: string) =>
    Number((await rows.ask('select count(*) as n from run where job_id = ?', jobId))[0]?.n)

  test('holds up no stop of the server: what is left is deleted after the next start', async () => {
    const jobId = await stack.job('job', { policy: { keepRuns: 10 } })
    await addRuns(jobId, 1_000)
    const turn = holdWrite(stack.store, 'pruneJob', jobId)
    await stack.reach(await stack.run(jobId), 'completed')
    await turn.arrived
    const stopped = stack.engine.stop()
    await turn.send()
    turn.answer()
    await stopped
    expect(await countRuns(jobId)).toBe(801)
    await stack.close()
    stack = await startStack({ kinds: [new TestKind()], place })
    await eventually('the rest is gone', async () => (await countRuns(jobId)) === 10)
  })

  test('goes on with other jobs when one cannot be read, and says so', async () => {
    const [broken, good] = [await stack.job('broken'), await stack.job('good', { policy: { keepRuns: 10 } })]
    await addRuns(broken, 20)
    await addRuns(good, 20)
    await rows.ask(`update job set policy = '{' where id = ?`, broken)
    await stack.engine.stop()
    await stack.close()
    stack = await startStack({ kinds: [new TestKind()], place })
    await eventually('the good one has lost its old runs', async () => (await countRuns(good)) === 10)
    expect(await countRuns(broken)).toBe(20)
    const told = stack.events.flatMap(({ event }) => (event.type === 'error' ? [event.where] : []))
    expect(told).toContain('retention')
  })
})
