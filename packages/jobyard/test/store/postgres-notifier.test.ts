import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Scope } from '../../src/store/contract.ts'
import { createPostgresNotifier, type NotifierOptions } from '../../src/store/postgres/notifier.ts'
import { execute, type Steps, sql } from '../../src/store/sql.ts'
import { createDatabase, type Database, runOn } from '../support/postgres.ts'
import { openPostgresStore } from '../support/postgres-store.ts'
import { openProxy } from '../support/postgres-proxy.ts'

let database: Database

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

async function openNotifier(options: Partial<NotifierOptions> = {}) {
  const trouble: Error[] = []
  const notifier = await createPostgresNotifier({
    url: database.url,
    clock: systemClock,
    random: Math.random,
    onTrouble: (error) => trouble.push(error),
    ...options,
  })
  onTestFinished(() => notifier.stop())
  const heard: string[] = []
  const silence = await notifier.on('test', (payload) => heard.push(payload))
  let gaps = 0
  notifier.onGap(() => gaps++)
  return { notifier, trouble, heard, silence, gaps: () => gaps }
}

test('a message reaches whoever listens to its channel, until he stops', async () => {
  const one = await openNotifier()
  const two = await openNotifier()
  await one.notifier.notify('other', 'not this')
  await one.notifier.notify('test', 'first')
  await expect.poll(() => [one.heard, two.heard]).toEqual([['first'], ['first']])
  one.silence()
  await one.notifier.notify('test', 'second')
  await expect.poll(() => two.heard).toEqual(['first', 'second'])
  expect(one.heard).toEqual(['first'])
})

test('a message sent within a write comes when that is committed, and never when it is not', async () => {
  const { heard } = await openNotifier()
  function* tell({ payload, fails }: { payload: string; fails: boolean }, _scope: Scope): Steps<void> {
    yield* execute(sql('select pg_notify(?, ?)'), 'test', payload)
    if (fails) throw new Error('no')
  }
  const store = await openPostgresStore({ url: database.url, writes: { tell }, reads: {} })
  onTestFinished(() => store.stop())
  await expect(store.write('tell', { payload: 'undone', fails: true })).rejects.toThrow('no')
  await store.write('tell', { payload: 'done', fails: false })
  await expect.poll(() => heard).toEqual(['done'])
})

test('a connection that is ended comes back and says that something may have been missed', async () => {
  const { notifier, trouble, heard, gaps } = await openNotifier({ applicationName: 'listener' })
  await runOn(
    database.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'`,
  )
  await expect.poll(() => trouble.length).toBeGreaterThan(0)
  await expect.poll(gaps).toBe(1)
  await notifier.notify('test', 'again')
  await expect.poll(() => heard).toEqual(['again'])
})

test('a connection that died without a word is noticed and replaced', async () => {
  const proxy = await openProxy(database.url)
  onTestFinished(() => proxy.close())
  const waits = { keepaliveMs: 100, answerTimeoutMs: 200, connectTimeoutMs: 200 }
  const { trouble, heard, gaps } = await openNotifier({ url: proxy.url, ...waits })
  proxy.freeze()
  await expect.poll(() => trouble.length, { timeout: 5000 }).toBeGreaterThan(1)
  expect(gaps()).toBe(0)
  proxy.thaw()
  await expect.poll(gaps, { timeout: 5000 }).toBe(1)
  await runOn(database.url, `notify test, 'again'`)
  await expect.poll(() => heard).toEqual(['again'])
})

test('without a database there is none, and nothing is sent without a connection', async () => {
  const nowhere = new URL(database.url)
  nowhere.port = '1'
  await expect(openNotifier({ url: nowhere.href })).rejects.toMatchObject({ code: 'store-unavailable' })
  const { notifier } = await openNotifier()
  await notifier.stop()
  await expect(notifier.notify('test', 'late')).rejects.toMatchObject({ code: 'store-unavailable' })
})
