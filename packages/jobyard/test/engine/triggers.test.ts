import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('on %s', (database) => {
  const on = useStacks(database, { started: false })

  const everyMinute = { type: 'schedule', ncrontab: '0 * * * * *', timeZone: 'UTC' } as const

  test('each occurrence of a schedule makes one run, for its time, on record', async () => {
    const clock = new ManualClock('2026-03-01T10:00:30Z')
    await on.start({ clock })
    const job = await on.stack.job('minutely', { triggers: [everyMinute], policy: { overlap: 'allow' } })
    for (const minute of [1, 2, 3]) {
      clock.advance(minute === 1 ? 30_000 : 60_000)
      await eventually(`run ${minute} has begun`, () => on.kind.begun.length === minute)
    }
    const runs = await on.stack.store.read('listRuns', { jobId: job, limit: 10 })
    expect(runs.map(({ scheduledFor, why }) => [new Date(scheduledFor ?? 0).toISOString(), why])).toEqual([
      ['2026-03-01T10:03:00.000Z', 'schedule'],
      ['2026-03-01T10:02:00.000Z', 'schedule'],
      ['2026-03-01T10:01:00.000Z', 'schedule'],
    ])
    const records = await on.stack.store.read('listOccurrences', { jobId: job, limit: 10 })
    expect(records.map(({ outcome }) => outcome)).toEqual(['ran', 'ran', 'ran'])
  })

  test('a clock that is put back runs no occurrence twice, and goes on with the next', async () => {
    const clock = new ManualClock('2026-03-01T10:00:30Z')
    await on.start({ clock })
    const job = await on.stack.job('minutely', { triggers: [everyMinute], policy: { overlap: 'allow' } })
    clock.advance(30_000)
    await eventually('the first run has begun', () => on.kind.begun.length === 1)
    clock.set('2026-03-01T09:59:30Z')
    // 10:01 comes a second time by the clock and must not run again; 10:02 is new.
    const runs = await eventually('10:02 has run', async () => {
      if (clock.now() < Date.parse('2026-03-01T10:02:30Z')) clock.advance(5_000)
      const found = await on.stack.store.read('listRuns', { jobId: job, limit: 10 })
      return found.length >= 2 && clock.now() >= Date.parse('2026-03-01T10:02:30Z') && found
    })
    expect(runs.map(({ scheduledFor }) => new Date(scheduledFor ?? 0).toISOString())).toEqual([
      '2026-03-01T10:02:00.000Z',
      '2026-03-01T10:01:00.000Z',
    ])
  })

  test('an occurrence that the overlap rule refuses is on record as skipped, with why', async () => {
    const clock = new ManualClock('2026-03-01T10:00:30Z')
    on.kind.work = on.held.work
    await on.start({ clock })
    const job = await on.stack.job('minutely', { triggers: [everyMinute] })
    clock.advance(30_000)
    await eventually('the first run is worked on', () => on.held.targets.length === 1)
    clock.advance(60_000)
    const records = await eventually('the second is on record', async () => {
      const rows = await on.stack.store.read('listOccurrences', { jobId: job, limit: 10 })
      return rows.length === 2 && rows
    })
    expect(records.map(({ outcome }) => outcome)).toEqual(['skipped', 'ran'])
    expect(records[0]?.reason).toMatch(/unfinished|runs/i)
  })

  test('times missed while no server ran are made up for once within the window, and on record', async () => {
    const clock = new ManualClock('2026-03-01T10:00:30Z')
    await on.start({ clock })
    const job = await on.stack.job('minutely', { triggers: [everyMinute], policy: { overlap: 'allow' } })
    await on.stack.engine.stop()
    await on.stack.close()
    clock.advance(5 * 60_000)
    await on.start({ clock })
    const records = await eventually('the missed times are on record', async () => {
      const rows = await on.stack.store.read('listOccurrences', { jobId: job, limit: 10 })
      return rows.length === 5 && rows
    })
    expect(records.map(({ outcome }) => outcome)).toEqual(['ran', 'missed', 'missed', 'missed', 'missed'])
  })

  test('a second trigger is refused, queued, skipped, or takes the place of the first, by the overlap rule', async () => {
    on.kind.work = on.held.work
    await on.start()
    const forbidding = await on.stack.job('forbid')
    const first = await on.stack.run(forbidding)
    await expect(on.stack.run(forbidding)).rejects.toThrow(/unfinished|runs/i)
    await eventually('it is worked on', () => on.held.targets.length === 1)
    on.held.end('one')
    await on.stack.reach(first, 'completed')

    const queueing = await on.stack.job('queue', { policy: { overlap: 'queue', queueDepth: 1 } })
    const running = await on.stack.run(queueing)
    const waiting = await on.stack.run(queueing)
    await expect(on.stack.run(queueing)).rejects.toThrow()
    await eventually('it is worked on', () => on.held.targets.length === 1)
    expect((await on.stack.store.read('getRun', { id: waiting }))?.state).toBe('pending')
    on.held.end('one')
    await on.stack.reach(running, 'completed')
    await on.stack.reach(waiting, 'running')
    await eventually('the second is worked on', () => on.held.targets.length === 1)
    on.held.end('one')
    await on.stack.reach(waiting, 'completed')

    const replacing = await on.stack.job('replace', { policy: { overlap: 'replace' } })
    const old = await on.stack.run(replacing)
    await on.stack.reach(old, 'running')
    const fresh = await on.stack.run(replacing)
    expect((await on.stack.reach(old, 'stopped')).reasonCode).toBe('replaced')
    await on.stack.reach(fresh, 'running')
    await eventually('the new one is worked on', () => on.held.targets.length === 1)
    on.held.end('one')
    await on.stack.reach(fresh, 'completed')
  })

  test('a job that follows another runs after its end, and a failure starts the failure action', async () => {
    on.kind.work = ({ runId }) =>
      failing.has(runId) ? { state: 'failed', reason: { code: 'x', text: 'x' } } : { state: 'completed' }
    const failing = new Set<string>()
    await on.start()
    const repair = await on.stack.job('repair')
    const first = await on.stack.job('first', { policy: { onFailure: [repair] } })
    const follower = await on.stack.job('follower', { triggers: [{ type: 'after', jobId: first, on: ['completed'] }] })
    await on.stack.reach(await on.stack.run(first), 'completed')
    const [followed] = await eventually('the follower has run', async () => {
      const runs = await on.stack.store.read('listRuns', { jobId: follower, limit: 5 })
      return runs.length === 1 && runs
    })
    expect(followed).toMatchObject({ why: 'after', detail: { jobName: 'first', state: 'completed' } })
    expect(await on.stack.store.read('listRuns', { jobId: repair, limit: 5 })).toEqual([])
    await on.stack.reach(followed?.id ?? '', 'completed')
    on.kind.work = (_task, context) =>
      context.job.id === first ? { state: 'failed', reason: { code: 'x', text: 'It broke.' } } : { state: 'completed' }
    await on.stack.reach(await on.stack.run(first), 'failed')
    const [repaired] = await eventually('the repair has run', async () => {
      const runs = await on.stack.store.read('listRuns', { jobId: repair, limit: 5 })
      return runs.length === 1 && runs
    })
    expect(repaired).toMatchObject({ why: 'failure', detail: { reason: 'It broke.' } })
  })

  test('jobs that follow each other in a ring come to rest', async () => {
    await on.start()
    const one = await on.stack.job('one')
    const two = await on.stack.job('two', { triggers: [{ type: 'after', jobId: one, on: ['completed'] }] })
    await on.stack.job('one', { triggers: [{ type: 'after', jobId: two, on: ['completed'] }] })
    await on.stack.run(one)
    await eventually('the chain has ended', async () => {
      const runs = await on.stack.store.read('listRuns', { limit: 100 })
      return runs.length === 33 && runs.every(({ finishedAt }) => finishedAt !== null)
    })
  })

  test('a continuous job starts when it is made, starts again when it ends, and ends when it is stopped', async () => {
    on.kind.work = on.held.work
    await on.start()
    const job = await on.stack.job('always', {
      type: 'continuous',
      triggers: [{ type: 'continuous', singleton: false }],
      policy: { restart: { delayMs: 0 } },
    })
    await eventually('it runs', () => on.held.targets.length === 1)
    expect(on.stack.engine.load).toBe(0)
    on.held.end('one', { state: 'failed', reason: { code: 'exit-code', text: 'It crashed.' } })
    await eventually('it runs again', () => on.held.targets.length === 1)
    const row = await on.stack.store.read('getJob', { id: job })
    if (row === null) throw new Error('The job is gone.')
    await on.stack.jobs.setEnabled(row, false, { name: 'tester', role: 'admin', address: null })
    await eventually('it has stopped', async () => (await on.stack.store.read('liveRuns', { jobId: job })).length === 0)
    const runs = await on.stack.store.read('listRuns', { jobId: job, limit: 10 })
    expect(runs.map(({ state }) => state)).toEqual(['stopped', 'failed'])
  })

  test('a continuous job that ends quickly waits before it starts again, and the waits are counted', async () => {
    on.kind.work = () => ({ state: 'failed', reason: { code: 'exit-code', text: 'It crashed.' } })
    await on.start()
    const job = await on.stack.job('crasher', {
      type: 'continuous',
      triggers: [{ type: 'continuous', singleton: true }],
      policy: { restart: { delayMs: 30 } },
    })
    const [seat] = await eventually('it has crashed three times', async () => {
      const places = await on.stack.store.read('listPlaces', { jobIds: [job] })
      return (places[0]?.quickEnds ?? 0) >= 3 && places
    })
    expect(seat?.place).toBe('*')
  })

  test('a shorter rest that a continuous job is given counts for the one that is under way', async () => {
    on.kind.work = () => ({ state: 'failed', reason: { code: 'exit-code', text: 'It crashed.' } })
    await on.start()
    const always = { type: 'continuous', triggers: [{ type: 'continuous', singleton: false } as const] }
    const job = await on.stack.job('crasher', { ...always, policy: { restart: { delayMs: 3_600_000 } } })
    const restsUntil = async () => (await on.stack.store.read('listPlaces', { jobIds: [job] }))[0]?.restartAt ?? null
    const before = await eventually('it rests', restsUntil)
    await on.stack.job('crasher', { type: 'continuous', policy: { restart: { delayMs: 7_200_000 } } })
    expect(await restsUntil()).toBe(before)
    await on.stack.job('crasher', { type: 'continuous', policy: { restart: { delayMs: 20 } } })
    await eventually('it starts again', async () => {
      return (await on.stack.store.read('listRuns', { jobId: job, limit: 10 })).length > 1
    })
  })

  test('a change to a continuous job has it start again with what is new', async () => {
    on.kind.work = on.held.work
    await on.start()
    const input = { type: 'continuous', triggers: [{ type: 'continuous', singleton: false } as const] }
    const job = await on.stack.job('always', { ...input, spec: { targets: ['old'] } })
    await eventually('the old one runs', () => on.held.targets.includes('old'))
    await on.stack.job('always', { type: 'continuous', spec: { targets: ['new'] } })
    await eventually('the new one runs', () => on.held.targets.includes('new'))
    const runs = await on.stack.store.read('listRuns', { jobId: job, limit: 10 })
    expect(runs.map(({ state, reasonCode }) => [state, reasonCode])).toEqual([
      ['running', null],
      ['stopped', 'redeployed'],
    ])
  })
})
