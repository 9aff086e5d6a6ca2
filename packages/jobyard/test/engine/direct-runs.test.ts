import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

/** Runs asked for in all, by so many callers. */
const RUNS = 4000
const CALLERS = 32

/** As it is on SQLite, which one instance has for itself; on PostgreSQL word of what was left comes back by the database. */
const MOST_LEFT = { sqlite: 0.1, postgres: 0.6 }

describe.each(DATABASES)('runs that are asked for without a break on %s', (database) => {
  const on = useStacks(database, { concurrency: 512 })

  test('are taken with the write that makes them, soon after one was left to dispatch', {
    timeout: 60_000,
  }, async () => {
    const { stack } = on
    const job = await stack.job('a', { policy: { overlap: 'allow' } })
    const { ids, clock } = stack.parts
    let asked = 0
    let left = 0
    const ask = async (dispatchAt?: number) => {
      const later = dispatchAt === undefined ? {} : { dispatchAt }
      const run = await stack.engine.request({
        id: ids.next(),
        jobId: job,
        why: 'manual',
        detail: {},
        args: [],
        ...later,
      })
      if (run.ok && run.state === 'pending') left++
    }
    const call = async () => {
      // Now and then one is for dispatch, which has others claimed while more are asked for.
      while (asked < RUNS) await ask(++asked % 1000 === 0 ? clock.now() + 1 : undefined)
    }
    await Promise.all(Array.from({ length: CALLERS }, call))
    await eventually('all are over', () => stack.engine.load === 0)
    expect(left / RUNS).toBeLessThan(MOST_LEFT[database])
  })
})
