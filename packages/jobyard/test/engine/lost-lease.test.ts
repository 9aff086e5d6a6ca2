import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { alone: false, leaseMs: 6000 })

  test('what does not end when the lease is lost keeps nobody out, and its target waits for its end', async () => {
    const end = Promise.withResolvers<void>()
    on.kind.work = async ({ target, attempt }) => {
      if (target === 'deaf' && attempt === 1) await end.promise
      return { state: 'completed' }
    }
    const before = on.stack.engine.identity.id
    const id = await on.stack.run(
      await on.stack.job('deaf', { spec: { targets: ['deaf', 'other'] }, policy: { onCrash: 'retry' } }),
    )
    await eventually('it is worked on', () => on.kind.begun.length === 2)
    await on.stack.store.write('recoverInstances', { at: on.stack.parts.clock.now(), named: [before] })
    await eventually('it has entered anew', () => on.stack.engine.identity.id !== before)
    await on.stack.reach(await on.stack.run(await on.stack.job('next')), 'completed')
    await eventually('the run is here again', async () => {
      const run = await on.stack.store.read('getRun', { id })
      return run?.owner === on.stack.engine.identity.id
    })
    expect(on.kind.begun.filter(({ target }) => target === 'deaf')).toHaveLength(1)
    end.resolve()
    await on.stack.reach(id, 'completed')
    expect(on.kind.begun.filter(({ target }) => target === 'deaf').map(({ attempt }) => attempt)).toEqual([1, 2])
    const told = on.stack.events.flatMap(({ event }) => (event.type === 'error' ? [`${event.error}`] : []))
    expect(told.join('\n')).toContain('enters anew')
  })
})
