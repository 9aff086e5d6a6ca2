import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { holdWrite } from './held-write.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { held: true, leaseMs: 120_000 })

  test('what was planned while the only turn was taken begins when that is free, though the plan hangs', async () => {
    const [second, third] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    on.kind.beforePlan = (target) => ({ two: second.promise, three: third.promise })[target]
    const spec = { targets: ['one', 'two', 'three'] }
    const id = await on.stack.run(await on.stack.job('planned', { spec, policy: { parallel: 1 } }))
    await eventually('the first is worked on', () => on.held.targets.includes('one'))
    const open = holdWrite(on.stack.store, 'openTasks', '"two"')
    second.resolve()
    await open.arrived
    on.held.end('one')
    await eventually('the first has ended', async () => {
      const run = await on.stack.store.read('getRun', { id })
      return run?.counts.completed === 1
    })
    await open.send()
    open.answer()
    await eventually('the second is worked on', () => on.held.targets.includes('two'))
    expect(on.held.targets).toEqual(['two'])
    third.resolve()
    for (const target of ['two', 'three']) {
      await eventually(`${target} is worked on`, () => on.held.targets.includes(target))
      on.held.end(target)
    }
    await on.stack.reach(id, 'completed')
  })
})
