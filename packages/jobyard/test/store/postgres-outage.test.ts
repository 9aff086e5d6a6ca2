import { once } from 'node:events'
import pg from 'pg'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { JOB_SETTINGS } from '../../src/config/job-settings.ts'
import { connectionConfig, idleLimit } from '../../src/store/postgres/connection.ts'
import { createDatabase, type Database, runOn, startCluster } from '../support/postgres.ts'
import { openProxy } from '../support/postgres-proxy.ts'
import { createTestStore, FIXTURE_SCHEMA } from './postgres-fixture.ts'

let database: Database | undefined

afterEach(async () => {
  await database?.drop()
  database = undefined
})

async function createFixture(): Promise<string> {
  database = await createDatabase()
  await runOn(database.url, FIXTURE_SCHEMA)
  return database.url
}

for (const when of ['before', 'after'] as const) {
  test(`a connection cut ${when} COMMIT arrives is said to be unclear, and the write is not done again`, async () => {
    const url = await createFixture()
    const proxy = await openProxy(url)
    onTestFinished(() => proxy.close())
    const throughProxy = await createTestStore({ url: proxy.url, writers: 1 })
    onTestFinished(() => throughProxy.stop())
    await throughProxy.write('addItem', { id: 'before' })
    proxy.cutAt('commit', when)
    const error = await throughProxy.write('addItem', { id: 'a' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'store-unavailable', data: { outcome: 'unknown' } })
    const direct = await createTestStore({ url })
    onTestFinished(() => direct.stop())
    const items = when === 'before' ? 1 : 2
    await expect.poll(() => direct.read('count', {})).toMatchObject({ items })
  })
}

test('a group that is cut before its COMMIT has changed nothing, and says so', async () => {
  const url = await createFixture()
  const proxy = await openProxy(url)
  onTestFinished(() => proxy.close())
  const store = await createTestStore({ url: proxy.url, writers: 1 })
  onTestFinished(() => store.stop())
  // The first goes alone and has no savepoint; the group behind it has.
  const first = store.write('sleep', { seconds: 0.1 })
  const group = Promise.allSettled([store.write('addItem', { id: 'a' }), store.write('addItem', { id: 'b' })])
  proxy.cutAt('release savepoint', 'before')
  await first
  for (const result of await group) {
    expect(result).toMatchObject({ reason: { code: 'store-unavailable', data: undefined } })
  }
  await expect.poll(() => store.read('count', {})).toMatchObject({ items: 0 })
})

test('a group that is cut at its COMMIT is unclear as a whole, but for those that had failed before', async () => {
  const url = await createFixture()
  const proxy = await openProxy(url)
  onTestFinished(() => proxy.close())
  const store = await createTestStore({ url: proxy.url, writers: 1 })
  onTestFinished(() => store.stop())
  const first = store.write('sleep', { seconds: 0.1 }).then(() => proxy.cutAt('commit', 'after'))
  const group = Promise.allSettled([
    store.write('addItem', { id: 'a' }),
    store.write('addAndFail', { id: 'b' }),
    store.write('addItem', { id: 'c' }),
  ])
  await first
  const unknown = { reason: { code: 'store-unavailable', data: { outcome: 'unknown' } } }
  expect(await group).toMatchObject([unknown, { reason: new TypeError('no b') }, unknown])
  await expect.poll(() => store.read('count', {})).toMatchObject({ items: 2 })
})

test('a connection that died without a word is given up and replaced', async () => {
  const url = await createFixture()
  const proxy = await openProxy(url)
  onTestFinished(() => proxy.close())
  const store = await createTestStore({ url: proxy.url, writers: 1, connectTimeoutMs: 500, answerTimeoutMs: 500 })
  onTestFinished(() => store.stop())
  await store.write('addItem', { id: 'a' })
  proxy.freeze()
  await expect(store.write('addItem', { id: 'b' })).rejects.toMatchObject({ code: 'store-unavailable' })
  await expect(store.read('count', {})).rejects.toMatchObject({ code: 'store-unavailable' })
  proxy.thaw()
  await store.write('addItem', { id: 'c' })
  expect(await store.read('count', {})).toMatchObject({ items: 2 })
})

test('a server that goes away and comes back, in order or killed, costs only what was under way', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.close())
  const own = await cluster.createDatabase()
  await runOn(own.url, FIXTURE_SCHEMA)
  const store = await createTestStore({ url: own.url })
  onTestFinished(() => store.stop())
  let acknowledged = 0
  for (const end of [cluster.stop, cluster.kill]) {
    const writes = Array.from({ length: 100 }, () =>
      store.write('addItem', { id: `i${Math.random()}` }).then(() => acknowledged++),
    )
    const settled = Promise.allSettled(writes)
    await Promise.race([Promise.any(writes), settled])
    await end()
    await settled
    await expect(store.write('addItem', { id: 'down' })).rejects.toMatchObject({ code: 'store-unavailable' })
    await cluster.start()
    await store.write('addItem', { id: `up${acknowledged++}` })
  }
  const { items } = await store.read('count', {})
  // What was acknowledged is there; what was cut at COMMIT may be there too.
  expect(items).toBeGreaterThanOrEqual(acknowledged)
})

test('an instance that freezes within a transaction does not keep the others from what it has locked', async () => {
  const url = await createFixture()
  const [frozen, other] = [300, 30_000].map((idleTransactionMs) => {
    return new pg.Client(connectionConfig({ url, idleTransactionMs }))
  }) as [pg.Client, pg.Client]
  const dropped = once(frozen, 'error')
  // Its connection breaks, too.
  frozen.on('error', () => undefined)
  for (const client of [frozen, other]) await client.connect()
  try {
    await frozen.query('begin; lock table item in exclusive mode')
    await other.query('begin; lock table item in exclusive mode; rollback')
    await expect(dropped).resolves.toMatchObject([{ code: '25P03' }])
  } finally {
    await other.end()
  }
})

test('the others wait less than a third of a lease for what a frozen instance has locked', async () => {
  const machine = { cpus: 1, memory: 0, hostname: 'test', folder: '/' }
  const leaseMs = JOB_SETTINGS.leaseMs.fallback(machine, '/')
  const client = new pg.Client(connectionConfig({ url: await createFixture() }))
  await client.connect()
  const { rows } = await client.query("select setting from pg_settings where name like 'idle_in_transaction%'")
  await client.end()
  expect(Number(rows[0]?.setting)).toBeLessThan(leaseMs / 3)
})

test.each([1000, 5000, 15_000, 120_000])('so they do with a lease of %d ms', (leaseMs) => {
  expect(idleLimit(leaseMs)).toBeLessThan(Math.min(leaseMs, 15_000) / 3)
})
