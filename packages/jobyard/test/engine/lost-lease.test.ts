import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

describe.each(DATABASES)('on %s', (database) => {
  let kind: TestKind
  let stack: Stack
  let place: Place

  beforeEach(async () => {
    kind = new TestKind()
    place = await makePlace(database)
    stack = await startStack({ kinds: [kind], place, alone: false, leaseMs: 6000 })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  test('what does not end when the lease is lost keeps nobody out, and its target waits for its end', async () => {
    const end = Promise.withResolvers<void>()
    kind.work = async ({ target, attempt }) => {
      if (target === 'deaf' && attempt === 1) await end.promise
      return { state: 'completed' }
    }
    const before = stack.engine.identity.id
    const id = await stack.run(
      await stack.job('deaf', { spec: { targets: ['deaf', 'other'] }, policy: { onCrash: 'retry' } }),
    )
    await eventually('it is worked on', () => kind.begun.length === 2)
    await stack.store.write('recoverInstances', { at: stack.parts.clock.now(), named: [before] })
    await eventually('it has entered anew', () => stack.engine.identity.id !== before)
    await stack.reach(await stack.run(await stack.job('next')), 'completed')
    await eventually('the run is here again', async () => {
      const run = await stack.store.read('getRun', { id })
      return run?.owner === stack.engine.identity.id
    })
    expect(kind.begun.filter(({ target }) => target === 'deaf')).toHaveLength(1)
    end.resolve()
    await stack.reach(id, 'completed')
    expect(kind.begun.filter(({ target }) => target === 'deaf').map(({ attempt }) => attempt)).toEqual([1, 2])
    const told = stack.events.flatMap(({ event }) => (event.type === 'error' ? [`${event.error}`] : []))
    expect(told.join('\n')).toContain('enters anew')
  })
})
