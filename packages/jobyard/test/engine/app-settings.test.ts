import { beforeEach, describe, expect, test } from 'vitest'
import { AppSettings } from '../../src/engine/app-settings.ts'
import { Sealer } from '../../src/store/seal.ts'
import { askDatabase } from '../support/ask-database.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

/** What is refused, by its code. */
async function refused(work: Promise<unknown>): Promise<{ code: string; message: string; field: unknown }> {
  const error = await work.then(
    () => {
      throw new Error('It was taken.')
    },
    (caught: unknown) => caught as { code: string; message: string; field: unknown },
  )
  return error
}

describe.each(DATABASES)('app settings on %s', (name) => {
  const on = useStacks(name, { slot: 'Staging' })
  let owner: { id: string; name: string }

  beforeEach(() => {
    owner = { id: on.stack.collectionId, name: 'default' }
  })

  const change = (set: Parameters<AppSettings['change']>[1]['set'], remove?: readonly string[] | 'others') =>
    on.stack.settings.change(owner, { set, ...(remove === undefined ? {} : { remove }) }, ACTOR)
  const meant = () => on.stack.settings.of(owner.id)

  test('are kept with their names as they were written, one whatever the case', async () => {
    await change({ Region: { value: 'eu' }, empty: { value: '' } })
    expect(meant().variables).toEqual({ Region: 'eu', empty: '' })
    const after = await change({ REGION: { value: 'us' } })
    expect(after.map((each) => [each.name, each.value, each.secret, each.slot, each.updatedBy])).toEqual([
      ['empty', '', false, null, 'tester'],
      ['REGION', 'us', false, null, 'tester'],
    ])
    expect(meant().variables).toEqual({ REGION: 'us', empty: '' })
    expect((await refused(change({ a: { value: '1' }, A: { value: '2' } }))).message).toContain('twice')
  })

  test('that are secret are sealed, not shown, and stay secret', async () => {
    await change({ API_KEY: { value: 'hunter-22', secret: true } })
    expect(await on.stack.settings.list(owner)).toMatchObject([{ name: 'API_KEY', value: null, secret: true }])
    expect(meant()).toMatchObject({ variables: { API_KEY: 'hunter-22' }, secrets: ['hunter-22'] })
    const rows = await askDatabase(on.place)
    expect(JSON.stringify(await rows.ask('select * from setting'))).not.toContain('hunter')
    expect(JSON.stringify(await rows.ask('select * from audit'))).not.toContain('hunter')
    await rows.close()
    await change({ API_KEY: { value: 'hunter-33' } })
    expect(await on.stack.settings.list(owner)).toMatchObject([{ value: null, secret: true }])
    expect(meant().secrets).toEqual(['hunter-33'])
    expect(await refused(change({ API_KEY: { secret: false } }))).toMatchObject({ code: 'app-setting-invalid' })
    await change({ API_KEY: { value: 'plain', secret: false } })
    expect(await on.stack.settings.list(owner)).toMatchObject([{ value: 'plain', secret: false }])
    await change({ API_KEY: { secret: true } })
    expect(meant()).toMatchObject({ variables: { API_KEY: 'plain' }, secrets: ['plain'] })
  })

  test('that are pinned to a slot count on servers of that slot alone', async () => {
    await change({ HERE: { value: '1', slot: true }, THERE: { value: '2', slot: 'production' }, ALL: { value: '3' } })
    expect((await on.stack.settings.list(owner)).map(({ name: each, slot }) => [each, slot])).toEqual([
      ['ALL', null],
      ['HERE', 'staging'],
      ['THERE', 'production'],
    ])
    expect(meant().variables).toEqual({ HERE: '1', ALL: '3' })
    await change({ THERE: { slot: null } })
    expect(meant().variables).toEqual({ HERE: '1', THERE: '2', ALL: '3' })
    expect(await refused(change({ ALL: { slot: 'a b' } }))).toMatchObject({ field: 'settings.ALL' })
  })

  test('are taken away by name, or all that are not named', async () => {
    await change({ A: { value: '1' }, B: { value: '2' }, C: { value: '3' } })
    await change({}, ['b'])
    expect(meant().variables).toEqual({ A: '1', C: '3' })
    await change({ c: {}, D: { value: '4' } }, 'others')
    expect(meant().variables).toEqual({ c: '3', D: '4' })
    expect(await refused(change({ E: { value: '5' } }, ['B']))).toMatchObject({ code: 'app-setting-unknown' })
    expect(meant().variables).toEqual({ c: '3', D: '4' })
  })

  test('are bounded in number and size, and refused whole', async () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`N${i}`, { value: '' }]))
    expect((await refused(change(many))).message).toContain('1001')
    const large = { A: { value: 'x'.repeat(32_768) }, B: { value: 'x'.repeat(32_768) } }
    expect((await refused(change(large))).message).toContain('bytes together')
    expect(await refused(change({ OK: { value: '1' }, JOBYARD_MARK: { value: 'x' } }))).toMatchObject({
      code: 'app-setting-invalid',
      field: 'settings.JOBYARD_MARK',
    })
    expect(await refused(change({ NEW: {} }))).toMatchObject({ code: 'app-setting-invalid' })
    expect(await on.stack.settings.list(owner)).toEqual([])
  })

  test('that steer are refused when they cannot be read, and taken where that is wished', async () => {
    expect((await refused(change({ WEBJOBS_RESTART_TIME: { value: 'soon' } }))).message).toContain('whole number')
    expect((await refused(change({ WEBJOBS_STOPPED: { value: '1', secret: true } }))).message).toContain('secret')
    const set = { WEBJOBS_RESTART_TIME: { value: 'soon' } }
    await on.stack.settings.change(owner, { set, lenient: true }, ACTOR)
    expect(meant()).toMatchObject({ variables: { WEBJOBS_RESTART_TIME: 'soon' }, steering: { restartMs: null } })
  })

  test('changed by many at once are all there in the end, and what changes nothing leaves no trace', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `N${i}`).toSorted()
    await Promise.all(names.map((each) => change({ [each]: { value: each } })))
    expect(Object.keys(meant().variables).toSorted()).toEqual(names)
    const { revision } = await on.stack.store.read('listSettings', { collectionId: owner.id })
    await change({ N1: { value: 'N1' } })
    expect((await on.stack.store.read('listSettings', { collectionId: owner.id })).revision).toBe(revision)
    const audit = await on.stack.store.read('listAudit', { targetId: owner.id, limit: 100 })
    expect(JSON.stringify(audit)).toContain('settings.change')
  })

  test('of a collection go with it', async () => {
    const { id } = await on.stack.store.write('addCollection', {
      id: on.stack.parts.ids.next(),
      name: 'w',
      actor: ACTOR,
      at: 1,
    })
    await on.stack.settings.change({ id, name: 'w' }, { set: { A: { value: '1' } } }, ACTOR)
    await on.stack.store.write('deleteCollection', { id, actor: ACTOR, at: 2 })
    expect((await on.stack.store.read('listSettings', { collectionId: id })).items).toEqual([])
  })

  test('that another key sealed keep a run from beginning, and are told', async () => {
    await change({ API_KEY: { value: 'hunter-22', secret: true } })
    const other = new AppSettings({
      ...on.stack.parts,
      sealer: new Sealer(Buffer.alloc(32, 8)),
      slot: 'staging',
      alone: true,
    })
    await other.start()
    expect(other.of(owner.id)).toMatchObject({ variables: {}, problem: { code: 'secret-unreadable' } })
    await other.stop()
  })

  test('changed by one instance are heard of by another', async () => {
    const here = on.stack
    const there = await on.start({ alone: false, instance: 'there', slot: 'staging' })
    await here.settings.change(owner, { set: { REGION: { value: 'eu' } } }, ACTOR)
    await eventually('the other knows', () => there.settings.of(owner.id).variables.REGION === 'eu')
    const heard = there.events.find(({ event }) => event.type === 'settings.changed')
    expect(heard?.event).toMatchObject({ collectionId: owner.id, restart: true })
  })
})
