import { expect, test } from 'vitest'
import { ActiveRun, ActiveTask } from '../../src/engine/active-run.ts'
import { eventually } from '../support/eventually.ts'
import { startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'

test('a task that is worked on, or whose end is on its way to the record, is not queued again', async () => {
  const [kind, held] = [new TestKind(), new Held()]
  kind.work = held.work
  const stack = await startStack({ kinds: [kind] })
  try {
    const id = await stack.run(await stack.job('job'))
    await eventually('it is worked on', () => held.targets.length === 1)
    const run = await stack.store.read('getRun', { id })
    const job = run && (await stack.store.read('getJob', { id: run.jobId }))
    const [task] = await stack.store.read('listTasks', { runId: id, limit: 1 })
    if (!run || !job || task === undefined) throw new Error('There is no run.')
    const active = new ActiveRun(run, job, kind, [], 'owner', stack.parts.clock)
    active.add(new ActiveTask(task))
    active.enqueue(task)
    expect(active.queue.size).toBe(0)
    active.running.delete(task.id)
    active.recording.add(task.id)
    active.enqueue(task)
    expect(active.queue.size).toBe(0)
    active.recording.delete(task.id)
    active.enqueue(task)
    expect(active.queue.size).toBe(1)
  } finally {
    held.end('one')
    await stack.stop()
  }
})
