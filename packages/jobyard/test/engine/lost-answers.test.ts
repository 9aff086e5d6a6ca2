import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

const REASON = { code: 'user', text: 'Somebody wished so.' }

describe.each(DATABASES)('an answer that gets lost on %s', (database) => {
  const on = useStacks(database, { held: true })

  /** Begins a run of which two tasks are put on record, one of them to be begun later; the owner does not hear of it. */
  async function runUnheard(wanted: 'stop' | 'suspend'): Promise<string> {
    const jobId = await on.stack.job('job', { spec: { targets: ['a', 'b'] }, policy: { parallel: 1 } })
    const open = holdWrite(on.stack.store, 'openTasks')
    const id = await on.stack.run(jobId)
    await open.arrived
    await open.send()
    await on.stack.engine.want([id], wanted, REASON)
    open.lose()
    return id
  }

  test('keeps no run from being stopped while its tasks are put on record', async () => {
    const id = await runUnheard('stop')
    const run = await on.stack.reach(id, 'stopped')
    expect(run).toMatchObject({ reasonCode: 'user', counts: { stopped: 2, running: 0, pending: 0 } })
  })

  test('keeps no run from resting and going on while its tasks are put on record', async () => {
    const id = await runUnheard('suspend')
    await eventually('the first is worked on', () => on.held.targets.includes('a'))
    on.held.end('a')
    await on.stack.reach(id, 'suspended')
    await on.stack.engine.want([id], 'run', REASON)
    await eventually('the second is worked on', () => on.held.targets.includes('b'))
    on.held.end('b')
    await on.stack.reach(id, 'completed')
    expect(on.kind.begun.map(({ target }) => target)).toEqual(['a', 'b'])
  })

  test('does not cost the run that has parked a task which was ended meanwhile', async () => {
    on.kind.work = (task, context) =>
      task.target === 'parked' ? { state: 'blocked', until: 4_000_000_000_000 } : on.held.work(task, context)
    const parking = holdWrite(on.stack.store, 'changeTasks', '"blocked"')
    const id = await on.stack.run(await on.stack.job('job', { spec: { targets: ['parked', 'long'] } }))
    await parking.arrived
    await parking.send()
    const task = (await on.stack.store.read('listTasks', { runId: id, limit: 5 })).find(
      ({ state }) => state === 'blocked',
    )
    expect(await on.stack.engine.resolve(task?.id ?? '', { state: 'completed' })).toBe(true)
    const again = holdWrite(on.stack.store, 'changeTasks', '"blocked"')
    parking.lose()
    await again.arrived
    await again.send()
    again.answer()
    // By the time that another answer has come, that one has been acted upon.
    await on.stack.store.read('getRun', { id })
    expect(on.held.targets).toEqual(['long'])
    on.held.end('long')
    const run = await on.stack.reach(id, 'completed')
    expect(run.counts.completed).toBe(2)
  })
})
