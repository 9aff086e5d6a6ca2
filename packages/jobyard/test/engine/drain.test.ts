import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

let stack: Stack

afterEach(async () => {
  await stack.stop()
})

test('a stop of the server does not wait for what is frozen, but for what goes on in a run that is to rest', async () => {
  const kind = new TestKind()
  const end = Promise.withResolvers<void>()
  kind.work = ({ target }, { signal, freezable }) => {
    if (target === 'stubborn') return end.promise.then(() => ({ state: 'completed' }))
    const rest = async () => undefined
    freezable(rest, rest)
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ state: 'stopped', reason: signal.reason.reason }))
    })
  }
  stack = await startStack({ kinds: [kind], drainMs: 3_600_000 })
  const [frozen, mixed] = [
    await stack.run(await stack.job('frozen')),
    await stack.run(await stack.job('mixed', { spec: { targets: ['one', 'stubborn'] } })),
  ]
  await eventually('all have begun', () => kind.begun.length === 3)
  await stack.engine.want([frozen, mixed], 'suspend', { code: 'user', text: 'Somebody wished so.' })
  await stack.reach(frozen, 'suspended')
  await eventually('one of two rests', async () => {
    const run = await stack.store.read('getRun', { id: mixed })
    return run?.counts.suspended === 1
  })
  const stopped = stack.engine.stop()
  await eventually('the frozen ones have ended', async () => {
    const runs = await Promise.all([frozen, mixed].map((id) => stack.store.read('getRun', { id })))
    return runs.every((run) => run?.counts.suspended === 0)
  })
  expect((await stack.store.read('getRun', { id: mixed }))?.counts.running).toBe(1)
  end.resolve()
  await stopped
  expect((await stack.store.read('getRun', { id: mixed }))?.counts).toMatchObject({ completed: 1, running: 0 })
})
