import { describe, expect, test } from 'vitest'
import type { TaskRow } from '../../src/domain/model.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

const DAY = 86_400_000
const RETRY = { kind: 'fixed', attempts: 3, delayMs: 0 } as const
const BROKEN = { state: 'failed', reason: { code: 'x', text: 'It broke.' } } as const

describe.each(DATABASES)('an attempt that has been parked on %s is not begun again', (database) => {
  const on = useStacks(database, { held: true, leaseMs: 120_000 })

  /** Has all attempts at `away` parked at once, and the others held. */
  function parkAway(): void {
    on.kind.work = (task, context) =>
      task.target === 'away' ? { state: 'blocked', until: Date.now() + DAY } : on.held.work(task, context)
  }

  const works = (target: string) => eventually(`${target} is worked on`, () => on.held.targets.includes(target))

  const parked = (runId: string, attempt: number): Promise<TaskRow> =>
    eventually(`attempt ${attempt} is parked`, async () => {
      const tasks = await on.stack.store.read('listTasks', { runId, limit: 10 })
      return tasks.find((each) => each.attempt === attempt && each.state === 'blocked')
    })

  const times = ({ id }: TaskRow) => on.kind.begun.filter((each) => each.id === id).length

  /** Ends the task that is held: what was queued before is begun, or refused, before the one that is planned next. */
  async function goOn(runId: string, ...targets: string[]): Promise<void> {
    for (const target of targets) {
      await works(target)
      on.held.end(target)
    }
    await eventually('all but the parked one is done', async () => {
      const run = await on.stack.store.read('getRun', { id: runId })
      return run?.counts.pending === 0 && run.counts.running === 0 && run.planClosed
    })
  }

  test('when word of it comes late to who resolved the one before', async () => {
    parkAway()
    const spec = { targets: ['away', 'b'] }
    const runId = await on.stack.run(await on.stack.job('job', { spec, policy: { retry: RETRY } }))
    await works('b')
    const first = await parked(runId, 1)
    const resolving = holdWrite(on.stack.store, 'resolveTasks')
    const resolved = on.stack.engine.resolve(first.id, BROKEN)
    await resolving.arrived
    await resolving.send()
    on.stack.engine.lookAgain(runId)
    const again = await parked(runId, 2)
    const refused = holdWrite(on.stack.store, 'changeTasks', again.id, '"to":"running"')
    resolving.answer()
    await resolved
    await refused.arrived
    await refused.send()
    refused.answer()
    await goOn(runId, 'b')
    expect(times(again)).toBe(1)
    expect(await parked(runId, 2)).toMatchObject({ id: again.id, parkedUntil: again.parkedUntil })
  })

  test.each(['late', 'lost'] as const)('when the answer that it is planned is %s', async (answer) => {
    const [second, third] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    on.kind.beforePlan = (target) => (target === 'away' ? second.promise : target === 'c' ? third.promise : undefined)
    parkAway()
    const spec = { targets: ['b', 'away', 'c'] }
    const runId = await on.stack.run(await on.stack.job('job', { spec, policy: { parallel: 1 } }))
    await works('b')
    const open = holdWrite(on.stack.store, 'openTasks', '"away"')
    second.resolve()
    await open.arrived
    await open.send()
    on.stack.engine.lookAgain(runId)
    on.held.end('b')
    const away = await parked(runId, 1)
    if (answer === 'late') open.answer()
    else open.lose()
    third.resolve()
    await goOn(runId, 'c')
    expect(times(away)).toBe(1)
    expect(await parked(runId, 1)).toMatchObject({ id: away.id, parkedUntil: away.parkedUntil })
  })
})
