import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { type HeldWrite, holdWrite } from './held-write.ts'

describe('an instance that could not renew its lease in time', () => {
  let place: Place
  const stacks: Stack[] = []

  beforeEach(() => {
    stacks.length = 0
  })

  afterEach(async () => {
    for (const stack of stacks) await stack.stop()
    await place.drop()
  })

  async function start(instance: string, leaseMs: number) {
    const [kind, held] = [new TestKind(), new Held()]
    kind.work = held.work
    const stack = await startStack({ kinds: [kind], place, instance, alone: false, leaseMs })
    stacks.push(stack)
    return { kind, held, stack }
  }

  /** Holds the renewal of a lease until what ran is given up. */
  async function lose(stack: Stack): Promise<HeldWrite> {
    const renewal = holdWrite(stack.store, 'renewInstance')
    await renewal.arrived
    await eventually('the fence falls', () => stack.events.some(({ event }) => event.type === 'lease.lost'))
    return renewal
  }

  async function request(stack: Stack, jobId: string) {
    const outcome = await stack.engine.request({
      id: stack.parts.ids.next(),
      jobId,
      why: 'manual',
      detail: {},
      args: [],
    })
    if (!outcome.ok) throw new Error(outcome.text)
    return outcome
  }

  test.each(DATABASES)('takes runs on %s only once it holds the lease again', async (database) => {
    place = await makePlace(database)
    const { kind, held, stack } = await start('here', 6000)
    const jobId = await stack.job('job', { policy: { onCrash: 'retry' } })
    const renewal = await lose(stack)
    const { id, state } = await request(stack, jobId)
    expect(state).toBe('pending')
    const triggers = [{ type: 'continuous', singleton: true }] as const
    await stack.job('always', { type: 'continuous', spec: { targets: ['place'] }, triggers: [...triggers] })
    expect(kind.begun).toEqual([])
    await renewal.send()
    renewal.answer()
    await eventually('both are worked on', () => held.targets.length === 2)
    held.end('one')
    await stack.reach(id, 'completed')
  })

  test('leaves runs to others, and comes back under another name of its own', async () => {
    place = await makePlace('postgres')
    const first = await start('first', 3000)
    const jobId = await first.stack.job('job', { policy: { overlap: 'allow', onCrash: 'retry' } })
    const before = first.stack.engine.identity.id
    const renewal = await lose(first.stack)
    const { id } = await request(first.stack, jobId)
    const second = await start('second', 3000)
    await eventually('the other works on it', () => second.held.targets.length === 1)
    await eventually('the first is gone', () =>
      second.stack.events.some(({ event }) => event.type === 'instance.gone' && event.instanceId === before),
    )
    await renewal.send()
    renewal.answer()
    await eventually('the first has entered anew', () => first.stack.engine.identity.id !== before)
    expect(first.kind.begun).toEqual([])
    second.held.end('one')
    await first.stack.reach(id, 'completed')
    expect(second.kind.begun).toHaveLength(1)
  })
})
