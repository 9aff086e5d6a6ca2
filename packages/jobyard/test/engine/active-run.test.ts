import { expect, test } from 'vitest'
import type { TaskRow } from '../../src/domain/model.ts'
import { ActiveRun } from '../../src/engine/active-run.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'

test('a run may have very many attempts that wait, and knows the next', async () => {
  const [kind, held, clock] = [new TestKind(), new Held(), new ManualClock('2026-03-01T10:00:00Z')]
  kind.work = held.work
  const stack = await startStack({ kinds: [kind] })
  try {
    const id = await stack.run(await stack.job('job'))
    await eventually('it is worked on', () => held.targets.length === 1)
    const run = await stack.store.read('getRun', { id })
    const job = run && (await stack.store.read('getJob', { id: run.jobId }))
    const [task] = await stack.store.read('listTasks', { runId: id, limit: 1 })
    if (!run || !job || task === undefined) throw new Error('There is no run.')
    const waiting = Array.from({ length: 200_000 }, (_, index): TaskRow => {
      return { ...task, id: `${index}`, notBefore: clock.now() + 500_000 - index }
    })
    const active = new ActiveRun(run, job, kind, waiting, 'owner', clock)
    expect(active.nextWait()).toBe(300_001)
    expect(active.dueTasks()).toEqual([])
    clock.set(clock.now() - 3_600_000)
    clock.advance(300_001)
    expect(active.dueTasks().map(({ id: due }) => due)).toEqual(['199999'])
  } finally {
    held.end('one')
    await stack.stop()
  }
})
