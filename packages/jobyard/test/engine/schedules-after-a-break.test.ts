import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIds } from '../../src/domain/ids.ts'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'
import { askDatabase, type OpenDatabase } from '../support/ask-database.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

const DAY = 86_400_000

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { started: false })
  let rows: OpenDatabase

  beforeEach(async () => {
    rows = await askDatabase(on.place)
  })
  afterEach(() => rows.close())

  /** Jobs with a schedule of every minute, last looked at then. */
  async function addSchedules(count: number, consideredAt: number): Promise<string[]> {
    const ids = createIds(new ManualClock(consideredAt))
    const collection = ids.next()
    await rows.addRows('collection', [{ id: collection, name: 'c', name_key: 'c', created_at: 0 }])
    const jobs = Array.from({ length: count }, (_, index) => ({
      id: ids.next(),
      number: index + 1,
      collection_id: collection,
      kind: 'test',
      type: 'test',
      name: `job-${index}`,
      name_key: `job-${index}`,
      spec: '{}',
      policy: JSON.stringify(DEFAULT_POLICY),
      enabled: 1,
      version: 1,
      warnings: '[]',
      created_at: 0,
      updated_at: 0,
    }))
    await rows.addRows('job', jobs)
    const trigger = { type: 'schedule', detail: JSON.stringify({ ncrontab: '0 * * * * *', timeZone: 'UTC' }) }
    await rows.addRows(
      'job_trigger',
      jobs.map(({ id }) => ({
        ...trigger,
        id: ids.next(),
        job_id: id,
        considered_at: consideredAt,
        next_due: consideredAt + 60_000,
      })),
    )
    return jobs.map(({ id }) => id)
  }

  test('after a day without a server a start lists few missed times, counts the others, and tells of each job once', async () => {
    const begin = Date.parse('2026-03-01T10:00:00Z')
    const jobs = await addSchedules(300, begin)
    const clock = new ManualClock(begin + DAY + 30_000)
    const stack = await on.start({ clock })
    const due = async () =>
      Number((await rows.ask('select count(*) as n from job_trigger where next_due <= ?', clock.now()))[0]?.n)
    await eventually('no schedule is due any longer', async () => (await due()) === 0)
    await eventually('what was made up for has run', () => on.kind.begun.length === jobs.length)
    const [counts] = await rows.ask(
      `select count(*) as listed, sum(more) as others, sum(case when outcome = 'missed' then 1 else 0 end) as missed
        from occurrence`,
    )
    expect(Number(counts?.listed)).toBe(300 * 21)
    expect(Number(counts?.missed) + Number(counts?.others)).toBe(300 * (24 * 60 - 1))
    const passed = stack.events.flatMap(({ event }) => (event.type === 'schedule.passed' ? [event] : []))
    expect(passed).toHaveLength(300)
    expect(passed[0]).toMatchObject({ count: 24 * 60 - 1, due: begin + DAY - 60_000 })
  })

  test('a tick takes on no more schedules once it has many occurrences to record', async () => {
    const begin = Date.parse('2026-03-01T10:00:00Z')
    const clock = new ManualClock(begin)
    const stack = await on.start({ clock })
    await addSchedules(300, begin)
    const at = begin + DAY
    let ticks = 0
    for (let left = 300; left > 0; ticks++) {
      const before = await countOccurrences()
      await stack.store.write('tickSchedules', { at, limit: 500 })
      expect((await countOccurrences()) - before).toBeLessThan(2_100)
      left = Number((await rows.ask('select count(*) as n from job_trigger where next_due <= ?', at))[0]?.n)
    }
    expect(ticks).toBe(4)
  })

  const countOccurrences = async () => Number((await rows.ask('select count(*) as n from occurrence'))[0]?.n)

  test('a schedule that cannot be worked out rests, with a warning on its job, and holds up no other', async () => {
    const clock = new ManualClock('2026-03-01T10:00:30Z')
    const stack = await on.start({ clock })
    const triggers = [{ type: 'schedule', ncrontab: '0 * * * * *', timeZone: 'UTC' } as const]
    const policy = { overlap: 'allow' } as const
    const lost = await stack.job('lost', { triggers, policy })
    const broken = await stack.job('broken', { triggers, policy })
    const garbled = await stack.job('garbled', { triggers, policy })
    const good = await stack.job('good', { triggers, policy })
    await rows.ask(`update job set spec = '{' where id = ?`, garbled)
    const change = 'update job_trigger set detail = ? where job_id = ?'
    await rows.ask(change, JSON.stringify({ ncrontab: '0 * * * * *', timeZone: 'Europe/Gone' }), lost)
    await rows.ask(change, JSON.stringify({ ncrontab: 'no schedule', timeZone: 'UTC' }), broken)
    for (const minute of [1, 2, 3]) {
      clock.advance(minute === 1 ? 30_000 : 60_000)
      await eventually(`minute ${minute} of the good one has begun`, () => on.kind.begun.length === minute)
    }
    const runs = await stack.store.read('listRuns', { limit: 10 })
    expect(new Set(runs.map(({ jobId }) => jobId))).toEqual(new Set([good]))
    for (const [id, text] of [[lost, /Europe\/Gone/] as const, [broken, /no schedule/] as const]) {
      const job = await stack.store.read('getJob', { id })
      expect(job?.warnings).toEqual([{ code: 'schedule-unreadable', message: expect.stringMatching(text) }])
      const [trigger] = await stack.store.read('listTriggers', { jobIds: [id] })
      expect(trigger?.nextDue).toBeNull()
    }
    const faults = stack.events.flatMap(({ event }) => (event.type === 'schedule.unreadable' ? [event.jobId] : []))
    expect(faults.toSorted()).toEqual([lost, broken, garbled].toSorted())
  })
})
