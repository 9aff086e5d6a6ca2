// Honest transactions that the server takes for those of a frozen instance.
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { connectionConfig } from '../../src/store/postgres/connection.ts'
import { createDatabase, runOn } from '../support/postgres.ts'
import { openProxy } from '../support/postgres-proxy.ts'
import { createTestStore, FIXTURE_SCHEMA } from './postgres-fixture.ts'

/** After so long without a word the server drops a transaction; a program that stands still does so for 900 ms. */
const IDLE_MS = 300

async function createFixture(): Promise<string> {
  const { url, drop } = await createDatabase()
  onTestFinished(drop)
  await runOn(url, FIXTURE_SCHEMA)
  return url
}

async function openStore(url: string, options: { writers?: number } = {}) {
  const store = await createTestStore({ url, idleTransactionMs: IDLE_MS, ...options })
  onTestFinished(() => store.stop())
  return store
}

test.each(['within', 'at the end'] as const)(
  'who asks does not hear of a program that stood still %s',
  async (when) => {
    const store = await openStore(await createFixture())
    const times = { left: 1 }
    await store.write('stall', { id: 'a', when, times })
    expect(times.left).toBe(-1)
    expect(await store.read('count', {})).toMatchObject({ items: 2 })
  },
)

test('all of a group are stored although the program stood still in one of them', async () => {
  const store = await openStore(await createFixture(), { writers: 1 })
  const first = store.write('sleep', { seconds: 0.1 })
  const group = [
    store.write('addItem', { id: 'a' }),
    store.write('stall', { id: 'b', when: 'within', times: { left: 1 } }),
    store.write('addItem', { id: 'c' }),
  ]
  await Promise.all([first, ...group])
  expect(await store.read('count', {})).toMatchObject({ items: 4 })
})

test.each(['within', 'at the end'] as const)('one that stands still %s every time is refused', async (when) => {
  const store = await openStore(await createFixture())
  const times = { left: 10 }
  const error = await store.write('stall', { id: 'a', when, times }).catch((reason: unknown) => reason)
  // Nothing was stored, and it says so: the outcome is not unknown.
  expect(error).toMatchObject({ code: 'store-unavailable', data: undefined })
  expect(times.left).toBe(8)
  expect(await store.read('count', {})).toMatchObject({ items: 0 })
})

test('a large value may travel for longer than a transaction may be idle', async () => {
  const proxy = await openProxy(await createFixture())
  onTestFinished(() => proxy.close())
  const store = await openStore(proxy.url, { writers: 1 })
  const begun: string[] = []
  // The statement is known to the server from then on.
  await store.write('addLarge', { id: 'small', body: new Uint8Array(10), begun })
  proxy.slow(1024 ** 2)
  await store.write('addLarge', { id: 'large', body: new Uint8Array(1024 ** 2), begun })
  expect(begun).toEqual(['small', 'large'])
  expect(await store.read('count', {})).toMatchObject({ items: 2 })
})

test('how long a transaction may be idle can be said in the address, but not whose tables are used', async () => {
  const url = new URL(await createFixture())
  url.searchParams.set('options', '-c idle_in_transaction_session_timeout=60000 -c search_path=public')
  const client = new pg.Client(connectionConfig({ url: url.href, idleTransactionMs: IDLE_MS }))
  await client.connect()
  const { rows } = await client.query(
    "select current_setting('idle_in_transaction_session_timeout') as idle, current_setting('search_path') as path",
  )
  await client.end()
  expect(rows).toEqual([{ idle: '1min', path: 'jobyard' }])
})
