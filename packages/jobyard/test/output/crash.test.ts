import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { OutputStore } from '../../src/store/output/contract.ts'
import { LineCounter } from '../../src/store/output/line-counter.ts'
import { BOUNDED, bytesOf, readAll } from './exercise-output.ts'
import { makeFolder, openStore } from './place.ts'

const PROGRAM = fileURLToPath(new URL('./crash-program.ts', import.meta.url))

interface Report {
  readonly taskId: string
  readonly bytes: number
  readonly address: string
}

/** Lets a program write until it has reported so often, kills it, and gives its last report of each task. */
async function writeAndKill(path: string, taskIds: readonly string[], reports: number): Promise<Map<string, Report>> {
  const child = spawn(process.execPath, [PROGRAM, path, ...taskIds], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const exited = once(child, 'exit')
  const last = new Map<string, Report>()
  let count = 0
  for await (const line of createInterface(child.stdout)) {
    const report = JSON.parse(line) as Report
    last.set(report.taskId, report)
    if (++count === reports) child.kill('SIGKILL')
  }
  await exited
  for (const { address } of last.values()) {
    onTestFinished(() => rm(dirname(address), { recursive: true, force: true }))
  }
  return last
}

/** The lines on record are those that are found by reading all again. */
async function expectCounted(store: OutputStore, taskId: string): Promise<void> {
  const counter = new LineCounter()
  counter.feed(await readAll(store, taskId))
  const [figures] = await store.figures([{ taskId, final: true }])
  // A log that had no commit yet is none.
  expect(figures?.counts ?? new LineCounter().counted).toEqual(counter.counted)
}

test('a killed server has lost nothing that could be read, and its logs go on', async () => {
  const folder = await makeFolder()
  const taskIds = [randomUUID(), randomUUID()]
  for (const reports of [3, 10, 17]) {
    const last = await writeAndKill(join(folder, 'output.db'), taskIds, reports)
    const store = await openStore(folder)
    for (const taskId of taskIds) {
      const entries = await readAll(store, taskId)
      expect(bytesOf(entries).length).toBeGreaterThanOrEqual(last.get(taskId)?.bytes ?? 0)
      expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1))
      expect((await store.read(taskId)).bytes).toBe(bytesOf(entries).length)
      await expectCounted(store, taskId)
      await store.open(taskId, BOUNDED)
      store.append(taskId, 'output', 'again\n')
      const summary = await store.close(taskId, false)
      expect(summary.lastSeq).toBe(entries.length + 1)
      await expectCounted(store, taskId)
      expect(bytesOf((await store.read(taskId, { tail: true, maxBytes: 1 })).entries).toString()).toBe('again\n')
    }
    await store.stop()
  }
})

test('the folders that killed servers left are removed by a later one, that of a living one is not', async () => {
  const folder = await makeFolder()
  const living = await openStore(folder)
  const last = await writeAndKill(join(folder, 'other.db'), [randomUUID()], 1)
  const dead = dirname([...last.values()][0]?.address ?? '')
  expect(existsSync(dead)).toBe(true)
  const empty = await mkdtemp(join(tmpdir(), 'jobyard-output-'))
  for (const path of [dead, empty, dirname(living.channel.address)]) await utimes(path, 1, 1)
  await openStore(await makeFolder())
  expect(existsSync(dead)).toBe(false)
  expect(existsSync(empty)).toBe(false)
  expect(existsSync(living.channel.address)).toBe(true)
  await living.stop()
  expect(existsSync(dirname(living.channel.address))).toBe(false)
})
