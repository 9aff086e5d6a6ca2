import { describe, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_POLICY, type TriggerSpec } from '../../src/domain/model.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { openRepository } from './repository.ts'

const NIGHTLY: TriggerSpec = { type: 'schedule', ncrontab: '0 0 3 * * *', timeZone: 'UTC' }
const UNREADABLE = { unreadable: 'every night', error: 'It has two fields.' }
const AT = Date.parse('2026-01-01T00:00:00Z')

describe.each(DATABASES)('on %s', (database) => {
  test('it is on record which schedules a job had, which could not be read, and which settings made rest', async () => {
    const { store, ids, collectionId, close } = await openRepository(database)
    onTestFinished(close)
    let version: number | null = null
    let id = ''
    const save = async (name: string, wish: { triggers?: TriggerSpec[]; unreadable?: (typeof UNREADABLE)[] }) => {
      const rules = { judged: false, spec: {}, policy: DEFAULT_POLICY, enabled: true, warnings: [], triggers: [] }
      const draft = { id: ids.next(), collectionId, kind: 'test', type: 'test', name, ...rules, ...wish }
      const saved = await store.write('saveJob', {
        draft,
        basedOn: version,
        action: 'job.update',
        actor: ACTOR,
        at: AT,
      })
      version = saved.job.version
      id = saved.job.id
    }
    const wasScheduled = async () => (await store.read('readVersions', { ids: [id] }))[0]?.wasScheduled
    const set = async (name: string, value: string) => {
      const revision = await store.read('settingsRevision', undefined)
      const put = [{ name, value, secret: false, slot: null }]
      const owner = { collectionId, collectionName: 'default', revision }
      await store.write('changeSettings', { ...owner, put, remove: [], actor: ACTOR, at: AT })
    }
    await save('report', {})
    expect(await wasScheduled()).toBe(false)
    await save('report', { unreadable: [UNREADABLE] })
    expect(await wasScheduled()).toBe(true)
    await save('report', { triggers: [NIGHTLY] })
    await set('WEBJOBS_STOPPED', '1')
    await save('report', { triggers: [NIGHTLY] })
    await set('WEBJOBS_DISABLE_SCHEDULE', '1')
    await save('report', { triggers: [NIGHTLY] })
    await save('report', {})
    expect(await wasScheduled()).toBe(true)
    const audit = await store.read('listAudit', { targetId: id, limit: 10 })
    const nightly = { ncrontab: '0 0 3 * * *', timeZone: 'UTC', next: AT + 3 * 3_600_000 }
    expect(audit.reverse().map(({ detail }) => detail.schedules)).toEqual([
      undefined,
      [UNREADABLE],
      [nightly],
      [{ ...nightly, rests: 'stopped' }],
      [{ ...nightly, rests: 'unscheduled' }],
      undefined,
    ])
  })
})
