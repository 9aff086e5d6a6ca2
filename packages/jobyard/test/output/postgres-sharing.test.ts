import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import type { OutputStore } from '../../src/store/output/contract.ts'
import { createOutputStore } from '../../src/store/output/store.ts'
import { eventually } from '../support/eventually.ts'
import { createDatabase } from '../support/postgres.ts'
import { openProxy } from '../support/postgres-proxy.ts'
import { BOUNDED, bytesOf, readAll } from './exercise-output.ts'
import { TestHost } from './host.ts'

async function makeDatabase(): Promise<string> {
  const database = await createDatabase()
  onTestFinished(() => database.drop())
  return database.url
}

async function openStore(url: string): Promise<OutputStore> {
  const store = await createOutputStore({
    database: { kind: 'postgres', url },
    onFatal: (error) => {
      throw error
    },
  })
  onTestFinished(() => store.stop())
  return store
}

test('several instances may make the tables at once', async () => {
  const url = await makeDatabase()
  const stores = await Promise.all([openStore(url), openStore(url), openStore(url)])
  const taskId = randomUUID()
  for (const store of stores) {
    await store.open(taskId, BOUNDED)
    store.append(taskId, 'output', 'x')
    await store.close(taskId, false)
  }
  expect((await stores[0].read(taskId)).lastSeq).toBe(3)
})

test('an instance that was relieved of a task cannot write its log any more', async () => {
  const url = await makeDatabase()
  const [stale, owner] = [await openStore(url), await openStore(url)]
  const taskId = randomUUID()
  await stale.open(taskId, BOUNDED)
  stale.append(taskId, 'output', 'first ')
  await eventually('it is written', async () => (await owner.read(taskId)).lastSeq === 1)
  await owner.open(taskId, BOUNDED)
  stale.append(taskId, 'output', 'too late ')
  owner.append(taskId, 'output', 'second')
  await stale.close(taskId, false)
  expect((await owner.read(taskId)).ended).toBe(false)
  await owner.close(taskId, false)
  expect(bytesOf(await readAll(stale, taskId)).toString()).toBe('first second')
})

test('a follower hears of what another instance writes', async () => {
  const url = await makeDatabase()
  const [writer, reader] = [await openStore(url), await openStore(url)]
  const taskId = randomUUID()
  await writer.open(taskId, BOUNDED)
  let calls = 0
  const unfollow = reader.follow(taskId, () => calls++)
  writer.append(taskId, 'output', 'hello')
  await eventually('the follower hears of the line', () => calls === 1)
  await writer.close(taskId, false)
  await eventually('the follower hears of the end', () => calls === 2)
  unfollow()
})

test('a connection that hangs and breaks loses nothing', async () => {
  const proxy = await openProxy(await makeDatabase())
  onTestFinished(() => proxy.close())
  const store = await openStore(proxy.url)
  const host = await TestHost.connect(store.channel)
  onTestFinished(() => host.drop())
  const taskId = randomUUID()
  const channel = await store.open(taskId, BOUNDED)
  await host.send(channel, 0, 'before ')
  await eventually('it is written', async () => (await store.read(taskId)).lastSeq > 0)
  proxy.freeze()
  await host.send(channel, 0, Buffer.alloc(300_000, 'x'))
  host.end(channel)
  const closing = store.close(taskId, true)
  proxy.thaw()
  expect(await closing).toMatchObject({ bytes: 300_007, dropped: 0, ended: true })
  expect(bytesOf(await readAll(store, taskId)).length).toBe(300_007)
})

test('a write whose answer was lost is not there twice', async () => {
  const proxy = await openProxy(await makeDatabase())
  onTestFinished(() => proxy.close())
  const store = await openStore(proxy.url)
  const taskId = randomUUID()
  await store.open(taskId, BOUNDED)
  // The connection breaks when the statement has reached the server, and works again a moment later.
  proxy.cutAt('insert into output_chunks', 'after')
  store.append(taskId, 'output', 'once')
  const closing = store.close(taskId, false)
  await eventually('the server has it', async () => (await store.read(taskId)).lastSeq === 1)
  proxy.cutAt('no statement says this', 'after')
  expect(await closing).toMatchObject({ bytes: 4, ended: true, lastSeq: 1 })
  expect(bytesOf(await readAll(store, taskId)).toString()).toBe('once')
})
