import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { BOUNDED } from './exercise-output.ts'
import { TestHost } from './host.ts'
import { makeFolder, openStore } from './place.ts'

const MB = 1024 * 1024

test('the file does not grow over cycles of writing and removing, and becomes smaller when little is left', async () => {
  const folder = await makeFolder()
  const store = await openStore(folder)
  const host = await TestHost.connect(store.channel)
  onTestFinished(() => host.drop())
  const size = async () => (await stat(join(folder, 'output.db'))).size
  const sizes: number[] = []
  for (let cycle = 0; cycle < 6; cycle++) {
    const taskIds = Array.from({ length: 3 }, () => randomUUID())
    for (const taskId of taskIds) {
      const channel = await store.open(taskId, BOUNDED)
      await host.send(channel, 0, Buffer.alloc(12 * MB, 'x'))
      host.end(channel)
      await store.close(taskId, true)
    }
    sizes.push(await size())
    await store.remove(taskIds)
  }
  expect(Math.max(...sizes)).toBeLessThan(50 * MB)
  // Some is kept for reuse.
  await eventually('the file has become smaller', async () => (await size()) <= 18 * MB, 50_000)
}, 90_000)

test('a rolling log takes no more room than its cap, however much goes through it', async () => {
  const folder = await makeFolder()
  const store = await openStore(folder)
  const host = await TestHost.connect(store.channel)
  onTestFinished(() => host.drop())
  const taskId = randomUUID()
  const channel = await store.open(taskId, { capBytes: MB, rolling: true, secrets: [] })
  await host.send(channel, 0, Buffer.alloc(50 * MB, 'x'))
  host.end(channel)
  await store.close(taskId, true)
  expect((await stat(join(folder, 'output.db'))).size).toBeLessThan(5 * MB)
}, 90_000)

test('the write-ahead log stays small under load', async () => {
  const folder = await makeFolder()
  const store = await openStore(folder)
  const host = await TestHost.connect(store.channel)
  onTestFinished(() => host.drop())
  const taskId = randomUUID()
  const channel = await store.open(taskId, BOUNDED)
  await host.send(channel, 0, Buffer.alloc(64 * MB, 'x'))
  host.end(channel)
  await store.close(taskId, true)
  expect((await stat(join(folder, 'output.db-wal'))).size).toBeLessThan(16 * MB)
}, 90_000)
