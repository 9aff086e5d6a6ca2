import { beforeEach, describe, expect, test } from 'vitest'
import type { OpenTasks } from '../../src/store/procedures/open-tasks.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('tasks that are put on record on %s', (database) => {
  const on = useStacks(database)
  let run: { readonly runId: string; readonly owner: string; readonly fence: number }

  beforeEach(async () => {
    const jobId = await on.stack.job('planned')
    const [id, owner] = [on.stack.parts.ids.next(), on.stack.engine.identity.id]
    // Taken past the engine, which therefore does nothing for it.
    const request = { id, jobId, why: 'manual' as const, detail: {}, args: [], claim: { owner } }
    await on.stack.store.write('createRuns', { items: [request], at: 1 })
    run = { runId: id, owner, fence: 1 }
  })

  function newTask(target: string, start = false): OpenTasks['tasks'][number] {
    return { id: on.stack.parts.ids.next(), target, detail: null, start }
  }

  async function open(change: Partial<OpenTasks>) {
    const item = { ...run, tasks: [], cursor: null, planClosed: false, ...change }
    return await on.stack.store.write('openTasks', { items: [item], at: 2 })
  }

  const look = () => on.stack.store.read('getRun', { id: run.runId })

  test('count once, however often the same are sent, and are answered each time', async () => {
    const tasks = [newTask('a', true), newTask('b')]
    const ids = tasks.map(({ id }) => id)
    for (let time = 0; time < 2; time++) {
      expect((await open({ tasks, cursor: 'b' })).added).toEqual([ids])
      expect(await look()).toMatchObject({
        state: 'running',
        cursor: 'b',
        planClosed: false,
        counts: { running: 1, pending: 1 },
      })
    }
  })

  test('leave a target alone that is on record already', async () => {
    const [first, again, other] = [newTask('a', true), newTask('a', true), newTask('b')]
    await open({ tasks: [first], cursor: 'a' })
    expect((await open({ tasks: [again, other] })).added).toEqual([[other.id]])
    expect(await look()).toMatchObject({ cursor: 'a', counts: { running: 1, pending: 1 } })
  })

  test('end the run when the plan ends with nothing new and all is done', async () => {
    const first = newTask('a', true)
    await open({ tasks: [first] })
    const done = { ...run, taskId: first.id, to: 'completed' as const }
    await on.stack.store.write('changeTasks', { items: [done], at: 3 })
    expect(await look()).toMatchObject({ state: 'running', finishedAt: null })
    const closed = await open({ tasks: [newTask('a', true)], planClosed: true })
    expect(closed).toMatchObject({ added: [[]], settled: [{ id: run.runId, from: 'running', state: 'completed' }] })
  })

  test('are refused to a stale owner, and of a run that is to rest', async () => {
    expect((await open({ fence: 0, tasks: [newTask('a')] })).added).toEqual(['stale'])
    await open({ tasks: [newTask('b', true)] })
    const reason = { code: 'user', text: 'Somebody wished so.' }
    await on.stack.store.write('wantRuns', { runIds: [run.runId], wanted: 'suspend', reason, at: 3 })
    expect((await open({ tasks: [newTask('a')] })).added).toEqual(['unwanted'])
    const tasks = await on.stack.store.read('listTasks', { runId: run.runId, limit: 5 })
    expect(tasks.map(({ target }) => target)).toEqual(['b'])
  })
})
