import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createDatabase, type Database, runOn } from '../support/postgres.ts'
import { createTestStore, FIXTURE_SCHEMA } from './postgres-fixture.ts'

let database: Database

beforeAll(async () => {
  database = await createDatabase()
  await runOn(database.url, FIXTURE_SCHEMA)
})

afterAll(() => database.drop())

beforeEach(() => runOn(database.url, 'truncate jobyard.item'))

async function openStore(options: Partial<Parameters<typeof createTestStore>[0]> = {}) {
  const store = await createTestStore({ url: database.url, ...options })
  onTestFinished(() => store.stop())
  return store
}

const numbered = (length: number, prefix = 'i') => Array.from({ length }, (_, index) => `${prefix}${index}`)

describe('writes', () => {
  test('are there for readers once they have resolved', async () => {
    const store = await openStore()
    await store.write('addItem', { id: 'a' })
    expect(await store.read('count', {})).toEqual({ items: 1, total: 0 })
  })

  test('that had to wait share transactions', async () => {
    const store = await openStore({ writers: 2 })
    const transactions = await Promise.all(numbered(200).map((id) => store.write('addItem', { id })))
    // Two go alone at once; the other 198 fill at least seven groups of 32.
    expect(new Set(transactions).size).toBeLessThanOrEqual(12)
    expect(await store.read('count', {})).toMatchObject({ items: 200 })
  })

  test('that do not wait have a transaction of their own', async () => {
    const store = await openStore({ writers: 4 })
    const transactions = await Promise.all(numbered(4).map((id) => store.write('addItem', { id })))
    expect(new Set(transactions).size).toBe(4)
  })

  test('that fail are undone alone, also within a group', async () => {
    const store = await openStore({ writers: 1 })
    const results = await Promise.allSettled(
      numbered(60).map((id, index) => store.write(index % 3 === 1 ? 'addAndFail' : 'addItem', { id })),
    )
    const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))
    expect(failed).toEqual(numbered(60).flatMap((_, index) => (index % 3 === 1 ? [index] : [])))
    expect(results[4]).toMatchObject({ reason: new TypeError('no i4') })
    expect(await store.read('count', {})).toMatchObject({ items: 40 })
  })

  test('that break a constraint say so and leave the connection good', async () => {
    const store = await openStore({ writers: 1 })
    await store.write('addItem', { id: 'a' })
    await expect(store.write('addItem', { id: 'a' })).rejects.toMatchObject({ code: '23505' })
    await store.write('addItem', { id: 'b' })
    expect(await store.read('count', {})).toMatchObject({ items: 2 })
  })

  test('that go on after a failed statement are undone and reported', async () => {
    const store = await openStore({ writers: 1 })
    const results = await Promise.allSettled([
      store.write('swallow', { id: 'alone' }),
      store.write('addItem', { id: 'a' }),
      store.write('swallow', { id: 'grouped' }),
      store.write('addItem', { id: 'b' }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await store.read('count', {})).toMatchObject({ items: 2 })
  })
})

describe("writes in each other's way", () => {
  test('are begun again after a deadlock until both are done', async () => {
    const store = await openStore({ writers: 2 })
    await Promise.all([store.write('addItem', { id: 'a' }), store.write('addItem', { id: 'b' })])
    await Promise.all([
      store.write('bump', { ids: ['a', 'b'], seconds: 0.05 }),
      store.write('bump', { ids: ['b', 'a'], seconds: 0.05 }),
    ])
    expect(await store.read('count', {})).toEqual({ items: 2, total: 4 })
  })

  test('are each done once, in groups of several instances that meet crosswise', async () => {
    const stores = await Promise.all([openStore({ writers: 2 }), openStore({ writers: 2 })])
    const ids = numbered(8)
    await Promise.all(ids.map((id) => stores[0].write('addItem', { id })))
    const bumps = Array.from({ length: 200 }, (_, index) => {
      const two = [ids[index % 8] ?? '', ids[(index * 5 + 3) % 8] ?? '']
      return stores[index % 2]?.write('bump', { ids: index % 4 < 2 ? two : two.toReversed(), seconds: 0 })
    })
    await Promise.all(bumps)
    expect(await stores[1].read('count', {})).toEqual({ items: 8, total: 400 })
  })
})

describe('trouble', () => {
  test('a statement that takes too long fails, and the connection is used again', async () => {
    const store = await openStore({ writers: 1, readers: 1, statementTimeoutMs: 200 })
    await expect(store.write('sleep', { seconds: 5 })).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(store.read('sleep', { seconds: 5 })).rejects.toMatchObject({ code: 'store-unavailable' })
    await store.write('addItem', { id: 'a' })
    expect(await store.read('count', {})).toMatchObject({ items: 1 })
  })

  test('a connection that ends within a write undoes it, and the next write has a new one', async () => {
    const store = await openStore({ writers: 1, applicationName: 'victim' })
    const broken = store.write('sleep', { seconds: 20 })
    const caught = expect(broken).rejects.toMatchObject({ code: 'store-unavailable', status: 503, exit: 5 })
    await expect
      .poll(() =>
        store.read('ask', {
          text: `select count(pg_terminate_backend(pid)) as n from pg_stat_activity
            where application_name = 'victim' and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()`,
          params: [],
        }),
      )
      .toEqual([{ n: 1 }])
    await caught
    await store.write('addItem', { id: 'a' })
    expect(await store.read('count', {})).toMatchObject({ items: 1 })
  })

  test('an idle connection that ends is reported and replaced', async () => {
    const trouble: Error[] = []
    const store = await openStore({ writers: 1, applicationName: 'idler', onTrouble: (error) => trouble.push(error) })
    await store.write('addItem', { id: 'a' })
    await runOn(database.url, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idler'`)
    // The reader that looked at the server when the store was opened, and the writer.
    await expect.poll(() => trouble.length).toBe(2)
    await store.write('addItem', { id: 'b' })
    expect(await store.read('count', {})).toMatchObject({ items: 2 })
  })

  test('stop waits for what is under way and then refuses', async () => {
    const store = await createTestStore({ url: database.url, writers: 1 })
    const writes = numbered(20).map((id) => store.write('addItem', { id }))
    const read = store.read('sleep', { seconds: 0.05 })
    await Promise.all([store.stop(), store.stop()])
    await Promise.all([...writes, read])
    await expect(store.write('addItem', { id: 'late' })).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(store.read('count', {})).rejects.toMatchObject({ code: 'store-unavailable' })
  })

  test('a database that is not there, or does not let us in, is refused with the reason', async () => {
    const nowhere = new URL(database.url)
    nowhere.port = '1'
    await expect(createTestStore({ url: nowhere.href })).rejects.toMatchObject({ code: 'store-unavailable' })
    const stranger = new URL(database.url)
    stranger.password = 'wrong'
    await expect(createTestStore({ url: stranger.href })).rejects.toThrow(/password authentication failed/)
    await expect(createTestStore({ url: 'mysql://localhost/x' })).rejects.toThrow(/cannot be read/)
  })
})

describe('values', () => {
  test('come back as they would from SQLite', async () => {
    const store = await openStore()
    const text = `select ?::bigint as big, ?::text as words, ?::bytea as bytes, ?::text as nothing, 1 = 1 as yes,
      sum(n) as total, count(*) as items from (values (1::bigint), (2)) as v (n)`
    const bytes = new Uint8Array([0, 255, 10])
    const rows = (await store.read('ask', { text, params: [2 ** 53 - 1, 'ä', bytes, null] })) as Record<
      string,
      unknown
    >[]
    expect(rows).toEqual([
      { big: 2 ** 53 - 1, words: 'ä', bytes: Buffer.from(bytes), nothing: null, yes: 1, total: 3, items: 2 },
    ])
  })

  test('that PostgreSQL cannot hold are replaced instead of refused', async () => {
    const store = await openStore()
    const text = 'select ?::text as plain, value from jsonb_to_recordset(?::jsonb) as rows_ ("value" text)'
    const rows = JSON.stringify([{ value: 'a\0b\ud800c\\u0000d' }])
    expect(await store.read('ask', { text, params: ['x\0y', rows] })).toEqual([
      { plain: 'x\ufffdy', value: 'a\ufffdb\ufffdc\\u0000d' },
    ])
  })

  test('settings in the address itself stay', async () => {
    const url = new URL(database.url)
    url.searchParams.set('options', '-c work_mem=5MB')
    const store = await openStore({ url: url.href })
    const text = `select current_setting('work_mem') as memory, current_setting('search_path') as path`
    expect(await store.read('ask', { text, params: [] })).toEqual([{ memory: '5MB', path: 'jobyard' }])
  })
})
