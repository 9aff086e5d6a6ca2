import { beforeEach, describe, expect, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import type { InputOf } from '../../src/store/contract.ts'
import type { reads } from '../../src/store/procedures/index.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'
import { type HeldWrite, holdWrite } from './held-write.ts'

describe.each(DATABASES)('on %s', (database) => {
  // The next renewal of the lease, which makes much good, is far away.
  const on = useStacks(database, { held: true, leaseMs: 120_000 })

  beforeEach(() => {
    on.kind.verdict = ({ failed }) => (failed > 1 ? 'failed' : 'completed')
  })

  async function runHeld(name = 'judged'): Promise<string> {
    const id = await on.stack.run(await on.stack.job(name))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    return id
  }

  /** Ends the run's work; the answer to the write that is held gets lost. */
  async function endUnheard(id: string, write: HeldWrite): Promise<void> {
    on.held.end('one')
    await write.arrived
    await write.send()
    write.lose()
    await on.stack.reach(id, 'completed')
    await eventually('its place is free', () => on.stack.engine.load === 0)
  }

  test('the verdict is asked for although the answer to the last end was lost', async () => {
    const id = await runHeld()
    await endUnheard(id, holdWrite(on.stack.store, 'changeTasks', '"to":"completed"'))
  })

  test('a place is free although the answer to the verdict was lost', async () => {
    const id = await runHeld()
    await endUnheard(id, holdWrite(on.stack.store, 'closeRuns'))
  })

  test('a place is free although the answer to the end of a run without a verdict of its own was lost', async () => {
    delete on.kind.verdict
    const id = await runHeld()
    await endUnheard(id, holdWrite(on.stack.store, 'changeTasks', '"to":"completed"'))
  })

  test('the verdict is passed when the database is back that was away as it was due', async () => {
    const id = await runHeld()
    const read = on.stack.store.read.bind(on.stack.store)
    let away = true
    on.stack.store.read = async <N extends keyof typeof reads & string>(name: N, input: InputOf<(typeof reads)[N]>) => {
      if (name !== 'getRun' || !away) return await read(name, input)
      away = false
      throw new JobyardError('store-unavailable', 'It is away.')
    }
    on.held.end('one')
    await eventually('it was away', () => !away)
    await on.stack.reach(id, 'completed')
  })

  test('a run whose last task ended while nobody owned it gets its verdict', async () => {
    on.kind.work = () => ({ state: 'blocked', until: on.stack.parts.clock.now() + 60_000 })
    const id = await on.stack.run(await on.stack.job('parked'))
    await on.stack.reach(id, 'blocked')
    const [task] = await on.stack.store.read('listTasks', { runId: id, limit: 1 })
    await on.stack.engine.resolve(task?.id ?? '', { state: 'failed', reason: { code: 'no', text: 'No.' } })
    await on.stack.reach(id, 'completed')
  })

  test('a verdict that cannot be passed fails the run and says why', async () => {
    on.kind.verdict = () => {
      throw new Error('the scales are broken')
    }
    const id = await runHeld()
    on.held.end('one')
    const run = await on.stack.reach(id, 'failed')
    expect(run.reasonCode).toBe('verdict')
    expect(run.reasonText).toContain('the scales are broken')
    expect(run.counts.completed).toBe(1)
  })
})
