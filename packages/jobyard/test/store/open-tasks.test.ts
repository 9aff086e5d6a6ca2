import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OpenTasks } from '../../src/store/procedures/open-tasks.ts'
import { DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

describe.each(DATABASES)('tasks that are put on record on %s', (database) => {
  let place: Place
  let stack: Stack
  let run: { readonly runId: string; readonly owner: string; readonly fence: number }

  beforeEach(async () => {
    place = await makePlace(database)
    stack = await startStack({ kinds: [new TestKind()], place })
    const jobId = await stack.job('planned')
    const [id, owner] = [stack.parts.ids.next(), stack.engine.identity.id]
    // Taken past the engine, which therefore does nothing for it.
    const request = { id, jobId, why: 'manual' as const, detail: {}, args: [], claim: { owner } }
    await stack.store.write('createRuns', { items: [request], at: 1 })
    run = { runId: id, owner, fence: 1 }
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  function newTask(target: string, start = false): OpenTasks['tasks'][number] {
    return { id: stack.parts.ids.next(), target, detail: null, start }
  }

  async function open(change: Partial<OpenTasks>) {
    const item = { ...run, tasks: [], cursor: null, planClosed: false, ...change }
    return await stack.store.write('openTasks', { items: [item], at: 2 })
  }

  const look = () => stack.store.read('getRun', { id: run.runId })

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
    await stack.store.write('changeTasks', { items: [done], at: 3 })
    expect(await look()).toMatchObject({ state: 'running', finishedAt: null })
    const closed = await open({ tasks: [newTask('a', true)], planClosed: true })
    expect(closed).toMatchObject({ added: [[]], settled: [{ id: run.runId, from: 'running', state: 'completed' }] })
  })

  test('are refused to a stale owner, and of a run that is to rest', async () => {
    expect((await open({ fence: 0, tasks: [newTask('a')] })).added).toEqual(['stale'])
    await open({ tasks: [newTask('b', true)] })
    const reason = { code: 'user', text: 'Somebody wished so.' }
    await stack.store.write('wantRuns', { runIds: [run.runId], wanted: 'suspend', reason, at: 3 })
    expect((await open({ tasks: [newTask('a')] })).added).toEqual(['unwanted'])
    const tasks = await stack.store.read('listTasks', { runId: run.runId, limit: 5 })
    expect(tasks.map(({ target }) => target)).toEqual(['b'])
  })
})
