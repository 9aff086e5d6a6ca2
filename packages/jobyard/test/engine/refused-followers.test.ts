import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

const BROKEN = { state: 'failed', reason: { code: 'x', text: 'It broke.' } } as const

describe.each(DATABASES)('what the end of a run asks for in vain is on record, on %s', (database) => {
  const on = useStacks(database)

  const recordsOf = (jobId: string) =>
    eventually('it is on record', async () => {
      const rows = await on.stack.store.read('listOccurrences', { jobId, limit: 10 })
      return rows.length > 0 && rows
    })
  const refusals = () => on.stack.events.flatMap(({ event }) => (event.type === 'trigger.refused' ? [event] : []))

  test('where a follower runs already', async () => {
    on.kind.work = (task, context) => (task.target === 'held' ? on.held.work(task, context) : { state: 'completed' })
    const first = await on.stack.job('first')
    const follower = await on.stack.job('follower', {
      spec: { targets: ['held'] },
      triggers: [{ type: 'after', jobId: first, on: ['completed'] }],
    })
    await on.stack.run(follower)
    await eventually('it is worked on', () => on.held.targets.length === 1)
    const ended = await on.stack.run(first)
    await on.stack.reach(ended, 'completed')
    const [record] = await recordsOf(follower)
    expect(record).toMatchObject({ outcome: 'skipped', runId: null })
    expect(record?.reason).toMatch(/^No run after run 1 of first \(completed\): .*unfinished/)
    expect(refusals()).toMatchObject([{ jobId: follower, why: 'after', runId: ended, reason: record?.reason }])
  })

  test('where a failure action is stopped', async () => {
    on.kind.work = () => BROKEN
    const repair = await on.stack.job('repair', { enabled: false })
    const first = await on.stack.job('first', { policy: { onFailure: [repair] } })
    await on.stack.reach(await on.stack.run(first), 'failed')
    const [record] = await recordsOf(repair)
    expect(record?.reason).toMatch(/^No failure action for run 1 of first \(failed\): .*stopped/)
  })

  test('where a failure action is gone, on the job that wanted it', async () => {
    on.kind.work = () => BROKEN
    const repair = await on.stack.job('repair')
    const first = await on.stack.job('first', { policy: { onFailure: [repair] } })
    await on.stack.engine.deleteJob(repair, 'repair', ACTOR)
    await on.stack.reach(await on.stack.run(first), 'failed')
    const [record] = await recordsOf(first)
    expect(record?.reason).toMatch(/no such job/)
  })

  test('where jobs follow each other in a ring', async () => {
    const one = await on.stack.job('one')
    const two = await on.stack.job('two', { triggers: [{ type: 'after', jobId: one, on: ['completed'] }] })
    await on.stack.job('one', { triggers: [{ type: 'after', jobId: two, on: ['completed'] }] })
    await on.stack.run(one)
    const [record] = await recordsOf(two)
    expect(record?.reason).toMatch(/ring/)
  })
})
