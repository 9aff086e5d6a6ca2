import { PENDING_PAGE } from '../../src/store/procedures/pending-tasks.ts'
import { startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'
import { goOn } from './big-run.ts'

/*
 * Has the run that is named go on, in the place that is named, which is its parent's, until its parent kills it; it says so
 * when it is well on its way. Its place is not dropped: it never comes to that.
 */
const [, , placeText = '', runId = ''] = process.argv
const place = { ...JSON.parse(placeText), drop: async () => undefined }
const kind = new TestKind()
kind.work = () => {
  if (kind.begun.length === PENDING_PAGE + 200) process.send?.('on its way')
  return { state: 'completed' }
}
await goOn(await startStack({ kinds: [kind], place }), runId)
