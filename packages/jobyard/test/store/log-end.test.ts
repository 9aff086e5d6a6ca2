import { expect, onTestFinished, test } from 'vitest'
import { logEndOf } from '../../src/store/procedures/continuous-runs.ts'
import { openRepository } from './repository.ts'

test('how long the log of a job is takes SQLite one look into the index, however many runs are in it', async () => {
  const { ask, close } = await openRepository('sqlite')
  onTestFinished(close)
  const plan = await ask(`explain query plan select ${logEndOf('?')}`, 'job')
  expect(plan.map(({ detail }) => detail)).toContainEqual(expect.stringMatching(/COVERING INDEX continuous_run_end/))
})
