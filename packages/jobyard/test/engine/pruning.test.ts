import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askDatabase, type OpenDatabase } from '../support/ask-database.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

describe.each(DATABASES)('deleting history on %s', (database) => {
  const on = useStacks(database)
  let rows: OpenDatabase

  beforeEach(async () => {
    rows = await askDatabase(on.place)
  })
  afterEach(() => rows.close())

  async function addRuns(jobId: string, count: number): Promise<void> {
    const common = {
      job_id: jobId,
      collection_id: on.stack.collectionId,
      kind: 'test',
      why: 'manual',
      state: 'completed',
    }
    const times = { detail: '{}', args: '[]', created_at: 1, finished_at: 1 }
    const runs = Array.from({ length: count }, (_, index) => ({
      ...common,
      ...times,
      id: on.stack.parts.ids.next(),
      number: index + 1,
    }))
    await rows.addRows('run', runs)
    await rows.ask('update job set run_count = ? where id = ?', count, jobId)
  }

  const countRuns = async (jobId: string) =>
    Number((await rows.ask('select count(*) as n from run where job_id = ?', jobId))[0]?.n)

  test('holds up no stop of the server: what is left is deleted after the next start', async () => {
    const jobId = await on.stack.job('job', { policy: { keepRuns: 10 } })
    await addRuns(jobId, 1_000)
    const turn = holdWrite(on.stack.store, 'pruneJob', jobId)
    await on.stack.reach(await on.stack.run(jobId), 'completed')
    await turn.arrived
    const stopped = on.stack.engine.stop()
    await turn.send()
    turn.answer()
    await stopped
    expect(await countRuns(jobId)).toBe(801)
    await on.stack.close()
    await on.start()
    await eventually('the rest is gone', async () => (await countRuns(jobId)) === 10)
  })

  test('goes on with other jobs when one cannot be read, and says so', async () => {
    const [broken, good] = [await on.stack.job('broken'), await on.stack.job('good', { policy: { keepRuns: 10 } })]
    await addRuns(broken, 20)
    await addRuns(good, 20)
    await rows.ask(`update job set policy = '{' where id = ?`, broken)
    await on.stack.engine.stop()
    await on.stack.close()
    await on.start()
    await eventually('the good one has lost its old runs', async () => (await countRuns(good)) === 10)
    expect(await countRuns(broken)).toBe(20)
    const told = on.stack.events.flatMap(({ event }) => (event.type === 'error' ? [event.where] : []))
    expect(told).toContain('retention')
  })
})
