import { beforeEach, describe, expect, test } from 'vitest'
import type { TriggerSpec } from '../../src/domain/model.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACTOR, DATABASES, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { useStacks } from '../support/use-stacks.ts'

const ALWAYS = { type: 'continuous', triggers: [{ type: 'continuous', singleton: false }] as TriggerSpec[] }
const EVERY_MINUTE: TriggerSpec = { type: 'schedule', ncrontab: '0 * * * * *', timeZone: 'UTC' }
const STOPPED = 'WebJobs are currently in "stopped" state.'

describe.each(DATABASES)('settings that steer the engine on %s', (name) => {
  const on = useStacks(name, { started: false })
  let clock: ManualClock

  beforeEach(() => {
    clock = new ManualClock('2026-11-21T10:00:30Z')
  })

  const set = (settings: Record<string, string | null>, slot?: string) => {
    const set = Object.entries(settings).flatMap(([each, value]) =>
      value === null ? [] : [[each, { value, ...(slot === undefined ? {} : { slot }) }]],
    )
    const remove = Object.entries(settings).flatMap(([each, value]) => (value === null ? [each] : []))
    const owner = { id: on.stack.collectionId, name: 'default' }
    return on.stack.settings.change(owner, { set: Object.fromEntries(set), remove }, ACTOR)
  }
  const ask = (jobId: string, why: 'manual' | 'webhook' = 'manual') =>
    on.stack.engine.request({ id: on.stack.parts.ids.next(), jobId, why, detail: {}, args: [] })
  const runs = (jobId: string) => on.stack.store.read('listRuns', { jobId, limit: 100 })
  const live = (jobId: string) => on.stack.store.read('liveRuns', { jobId })
  const due = async (jobId: string) => (await on.stack.store.read('listTriggers', { jobIds: [jobId] }))[0]?.nextDue

  test.each(['WEBJOBS_STOPPED', 'WEBJOB_STOPPED'])('%s ends continuous jobs and starts none', async (flag) => {
    on.kind.work = on.held.work
    await on.start()
    const job = await on.stack.job('always', ALWAYS)
    await eventually('it runs', () => on.held.targets.length === 1)
    await set({ [flag]: '1' })
    await eventually('it has ended', async () => (await live(job)).length === 0)
    expect(await runs(job)).toMatchObject([{ state: 'stopped', reasonCode: 'settings' }])
    const second = await on.stack.job('second', ALWAYS)
    expect(await live(second)).toEqual([])
    await set({ [flag]: null })
    await eventually('both run', () => on.kind.begun.length === 3)
    expect((await runs(second)).map(({ state }) => state)).toEqual(['running'])
    expect((await runs(job)).map(({ state }) => state)).toEqual(['running', 'stopped'])
  })

  test('stopped jobs refuse every trigger, from the commit of the setting on, and take it again afterwards', async () => {
    await on.start()
    const one = await on.stack.job('one')
    const two = await on.stack.job('two', { triggers: [{ type: 'after', jobId: one, on: ['completed'] }] })
    on.kind.work = on.held.work
    const running = await on.stack.run(one)
    await eventually('it runs', () => on.held.targets.length === 1)
    await set({ WEBJOBS_STOPPED: 'True' })
    for (const why of ['manual', 'webhook'] as const) {
      expect(await ask(two, why)).toMatchObject({ ok: false, code: 'halted', text: STOPPED })
    }
    // What runs goes on to its end, as with WebJobs; what would follow it does not begin.
    on.held.end('one')
    await on.stack.reach(running, 'completed')
    const refused = await eventually('the refusal is announced', () =>
      on.stack.events.find(({ event }) => event.type === 'trigger.refused'),
    )
    expect(refused.event).toMatchObject({ jobId: two, reason: expect.stringContaining(STOPPED) })
    expect(await runs(two)).toEqual([])
    await set({ WEBJOBS_STOPPED: '0' })
    expect(await ask(two)).toMatchObject({ ok: true })
  })

  test('a setting for another slot changes nothing here', async () => {
    on.kind.work = on.held.work
    await on.start({ slot: 'staging' })
    const job = await on.stack.job('always', ALWAYS)
    await eventually('it runs', () => on.held.targets.length === 1)
    await set({ WEBJOBS_STOPPED: '1' }, 'production')
    expect(await ask(await on.stack.job('one'))).toMatchObject({ ok: true })
    await set({ WEBJOBS_STOPPED: '1' }, 'staging')
    await eventually('it has ended', async () => (await live(job)).length === 0)
  })

  test('each instance starts its continuous jobs again with what is new', async () => {
    const seen = new Map<string, (string | undefined)[]>()
    const work = (place: string): typeof on.kind.work => {
      const mine = new Held()
      return (task, context) => {
        seen.set(place, [...(seen.get(place) ?? []), context.settings.variables.REGION])
        return mine.work(task, context)
      }
    }
    on.kind.work = work('here')
    const there = new TestKind()
    there.work = work('there')
    await on.start({ alone: false })
    const other = await startStack({ kinds: [there], place: on.place, alone: false, instance: 'there' })
    try {
      await on.stack.job('always', ALWAYS)
      await eventually('both run it', () => seen.size === 2, 20_000)
      await set({ REGION: 'eu' })
      await eventually('both run it anew', () => [...seen.values()].every(({ length }) => length === 2), 20_000)
      expect([...seen]).toEqual([...seen.keys()].map((each) => [each, [undefined, 'eu']]))
    } finally {
      await other.stop()
    }
  }, 60_000)

  test('another instance ends its continuous jobs, too', async () => {
    on.kind.work = on.held.work
    await on.start({ alone: false })
    const other = await startStack({ kinds: [on.kind], place: on.place, alone: false, instance: 'there' })
    try {
      const job = await on.stack.job('always', ALWAYS)
      // On SQLite nobody tells the other of the new job; it looks by itself.
      await eventually('both run it', async () => (await live(job)).length === 2, 20_000)
      await set({ WEBJOBS_STOPPED: '1' })
      await eventually('neither does', async () => (await live(job)).length === 0, 20_000)
    } finally {
      await other.stop()
    }
  }, 60_000)

  test.each(['WEBJOBS_STOPPED', 'WEBJOBS_DISABLE_SCHEDULE'])('%s lets schedules stand still', async (flag) => {
    await on.start({ clock })
    const job = await on.stack.job('timed', { triggers: [EVERY_MINUTE] })
    clock.advance(30_000)
    await eventually('it has run', async () => (await runs(job))[0]?.state === 'completed')
    await set({ [flag]: '1' })
    clock.advance(5 * 60_000)
    if (flag === 'WEBJOBS_DISABLE_SCHEDULE') {
      const by = await ask(job)
      expect(by).toMatchObject({ ok: true })
      if (by.ok) await on.stack.reach(by.id, 'completed')
    }
    await set({ [flag]: 'false' })
    expect(await due(job)).toBe(Date.parse('2026-11-21T10:07:00Z'))
    clock.advance(60_000)
    await eventually('it runs on time again', async () =>
      (await runs(job)).some(({ scheduledFor }) => scheduledFor === Date.parse('2026-11-21T10:07:00Z')),
    )
    const scheduled = (await runs(job)).filter(({ why }) => why === 'schedule')
    expect(scheduled.map(({ scheduledFor }) => scheduledFor)).toEqual([
      Date.parse('2026-11-21T10:07:00Z'),
      Date.parse('2026-11-21T10:01:00Z'),
    ])
  })

  test('WEBJOBS_RESTART_TIME shortens the rest of continuous jobs with the usual rule, a rest under way too', async () => {
    on.kind.work = () => ({ state: 'failed', reason: { code: 'exit-code', text: 'It crashed.' } })
    await on.start()
    const usual = await on.stack.job('usual', ALWAYS)
    const own = await on.stack.job('own', { ...ALWAYS, policy: { restart: { delayMs: 50_000 } } })
    await eventually('both rest', async () => {
      const places = await on.stack.store.read('listPlaces', { jobIds: [usual, own] })
      return places.length === 2 && places.every(({ restartAt }) => restartAt !== null)
    })
    await set({ WEBJOBS_RESTART_TIME: '0' })
    await eventually('the usual one starts again and again', async () => (await runs(usual)).length > 3)
    expect(await runs(own)).toHaveLength(1)
  })

  test('WEBJOBS_HISTORY_SIZE bounds the runs that are kept of triggered jobs with the usual rule', async () => {
    await on.start({ clock })
    const usual = await on.stack.job('usual', { policy: { overlap: 'allow' } })
    const own = await on.stack.job('own', { policy: { overlap: 'allow', keepRuns: 5 } })
    for (let i = 0; i < 7; i++) {
      for (const job of [usual, own]) await on.stack.reach(await on.stack.run(job), 'completed')
    }
    await set({ WEBJOBS_HISTORY_SIZE: '3' })
    await eventually('what is too much has gone', async () => {
      clock.advance(5000)
      return (await runs(usual)).length === 3 && (await runs(own)).length === 5
    })
    expect((await runs(usual)).map(({ number }) => number)).toEqual([7, 6, 5])
  })

  test('WEBSITE_TIME_ZONE moves the schedules that name no zone, by IANA and by Windows names', async () => {
    await on.start({ clock })
    const noon = { type: 'schedule', ncrontab: '0 0 12 * * *', timeZone: 'UTC' } as const
    const open = await on.stack.job('open', { triggers: [{ ...noon, zone: 'default' }] })
    const fixed = await on.stack.job('fixed', { triggers: [noon] })
    expect(await due(open)).toBe(Date.parse('2026-11-21T12:00:00Z'))
    await set({ WEBSITE_TIME_ZONE: 'W. Europe Standard Time' })
    expect(await due(open)).toBe(Date.parse('2026-11-21T11:00:00Z'))
    expect(await due(fixed)).toBe(Date.parse('2026-11-21T12:00:00Z'))
    const later = await on.stack.job('later', { triggers: [{ ...noon, zone: 'default' }] })
    expect(await on.stack.store.read('listTriggers', { jobIds: [later] })).toMatchObject([
      { spec: { timeZone: 'Europe/Berlin', zone: 'default' } },
    ])
    // A job that is saved again stays where it was, and goes back with the setting.
    await on.stack.job('later', { policy: { keepRuns: 7 } })
    clock.advance(3600_000)
    await eventually(
      'they ran at their own noon',
      async () => (await runs(open)).length + (await runs(later)).length === 2,
    )
    await set({ WEBSITE_TIME_ZONE: null })
    expect(await due(open)).toBe(Date.parse('2026-11-21T12:00:00Z'))
    expect(await runs(fixed)).toEqual([])
  })

  test('a change of what jobs see has continuous jobs start again; one that only steers does not', async () => {
    on.kind.work = on.held.work
    const seen: (string | undefined)[] = []
    on.kind.work = (task, context) => {
      seen.push(context.settings.variables.REGION)
      return on.held.work(task, context)
    }
    await on.start()
    const job = await on.stack.job('always', ALWAYS)
    await eventually('it runs', () => seen.length === 1)
    await set({ WEBJOBS_HISTORY_SIZE: '9' })
    await set({ REGION: 'eu' })
    await eventually('it has started again', () => seen.length === 2)
    expect(seen).toEqual([undefined, 'eu'])
    await set({ REGION: 'eu' })
    await eventually('it has ended once', async () => (await runs(job)).length === 2)
    expect(await runs(job)).toMatchObject([{ state: 'running' }, { state: 'stopped', reasonCode: 'settings' }])
  })
})
