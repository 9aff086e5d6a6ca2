import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { BOUNDED, bytesOf, readAll } from './exercise-output.ts'
import { TestHost } from './host.ts'
import { makeFolder, openStore } from './place.ts'

const MB = 1024 * 1024

/** A disk of a few megabytes. Only root may mount one. */
async function mountSmallDisk(megabytes: number): Promise<string> {
  const folder = join(await makeFolder(), 'disk')
  await mkdir(folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  // Lazily, because the store is stopped after this: what is finished last is registered first.
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
  })
  return folder
}

const isRoot = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(!isRoot)(`a full disk${isRoot ? '' : ' (skipped: mounting a small disk needs root on Linux)'}`, () => {
  test('fails the close of the logs that lost something, and hangs no job', async () => {
    const folder = await mountSmallDisk(12)
    const store = await openStore(folder)
    const host = await TestHost.connect(store.channel)
    onTestFinished(() => host.drop())
    const fits = randomUUID()
    await store.open(fits, BOUNDED)
    store.append(fits, 'output', 'this one fits')
    await store.close(fits, false)
    const taskId = randomUUID()
    const channel = await store.open(taskId, BOUNDED)
    await host.send(channel, 0, Buffer.alloc(24 * MB, 'x'))
    host.end(channel)
    await expect(store.close(taskId, true)).rejects.toMatchObject({ code: 'store-full', status: 507, exit: 1 })
    const page = await store.read(taskId)
    expect(page.ended).toBe(true)
    expect(page.bytes).toBe(24 * MB)
    expect(page.dropped).toBeGreaterThan(12 * MB)
    expect(bytesOf(await readAll(store, taskId)).length).toBe(page.bytes - page.dropped)
    expect(bytesOf(await readAll(store, fits)).toString()).toBe('this one fits')
  })

  test('is over once there is room again: the log goes on, with a mark where something is missing', async () => {
    const folder = await mountSmallDisk(12)
    const store = await openStore(folder)
    const host = await TestHost.connect(store.channel)
    onTestFinished(() => host.drop())
    const taskId = randomUUID()
    const channel = await store.open(taskId, BOUNDED)
    await host.send(channel, 0, 'before\n')
    await eventually('it is stored', async () => (await store.read(taskId)).lastSeq > 0)
    const ballast = join(folder, 'ballast')
    const { bavail, bsize } = await statfs(folder)
    await writeFile(ballast, Buffer.alloc(bavail * bsize))
    // More than the window, so this returns only after something was given up.
    await host.send(channel, 0, Buffer.alloc(5 * MB, 'y'))
    await rm(ballast)
    await eventually('it is stored again', async () => {
      await host.send(channel, 0, 'after\n')
      return bytesOf((await store.read(taskId, { tail: true, maxBytes: 6 })).entries).toString() === 'after\n'
    })
    host.end(channel)
    await expect(store.close(taskId, true)).rejects.toMatchObject({ code: 'store-full' })
    const entries = await readAll(store, taskId, 16 * MB)
    const mark = entries.findIndex((entry) => /^\d+ bytes of output are missing here/.test(entry.bytes.toString()))
    expect(mark).toBeGreaterThan(0)
    expect(entries[0]?.bytes.toString()).toBe('before\n')
    const { bytes, dropped, ended } = await store.read(taskId)
    expect(ended).toBe(true)
    expect(dropped).toBeGreaterThan(0)
    expect(bytesOf(entries).length).toBe(bytes - dropped)
  })

  test('of a moment is waited out: nothing is lost', async () => {
    const folder = await mountSmallDisk(12)
    const store = await openStore(folder)
    const taskId = randomUUID()
    await store.open(taskId, BOUNDED)
    const ballast = join(folder, 'ballast')
    const { bavail, bsize } = await statfs(folder)
    await writeFile(ballast, Buffer.alloc(bavail * bsize))
    const data = Buffer.alloc(3 * MB, 'z')
    store.append(taskId, 'output', data)
    const closing = store.close(taskId, false)
    // Readers get their answers meanwhile.
    expect((await store.read(taskId)).lastSeq).toBe(0)
    await rm(ballast)
    expect(await closing).toMatchObject({ bytes: data.length, dropped: 0, ended: true })
    expect(bytesOf(await readAll(store, taskId)).equals(data)).toBe(true)
  })
})
