import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

const ENDED = '"to":"completed"'

describe.each(DATABASES)('the place of a run on %s', (database) => {
  const on = useStacks(database, { held: true, concurrency: 1, leaseMs: 120_000 })

  async function runAll(...names: string[]): Promise<string[]> {
    const runs: string[] = []
    for (const name of names) runs.push(await on.stack.run(await on.stack.job(name, { spec: { targets: [name] } })))
    return runs
  }

  test('is free for the next while its end is on its way to the record', async () => {
    const [first = ''] = await runAll('first', 'second')
    await eventually('the first is worked on', () => on.held.targets.includes('first'))
    const end = holdWrite(on.stack.store, 'changeTasks', ENDED)
    on.held.end('first')
    await end.arrived
    await eventually('the second is worked on', () => on.held.targets.includes('second'))
    expect(await on.stack.store.read('getRun', { id: first })).toMatchObject({ state: 'running' })
    await end.send()
    end.answer()
    await on.stack.reach(first, 'completed')
  })

  test('is not given away again before a record that does not keep pace', async () => {
    const [first = '', second = '', third = ''] = await runAll('first', 'second', 'third')
    await eventually('the first is worked on', () => on.held.targets.includes('first'))
    const end = holdWrite(on.stack.store, 'changeTasks', ENDED)
    on.held.end('first')
    await end.arrived
    await eventually('the second is worked on', () => on.held.targets.includes('second'))
    on.held.end('second')
    // One run is as good as over; the other keeps the only place until the record has taken an end.
    await eventually('the second is done', () => on.held.targets.length === 0)
    expect(on.stack.engine.load).toBe(1)
    expect(on.kind.begun.map(({ target }) => target)).toEqual(['first', 'second'])
    await end.send()
    end.answer()
    await Promise.all([on.stack.reach(first, 'completed'), on.stack.reach(second, 'completed')])
    await eventually('the third is worked on', () => on.held.targets.includes('third'))
    on.held.end('third')
    await on.stack.reach(third, 'completed')
  })

  test('is kept by a run that failed, because it may begin anew', async () => {
    const [first = ''] = await runAll('first', 'second')
    await eventually('the first is worked on', () => on.held.targets.includes('first'))
    const end = holdWrite(on.stack.store, 'changeTasks', '"to":"failed"')
    on.held.end('first', { state: 'failed', reason: { code: 'x', text: 'It broke.' } })
    await end.arrived
    expect(on.stack.engine.load).toBe(1)
    expect(on.held.targets).toEqual([])
    await end.send()
    end.answer()
    await on.stack.reach(first, 'failed')
    await eventually('the second is worked on', () => on.held.targets.includes('second'))
  })

  test('is kept by a run of several targets, one of which may come back', async () => {
    const X = { code: 'x', text: 'It broke.' }
    const retry = { kind: 'fixed', attempts: 3, delayMs: 0 } as const
    on.kind.work = (task, context) =>
      task.target === 'away' && task.attempt === 1
        ? { state: 'blocked', until: Date.now() + 86_400_000 }
        : on.held.work(task, context)
    const spec = { targets: ['away', 'near'] }
    const id = await on.stack.run(await on.stack.job('mixed', { spec, policy: { retry } }))
    await runAll('next')
    const away = await eventually('one is parked', async () => {
      const tasks = await on.stack.store.read('listTasks', { runId: id, limit: 10 })
      return tasks.find(({ state }) => state === 'blocked')
    })
    await eventually('the other is worked on', () => on.held.targets.includes('near'))
    const end = holdWrite(on.stack.store, 'changeTasks', ENDED)
    on.held.end('near')
    await end.arrived
    await on.stack.engine.resolve(away.id, { state: 'failed', reason: X })
    await end.send()
    end.answer()
    await eventually('the parked one is worked on again', () => on.held.targets.includes('away'))
    expect(on.held.targets).toEqual(['away'])
    expect(on.stack.engine.load).toBe(1)
    on.held.end('away')
    await eventually('the next run is worked on', () => on.held.targets.includes('next'))
  })

  test('is kept by a run that is suspended and goes on', async () => {
    const X = { code: 'user', text: 'Somebody wished so.' }
    const spec = { targets: ['a', 'b'] }
    const id = await on.stack.run(await on.stack.job('long', { spec, policy: { parallel: 1 } }))
    await eventually('the first target is worked on', () => on.held.targets.includes('a'))
    await runAll('next')
    await on.stack.engine.want([id], 'suspend', X)
    const end = holdWrite(on.stack.store, 'changeTasks', ENDED)
    on.held.end('a')
    await end.arrived
    expect(on.stack.engine.load).toBe(1)
    await on.stack.engine.want([id], 'run', X)
    await end.send()
    end.answer()
    await eventually('somebody is worked on', () => on.held.targets.length > 0)
    expect(on.stack.engine.load).toBe(1)
    expect(on.held.targets).toHaveLength(1)
  })

  test('is not taken twice, by a claim under way and by a run that is asked for meanwhile', async () => {
    const [late, soon] = [
      await on.stack.job('late', { spec: { targets: ['late'] } }),
      await on.stack.job('soon', { spec: { targets: ['soon'] } }),
    ]
    // A first run shows that there is nothing else to be taken.
    await runAll('first')
    await eventually('it is worked on', () => on.held.targets.includes('first'))
    on.held.end('first')
    await eventually('the place is free', () => on.stack.engine.load === 0)
    const claim = holdWrite(on.stack.store, 'claimRuns')
    const { ids, clock } = on.stack.parts
    const dispatchAt = clock.now() + 50
    await on.stack.engine.request({ id: ids.next(), jobId: late, why: 'manual', detail: {}, args: [], dispatchAt })
    await claim.arrived
    const asked = await on.stack.run(soon)
    expect(on.held.targets).toEqual([])
    expect(await on.stack.store.read('getRun', { id: asked })).toMatchObject({ state: 'pending' })
    await claim.send()
    claim.answer()
    for (const _ of [late, soon]) {
      await eventually('one is worked on', () => on.held.targets.length > 0)
      expect(on.held.targets).toHaveLength(1)
      on.held.end(on.held.targets[0] ?? '')
    }
    await on.stack.reach(asked, 'completed')
  })
})
