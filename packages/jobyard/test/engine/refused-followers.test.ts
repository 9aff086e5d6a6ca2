import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'

const BROKEN = { state: 'failed', reason: { code: 'x', text: 'It broke.' } } as const

describe.each(DATABASES)('what the end of a run asks for in vain is on record, on %s', (database) => {
  let kind: TestKind
  let held: Held
  let stack: Stack
  let place: Place

  beforeEach(async () => {
    place = await makePlace(database)
    kind = new TestKind()
    held = new Held()
    stack = await startStack({ kinds: [kind], place })
  })

  afterEach(async () => {
    await stack.stop()
    await place.drop()
  })

  const recordsOf = (jobId: string) =>
    eventually('it is on record', async () => {
      const rows = await stack.store.read('listOccurrences', { jobId, limit: 10 })
      return rows.length > 0 && rows
    })
  const refusals = () => stack.events.flatMap(({ event }) => (event.type === 'trigger.refused' ? [event] : []))

  test('where a follower runs already', async () => {
    kind.work = (task, context) => (task.target === 'held' ? held.work(task, context) : { state: 'completed' })
    const first = await stack.job('first')
    const follower = await stack.job('follower', {
      spec: { targets: ['held'] },
      triggers: [{ type: 'after', jobId: first, on: ['completed'] }],
    })
    await stack.run(follower)
    await eventually('it is worked on', () => held.targets.length === 1)
    const ended = await stack.run(first)
    await stack.reach(ended, 'completed')
    const [record] = await recordsOf(follower)
    expect(record).toMatchObject({ outcome: 'skipped', runId: null })
    expect(record?.reason).toMatch(/^No run after run 1 of first \(completed\): .*unfinished/)
    expect(refusals()).toMatchObject([{ jobId: follower, why: 'after', runId: ended, reason: record?.reason }])
  })

  test('where a failure action is stopped', async () => {
    kind.work = () => BROKEN
    const repair = await stack.job('repair', { enabled: false })
    const first = await stack.job('first', { policy: { onFailure: [repair] } })
    await stack.reach(await stack.run(first), 'failed')
    const [record] = await recordsOf(repair)
    expect(record?.reason).toMatch(/^No failure action for run 1 of first \(failed\): .*stopped/)
  })

  test('where a failure action is gone, on the job that wanted it', async () => {
    kind.work = () => BROKEN
    const repair = await stack.job('repair')
    const first = await stack.job('first', { policy: { onFailure: [repair] } })
    await stack.engine.deleteJob(repair, 'repair', ACTOR)
    await stack.reach(await stack.run(first), 'failed')
    const [record] = await recordsOf(first)
    expect(record?.reason).toMatch(/no such job/)
  })

  test('where jobs follow each other in a ring', async () => {
    const one = await stack.job('one')
    const two = await stack.job('two', { triggers: [{ type: 'after', jobId: one, on: ['completed'] }] })
    await stack.job('one', { triggers: [{ type: 'after', jobId: two, on: ['completed'] }] })
    await stack.run(one)
    const [record] = await recordsOf(two)
    expect(record?.reason).toMatch(/ring/)
  })
})
