import { describe, expect, test } from 'vitest'
import type { Outcome, TaskPlan } from '../../src/engine/kind.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'
import { useStacks } from '../support/use-stacks.ts'

/** A kind whose plan the test makes itself. */
class PlanningKind extends TestKind {
  planned: () => AsyncGenerator<TaskPlan> | Iterable<TaskPlan> = () => [{ target: 'one' }]

  override plan(): AsyncGenerator<TaskPlan> {
    return this.planned() as AsyncGenerator<TaskPlan>
  }
}

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { makeKind: () => new PlanningKind() })
  const USER = { code: 'user', text: 'A person asked for it.' }

  function problems(): string[] {
    return on.stack.events.flatMap(({ event }) => (event.type === 'error' ? [`${event.where}: ${event.error}`] : []))
  }

  async function tasksOf(runId: string): Promise<string[]> {
    const tasks = await on.stack.store.read('listTasks', { runId, limit: 10 })
    return tasks.map(({ target, state }) => `${target} ${state}`).toSorted()
  }

  test('what was planned before a plan failed is worked on, and the failure is on record', async () => {
    on.kind.planned = async function* () {
      yield { target: 'a' }
      yield { target: 'b' }
      throw new Error('the list is torn')
    }
    const id = await on.stack.run(await on.stack.job('torn'))
    const run = await on.stack.reach(id, 'failed')
    expect(run).toMatchObject({ reasonCode: 'error', reasonText: 'the list is torn' })
    expect(await tasksOf(id)).toEqual(['a completed', 'b completed', 'plan failed'])
  })

  test('a plan that fails is seen even where a target has the name that it is shown by', async () => {
    on.kind.planned = function* () {
      yield { target: 'plan' }
      throw new Error('the list is torn')
    }
    const run = await on.stack.reach(await on.stack.run(await on.stack.job('torn')), 'failed')
    expect(run.reasonText).toBe('the list is torn')
  })

  test('a target whose detail is no plain data is failed alone', async () => {
    on.kind.planned = () => [
      { target: 'a', detail: { name: 'fine' } },
      { target: 'b', detail: { name: 'bad', call: () => 1 } },
      { target: 'c', detail: { mark: Symbol('c') } },
    ]
    const id = await on.stack.run(await on.stack.job('odd'))
    const run = await on.stack.reach(id, 'failed')
    expect(run.reasonText).toMatch(/plain JSON/)
    expect(await tasksOf(id)).toEqual(['a completed', 'b failed', 'c failed'])
    expect(on.kind.begun.map(({ detail }) => detail)).toEqual([{ name: 'fine' }])
  })

  test('a plan that fails at its clean-up does not keep the run from stopping', async () => {
    on.kind.work = on.held.work
    const gate = Promise.withResolvers<void>()
    on.kind.planned = async function* () {
      try {
        yield { target: 'one' }
        await gate.promise
        yield { target: 'two' }
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: what a kind may do wrong is what this is about.
        throw new Error('the door is stuck')
      }
    }
    const id = await on.stack.run(await on.stack.job('untidy'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await on.stack.engine.want([id], 'stop', USER)
    gate.resolve()
    await on.stack.reach(id, 'stopped')
    await eventually('it is announced', () => problems().some((problem) => problem.includes('the door is stuck')))
  })

  test('a task that cannot be frozen goes on to its end', async () => {
    on.kind.work = (task, context) => {
      context.freezable(
        async () => {
          throw new Error('no frost')
        },
        async () => undefined,
      )
      return on.held.work(task, context)
    }
    const id = await on.stack.run(await on.stack.job('warm'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await on.stack.engine.want([id], 'suspend', USER)
    await eventually('it is announced', () => problems().some((problem) => problem.includes('no frost')))
    await on.stack.reach(id, 'suspending')
    on.held.end('one')
    await on.stack.reach(id, 'completed')
  })

  test('a task that cannot be thawed is ended and failed', async () => {
    on.kind.work = (task, context) => {
      context.freezable(
        async () => undefined,
        async () => {
          throw new Error('no sun')
        },
      )
      return on.held.work(task, context)
    }
    const id = await on.stack.run(await on.stack.job('cold'))
    await eventually('it is worked on', () => on.held.targets.length === 1)
    await on.stack.engine.want([id], 'suspend', USER)
    await on.stack.reach(id, 'suspended')
    await on.stack.engine.want([id], 'run', USER)
    const run = await on.stack.reach(id, 'failed')
    expect(run.reasonCode).toBe('stuck')
    expect(run.reasonText).toContain('no sun')
  })

  test('a task that ends in no way that there is has failed', async () => {
    on.kind.work = () => undefined as unknown as Outcome
    const run = await on.stack.reach(await on.stack.run(await on.stack.job('vague')), 'failed')
    expect(run.reasonCode).toBe('error')
    expect(problems().join('\n')).toContain('end task')
  })

  test('the end of a task is announced before the end of its run', async () => {
    const id = await on.stack.run(await on.stack.job('plain'))
    await on.stack.reach(id, 'completed')
    const told = await eventually('both are announced', () => {
      const ends = on.stack.events.flatMap(({ event }) =>
        (event.type === 'task.changed' || event.type === 'run.changed') && event.runId === id ? [event] : [],
      )
      return ends.length >= 3 && ends.map(({ type, state }) => `${type} ${state}`)
    })
    expect(told.slice(-2)).toEqual(['task.changed completed', 'run.changed completed'])
  })

  test('an input that cannot go to the database is refused alone', async () => {
    const id = await on.stack.run(await on.stack.job('plain'))
    const bad = { runIds: [id], wanted: 'run', reason: USER, at: 0, extra: () => 1 } as const
    const both = await Promise.allSettled([
      on.stack.store.write('wantRuns', bad),
      on.stack.store.write('wantRuns', { runIds: [], wanted: 'run', reason: USER, at: 0 }),
    ])
    // Where the database is reached over the network, such a value never travels.
    const refused = database === 'sqlite' ? 'rejected' : 'fulfilled'
    expect(both.map(({ status }) => status)).toEqual([refused, 'fulfilled'])
    await on.stack.reach(id, 'completed')
  })
})
