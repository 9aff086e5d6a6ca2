import { afterEach, expect, it } from 'vitest'
import { describeRuns } from '../../../src/dialects/webjobs/files/continuous-runs.ts'
import { eventually } from '../../support/eventually.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { TestKind } from '../../support/test-kind.ts'

let stack: Stack | undefined
afterEach(() => stack?.stop())

it('is not taken for all instances together in the log of a continuous job', async () => {
  stack = await startStack({ kinds: [new TestKind()], instance: 'anywhere' })
  const { store, job, settings } = stack
  const triggers = (singleton: boolean) => ({
    type: 'continuous',
    triggers: [{ type: 'continuous' as const, singleton }],
  })
  for (const singleton of [false, true]) {
    const jobId = await job(singleton ? 'only' : 'each', triggers(singleton))
    await eventually('it runs', async () => (await store.read('listContinuousRuns', { jobId })).length > 0)
    const records = await store.read('listContinuousRuns', { jobId })
    const runs = await store.read('listRuns', { jobId, limit: 10 })
    const row = await store.read('getJob', { id: jobId })
    if (row === null) throw new Error('The job is gone.')
    const { steering } = settings.of(row.collectionId)
    const noted = runs.filter(({ id }) => records.some(({ runId }) => runId === id))
    const described = describeRuns({ job: row, runs: noted, records, steering })
    expect(described.map((run) => run.singleton)).toEqual(noted.map(() => singleton))
  }
})
