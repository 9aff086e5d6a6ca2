import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { holdWrite } from './held-write.ts'

const REASON = { code: 'user', text: 'Somebody wished so.' }

describe.each(DATABASES)('an answer that gets lost on %s', (database) => {
  let kind: TestKind
  let held: Held
  let stack: Stack
  let place: Place

  beforeEach(async () => {
    place = await makePlace(database)
    kind = new TestKind()
    held = new Held()
    kind.work = held.work
    stack = await startStack({ kinds: [kind], place })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  /** Begins a run of which two tasks are put on record, one of them to be begun later; the owner does not hear of it. */
  async function runUnheard(wanted: 'stop' | 'suspend'): Promise<string> {
    const jobId = await stack.job('job', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1 } })
    const open = holdWrite(stack.store, 'openTasks')
    const id = await stack.run(jobId)
    await open.arrived
    await open.send()
    await stack.engine.want([id], wanted, REASON)
    open.lose()
    return id
  }

  test('keeps no run from being stopped while its tasks are put on record', async () => {
    const id = await runUnheard('stop')
    const run = await stack.reach(id, 'stopped')
    expect(run).toMatchObject({ reasonCode: 'user', counts: { stopped: 2, running: 0, pending: 0 } })
  })

  test('keeps no run from resting and going on while its tasks are put on record', async () => {
    const id = await runUnheard('suspend')
    await eventually('the first is worked on', () => held.targets.includes('a'))
    held.end('a')
    await stack.reach(id, 'suspended')
    await stack.engine.want([id], 'run', REASON)
    await eventually('the second is worked on', () => held.targets.includes('b'))
    held.end('b')
    await stack.reach(id, 'completed')
    expect(kind.begun.map(({ target }) => target)).toEqual(['a', 'b'])
  })

  test('does not cost the run that has parked a task which was ended meanwhile', async () => {
    kind.work = (task, context) =>
      task.target === 'parked' ? { state: 'blocked', until: 4_000_000_000_000 } : held.work(task, context)
    const parking = holdWrite(stack.store, 'changeTasks', '"blocked"')
    const id = await stack.run(await stack.job('job', { spec: { targets: ['parked', 'long'] } }))
    await parking.arrived
    await parking.send()
    const task = (await stack.store.read('listTasks', { runId: id, limit: 5 })).find(({ state }) => state === 'blocked')
    expect(await stack.engine.resolve(task?.id ?? '', { state: 'completed' })).toBe(true)
    const again = holdWrite(stack.store, 'changeTasks', '"blocked"')
    parking.lose()
    await again.arrived
    await again.send()
    again.answer()
    // By the time that another answer has come, that one has been acted upon.
    await stack.store.read('getRun', { id })
    expect(held.targets).toEqual(['long'])
    held.end('long')
    const run = await stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(2)
  })
})
