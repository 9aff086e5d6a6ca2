import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { OutputEntry, OutputOptions, OutputStore } from '../../src/store/output/contract.ts'
import { WINDOW } from '../../src/store/output/frames.ts'
import { eventually } from '../support/eventually.ts'
import { TestHost } from './host.ts'

/** A place where an output store can be opened again and again over the same data. */
export interface Place {
  open(): Promise<OutputStore>
  /** Removes the data. No store may be open. */
  clear(): Promise<void>
}

const MB = 1024 * 1024

export const BOUNDED: OutputOptions = { capBytes: 100 * MB, rolling: false, secrets: [] }

/** All entries of a log, read page by page. */
export async function readAll(store: OutputStore, taskId: string, maxBytes?: number): Promise<OutputEntry[]> {
  const entries: OutputEntry[] = []
  for (;;) {
    const after = entries.at(-1)?.seq ?? 0
    const page = await store.read(taskId, { after, ...(maxBytes !== undefined && { maxBytes }) })
    if (page.entries.length === 0) return entries
    entries.push(...page.entries)
  }
}

/** The bytes of one stream, or of all but the store's own marks. */
export function bytesOf(entries: readonly OutputEntry[], stream?: string): Buffer {
  return Buffer.concat(
    entries.filter((e) => (stream ? e.stream === stream : e.stream !== 'system')).map((e) => e.bytes),
  )
}

function texts(entries: readonly OutputEntry[]): string[] {
  return entries.map(({ stream, bytes }) => `${stream}: ${bytes}`)
}

/** What every output store does, whatever the database. */
export function exerciseOutput(name: string, makePlace: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place
    let store: OutputStore

    beforeAll(async () => {
      place = await makePlace()
      store = await place.open()
    })

    afterAll(async () => {
      await store.stop()
      await place.clear()
    })

    const connect = async (): Promise<TestHost> => {
      const host = await TestHost.connect(store.channel)
      onTestFinished(() => host.drop())
      return host
    }

    const openLog = async (options: Partial<OutputOptions> = {}): Promise<{ taskId: string; channel: number }> => {
      const taskId = randomUUID()
      return { taskId, channel: await store.open(taskId, { ...BOUNDED, ...options }) }
    }

    describe('a log', () => {
      test('keeps all streams in the one order of arrival, with times', async () => {
        const { taskId } = await openLog()
        const before = Date.now()
        store.append(taskId, 'output', 'one\n')
        store.append(taskId, 'error', 'two\n')
        store.append(taskId, 'progress', '50%')
        store.append(taskId, 'progress', '60%')
        store.append(taskId, 'output', Buffer.from('three\n'))
        store.append(taskId, 'output', '')
        const summary = await store.close(taskId, false)
        const page = await store.read(taskId)
        expect(texts(page.entries)).toEqual([
          'output: one\n',
          'error: two\n',
          'progress: 50%',
          'progress: 60%',
          'output: three\n',
        ])
        expect(page.entries.map((entry) => entry.seq)).toEqual([1, 2, 3, 4, 5])
        expect(summary).toEqual({ bytes: 20, dropped: 0, lastSeq: 5, ended: true })
        expect(page).toMatchObject({ ...summary, firstSeq: 1 })
        let last = before
        for (const { time } of page.entries) {
          expect(time).toBeGreaterThanOrEqual(last)
          last = time
        }
        expect(last).toBeLessThanOrEqual(Date.now())
      })

      test('keeps any bytes: escape sequences, NUL, halves of characters, all values', async () => {
        const { taskId } = await openLog()
        const all = Buffer.from(Array.from({ length: 512 }, (_, index) => index & 0xff))
        const parts = [Buffer.from('\u001b[31mred\u001b[0m\u0000'), Buffer.from([0xc3]), all, Buffer.from([0xff, 0xfe])]
        for (const part of parts) store.append(taskId, 'output', part)
        await store.close(taskId, false)
        expect(bytesOf(await readAll(store, taskId)).equals(Buffer.concat(parts))).toBe(true)
      })

      test('takes a copy: what the caller does with its buffer afterwards changes nothing', async () => {
        const { taskId } = await openLog()
        const buffer = Buffer.from('before')
        store.append(taskId, 'output', buffer)
        buffer.fill('x')
        await store.close(taskId, false)
        expect(bytesOf(await readAll(store, taskId)).toString()).toBe('before')
      })

      test('is readable while it is written, and tells its followers', async () => {
        const { taskId, channel } = await openLog()
        let calls = 0
        const unfollow = store.follow(taskId, () => calls++)
        const host = await connect()
        await host.send(channel, 0, 'now\n')
        const page = await eventually('the line is readable', async () => {
          const page = await store.read(taskId)
          return page.entries.length > 0 && page
        })
        expect(page.ended).toBe(false)
        await eventually('the follower is told', () => calls > 0)
        const before = calls
        await store.close(taskId, false)
        await eventually('the follower is told of the end', () => calls > before)
        unfollow()
      })

      test('gives the same number while it is open', async () => {
        const { taskId, channel } = await openLog()
        expect(await store.open(taskId, BOUNDED)).toBe(channel)
        expect(await store.open(randomUUID(), BOUNDED)).not.toBe(channel)
        await store.close(taskId, false)
      })

      test('can be gone on with after it was closed', async () => {
        const { taskId } = await openLog()
        store.append(taskId, 'output', 'first')
        await store.close(taskId, false)
        await store.open(taskId, BOUNDED)
        store.append(taskId, 'output', 'second')
        expect((await store.read(taskId)).ended).toBe(false)
        expect(await store.close(taskId, false)).toEqual({ bytes: 11, dropped: 0, lastSeq: 2, ended: true })
        expect(texts(await readAll(store, taskId))).toEqual(['output: first', 'output: second'])
      })

      test('that nobody opened is empty, and ends as such', async () => {
        const taskId = randomUUID()
        store.append(taskId, 'output', 'lost')
        expect(await store.read(taskId)).toEqual({
          entries: [],
          firstSeq: 1,
          bytes: 0,
          dropped: 0,
          lastSeq: 0,
          ended: false,
        })
        expect(await store.close(taskId, true)).toEqual({ bytes: 0, dropped: 0, lastSeq: 0, ended: true })
      })

      test('that got nothing is ended all the same, once and again', async () => {
        const { taskId } = await openLog()
        const closings = [store.close(taskId, false), store.close(taskId, false)]
        for (const summary of await Promise.all(closings)) expect(summary.ended).toBe(true)
        expect((await store.close(taskId, false)).ended).toBe(true)
        expect((await store.read(taskId)).ended).toBe(true)
      })

      test('does not mix with others that are written at the same moment', async () => {
        const host = await connect()
        const logs = await Promise.all(Array.from({ length: 100 }, () => openLog()))
        const expected = new Map<string, string>()
        for (let round = 0; round < 20; round++) {
          for (const [index, { taskId, channel }] of logs.entries()) {
            const line = `${index}/${round} ${'x'.repeat((index * 37 + round) % 500)}\n`
            expected.set(taskId, (expected.get(taskId) ?? '') + line)
            await host.send(channel, (round % 2) as 0 | 1, line)
          }
        }
        for (const { channel } of logs) host.end(channel)
        await Promise.all(logs.map(({ taskId }) => store.close(taskId, true)))
        for (const { taskId } of logs) {
          const entries = await readAll(store, taskId)
          expect(bytesOf(entries).toString()).toBe(expected.get(taskId))
          expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1))
        }
      })
    })

    describe('pages', () => {
      test('of any size, from any place, give every entry once', async () => {
        const { taskId } = await openLog()
        const sizes = Array.from({ length: 300 }, (_, index) => 1 + ((index * 7919) % 3000))
        for (const [index, size] of sizes.entries()) store.append(taskId, 'debug', Buffer.alloc(size, index & 0xff))
        await store.close(taskId, false)
        const all = await readAll(store, taskId, 16 * MB)
        expect(all.map((entry) => entry.bytes.length)).toEqual(sizes)
        await fc.assert(
          fc.asyncProperty(
            fc.integer({ min: 0, max: 310 }),
            fc.integer({ min: 1, max: 20_000 }),
            fc.boolean(),
            async (after, maxBytes, tail) => {
              const { entries, lastSeq } = await store.read(taskId, { after, maxBytes, tail })
              expect(lastSeq).toBe(300)
              const rest = all.slice(after)
              const order = tail ? rest.toReversed() : rest
              let sum = 0
              let count = 0
              for (const entry of order) {
                sum += entry.bytes.length
                if (count > 0 && sum > maxBytes) break
                count++
              }
              const expected = order.slice(0, count)
              expect(entries).toEqual(tail ? expected.toReversed() : expected)
            },
          ),
          { numRuns: 60 },
        )
        expect(await readAll(store, taskId, 1)).toEqual(all)
      })

      test('of an endless number of tiny entries stay small', async () => {
        const { taskId } = await openLog()
        for (let index = 0; index < 25_000; index++) store.append(taskId, 'progress', `${index % 10}`)
        await store.close(taskId, false)
        const { entries } = await store.read(taskId)
        expect(entries.length).toBeLessThanOrEqual(10_000)
        expect(await readAll(store, taskId)).toHaveLength(25_000)
      })
    })

    describe('a bounded log', () => {
      test('keeps its oldest bytes up to the cap, says so at the place, and tells at the end how much was dropped', async () => {
        const { taskId } = await openLog({ capBytes: 10 * 1024 })
        store.append(taskId, 'output', Buffer.alloc(10_000, 'a'))
        store.append(taskId, 'error', Buffer.alloc(10_000, 'b'))
        store.append(taskId, 'output', Buffer.alloc(10_000, 'c'))
        const summary = await store.close(taskId, false)
        expect(summary).toMatchObject({ bytes: 30_000, dropped: 30_000 - 10 * 1024 })
        const entries = await readAll(store, taskId)
        expect(bytesOf(entries).toString()).toBe('a'.repeat(10_000) + 'b'.repeat(240))
        expect(texts(entries.filter((entry) => entry.stream === 'system'))).toEqual([
          'system: output cut here: the limit of 10 KB is reached',
          'system: 19760 bytes of output were dropped',
        ])
      })

      test('that is just full is not cut', async () => {
        const { taskId } = await openLog({ capBytes: 1000 })
        store.append(taskId, 'output', Buffer.alloc(1000, 'a'))
        await store.close(taskId, false)
        expect(texts(await readAll(store, taskId)).join()).not.toContain('cut')
      })

      test('still takes what the system has to say when it is full', async () => {
        const { taskId } = await openLog({ capBytes: 10 })
        store.append(taskId, 'output', 'a'.repeat(11))
        store.append(taskId, 'system', 'stopped: the time limit is over')
        await store.close(taskId, false)
        expect(texts(await readAll(store, taskId))).toContain('system: stopped: the time limit is over')
      })

      test('does not hold up a process whose output it drops', async () => {
        const { taskId, channel } = await openLog({ capBytes: 1000 })
        const host = await connect()
        await host.send(channel, 0, Buffer.alloc(5 * WINDOW, 'x'))
        host.end(channel)
        expect(await store.close(taskId, true)).toMatchObject({ bytes: 5 * WINDOW, dropped: 5 * WINDOW - 1000 })
      })
    })

    describe('a rolling log', () => {
      test('keeps its newest bytes and loses the oldest', async () => {
        const { taskId, channel } = await openLog({ capBytes: MB, rolling: true })
        const host = await connect()
        const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index} ${'.'.repeat(100)}\n`)
        for (let at = 0; at < lines.length; at += 500) await host.send(channel, 0, lines.slice(at, at + 500).join(''))
        host.end(channel)
        const summary = await store.close(taskId, true)
        const everything = lines.join('')
        expect(summary.bytes).toBe(everything.length)
        const kept = summary.bytes - summary.dropped
        expect(kept).toBeLessThanOrEqual(MB)
        expect(kept).toBeGreaterThan(MB - 128 * 1024)
        const entries = await readAll(store, taskId)
        expect(bytesOf(entries).toString()).toBe(everything.slice(-kept))
        const { firstSeq } = await store.read(taskId)
        expect(firstSeq).toBeGreaterThan(1)
        expect(entries[0]?.seq).toBe(firstSeq)
        expect((await store.read(taskId, { after: 0, tail: true })).entries.at(-1)?.seq).toBe(summary.lastSeq)
      })

      test('loses small old pieces as fast as large new ones come', async () => {
        const { taskId } = await openLog({ capBytes: 64 * 1024, rolling: true })
        // Each line is a chunk of its own, because it is waited for.
        for (let index = 0; index < 30; index++) {
          store.append(taskId, 'output', `small ${index}\n`)
          await eventually('the line is there', async () => (await store.read(taskId)).lastSeq > index)
        }
        for (let index = 0; index < 20; index++) store.append(taskId, 'output', Buffer.alloc(60_000, index))
        const summary = await store.close(taskId, false)
        expect(summary.bytes - summary.dropped).toBeLessThanOrEqual(64 * 1024)
        expect(bytesOf(await readAll(store, taskId)).at(-1)).toBe(19)
      })

      test('goes on rolling after it was opened again', async () => {
        const { taskId } = await openLog({ capBytes: 10_000, rolling: true })
        for (let round = 0; round < 5; round++) {
          await store.open(taskId, { capBytes: 10_000, rolling: true, secrets: [] })
          store.append(taskId, 'output', Buffer.alloc(9000, 48 + round))
          await store.close(taskId, false)
        }
        const kept = bytesOf(await readAll(store, taskId))
        expect(kept.length).toBeLessThanOrEqual(10_000)
        expect(kept.subarray(-9000).equals(Buffer.alloc(9000, '4'))).toBe(true)
      })

      test('smaller than a line keeps the end of the line', async () => {
        const { taskId } = await openLog({ capBytes: 100, rolling: true })
        store.append(taskId, 'output', `${'x'.repeat(1000)}end`)
        await store.close(taskId, false)
        const kept = bytesOf(await readAll(store, taskId)).toString()
        expect(kept.length).toBeLessThanOrEqual(100)
        expect(kept.endsWith('xend')).toBe(true)
      })
    })

    describe('lines', () => {
      const figuresOf = async (taskId: string, final = true) => (await store.figures([{ taskId, final }]))[0]
      const start = { at: 0, perLine: 39, perSystemLine: 4 }

      test('are counted as they are written, with what is known of the task', async () => {
        const facts = { instance: 'one', script: 'run.sh' }
        const { taskId } = await openLog({ facts })
        store.append(taskId, 'output', 'one\r\ntw')
        store.append(taskId, 'error', 'wrong\n')
        store.append(taskId, 'system', 'told')
        store.append(taskId, 'output', 'o\nopen')
        await store.close(taskId, false)
        const figures = await figuresOf(taskId)
        expect(figures).toMatchObject({ taskId, facts, counts: { lines: 5, systemLines: 1, lineBytes: 19 } })
        expect(figures?.lost).toMatchObject({ lines: 0, lineBytes: 0 })
        expect(figures?.openedAt).toBeLessThanOrEqual(figures?.counts.lineTime ?? 0)
        expect(await store.findPosition(taskId, start)).toMatchObject({ after: 0, counts: { lines: 0 }, open: [] })
      })

      test('are found in a long log without its beginning', async () => {
        const { taskId } = await openLog()
        const line = Buffer.from(`${'x'.repeat(99)}\n`)
        for (let index = 0; index < 90; index++) {
          store.append(taskId, 'output', Buffer.concat(Array.from({ length: 1000 }, () => line)))
          store.append(taskId, 'error', 'e')
        }
        await store.close(taskId, false)
        const figures = await figuresOf(taskId)
        expect(figures?.counts).toMatchObject({ lines: 90_001, systemLines: 0, lineBytes: 90_000 * 99 + 90 })
        const found = await store.findPosition(taskId, { ...start, at: 90_000 * (99 + 39) })
        expect(found?.counts.lines).toBeGreaterThan(80_000)
        const [output, error] = ['output', 'error'].map((stream) =>
          found?.open.find((entry) => entry.stream === stream),
        )
        expect(String(error?.bytes)).toBe('e'.repeat(Math.ceil((found?.counts.lines ?? 0) / 1000)))
        expect((found?.counts.lineBytes ?? 0) + (output?.bytes.length ?? 0)).toBeGreaterThan(7.5 * MB)
        const { entries } = await store.read(taskId, { after: found?.after ?? 0, maxBytes: 1 })
        expect(entries[0]?.seq).toBe((found?.after ?? 0) + 1)
        const first = await store.findPosition(taskId, { ...start, at: 4 * MB })
        expect(first?.after).toBe(0)
      })

      test('go on where a log is opened again', async () => {
        const { taskId } = await openLog()
        store.append(taskId, 'output', 'first\non')
        await store.close(taskId, false)
        expect((await figuresOf(taskId))?.counts).toMatchObject({ lines: 2, lineBytes: 7 })
        await store.open(taskId, BOUNDED)
        store.append(taskId, 'output', 'e\n')
        await store.close(taskId, false)
        expect((await figuresOf(taskId))?.counts).toMatchObject({ lines: 2, lineBytes: 8 })
      })

      test('that a rolling log has lost are told', async () => {
        const { taskId } = await openLog({ capBytes: 64 * 1024, rolling: true })
        const line = 'a line of sixteen'.slice(0, 15)
        for (let index = 0; index < 40; index++) store.append(taskId, 'output', `${line}\n`.repeat(500))
        await store.close(taskId, false)
        const figures = await figuresOf(taskId)
        const { counts, lost } = figures ?? {}
        expect((counts?.lines ?? 0) + (lost?.lines ?? 0)).toBe(20_000)
        expect(counts?.lines).toBeLessThanOrEqual(4096)
        expect(counts?.lines).toBeGreaterThan(2048)
        expect(await store.findPosition(taskId, start)).toMatchObject({ counts: { lines: lost?.lines } })
      })

      test('are gone with their log, and nobody has any of an unknown one', async () => {
        const { taskId } = await openLog()
        store.append(taskId, 'output', 'one\n')
        await store.close(taskId, false)
        await store.remove([taskId])
        for (const id of [taskId, randomUUID()]) {
          expect(await figuresOf(id)).toBeUndefined()
          expect(await store.findPosition(id, start)).toBeUndefined()
        }
        expect(await store.figures([])).toEqual([])
      })
    })

    describe('a process host', () => {
      test('sends both streams; the log is closed when the end of its channel has come', async () => {
        const { taskId, channel } = await openLog()
        const host = await connect()
        const closing = store.close(taskId, true)
        await host.send(channel, 0, 'out')
        await host.send(channel, 1, 'err')
        host.end(channel)
        expect(await closing).toMatchObject({ bytes: 6, ended: true })
        expect(texts(await readAll(store, taskId))).toEqual(['output: out', 'error: err'])
      })

      test('gets a line of 50 MB through whole', async () => {
        const { taskId, channel } = await openLog()
        const host = await connect()
        const line = Buffer.alloc(50 * MB, 'abcdefghijklmnopqrstuvw')
        await host.send(channel, 0, line)
        host.end(channel)
        await store.close(taskId, true)
        const entries = await readAll(store, taskId, 4 * MB)
        expect(bytesOf(entries).equals(line)).toBe(true)
      })

      test('gets back the credit of a channel as its bytes are written', async () => {
        const { taskId, channel } = await openLog()
        const host = await connect()
        await host.send(channel, 0, Buffer.alloc(3 * WINDOW))
        await eventually('most of the window is back', () => host.creditOf(channel) > (WINDOW * 15) / 16)
        expect(host.creditOf(channel)).toBeLessThanOrEqual(WINDOW)
        await store.close(taskId, false)
      })

      test('is not held up by what it sends for a log that is closed', async () => {
        const { taskId, channel } = await openLog()
        const host = await connect()
        await host.send(channel, 0, 'kept')
        await eventually('it has come', async () => (await store.read(taskId)).lastSeq > 0)
        await store.close(taskId, false)
        await host.send(channel, 0, Buffer.alloc(4 * WINDOW))
        expect(bytesOf(await readAll(store, taskId)).toString()).toBe('kept')
      })

      test('that does not know the secret is turned away', async () => {
        const { taskId, channel } = await openLog()
        const host = await TestHost.connect({ ...store.channel, secret: 'wrong' })
        await host.send(channel, 0, 'from a stranger')
        await host.dropped()
        expect(await store.close(taskId, false)).toMatchObject({ bytes: 0 })
      })

      test('that is lost ends its channels with what had come', async () => {
        const { taskId, channel } = await openLog()
        const silent = await openLog()
        const host = await connect()
        await host.send(channel, 0, 'so far')
        await eventually('it has come', async () => (await store.read(taskId)).lastSeq > 0)
        const closing = [store.close(taskId, true), store.close(silent.taskId, true)]
        await host.drop()
        expect(await closing[0]).toMatchObject({ bytes: 6, ended: true })
        expect(await closing[1]).toMatchObject({ bytes: 0, ended: true })
        // Well before the silence of a host that lives would be taken for the end.
      }, 8000)
    })

    describe('secrets', () => {
      const secrets = ['hunter2-hunter2', 'pässwörd & more']

      test('are masked in every stream, wherever the pieces were cut', async () => {
        const { taskId, channel } = await openLog({ secrets })
        const host = await connect()
        const text = `login hunter2-hunter2\nbasic ${Buffer.from('user:hunter2-hunter2').toString('base64')}\n`
        for (const character of text) await host.send(channel, 0, character)
        await host.send(channel, 1, `url ${encodeURIComponent('pässwörd & more')} pässwörd & m`)
        await host.send(channel, 1, 'ore.')
        host.end(channel)
        store.append(taskId, 'verbose', 'with hunter2-hunter2')
        await store.close(taskId, true)
        const entries = await readAll(store, taskId)
        expect(bytesOf(entries, 'output').toString()).toMatch(/^login \*\*\*\nbasic \S{0,8}\*\*\*\S{0,4}\n$/)
        expect(bytesOf(entries, 'error').toString()).toBe('url *** ***.')
        expect(bytesOf(entries, 'verbose').toString()).toBe('with ***')
      })

      test('hold back no more than what may be a beginning, and that until the end', async () => {
        const { taskId, channel } = await openLog({ secrets })
        const host = await connect()
        await host.send(channel, 0, 'name: hunter2-')
        await eventually('the rest is there', async () => {
          return bytesOf((await store.read(taskId)).entries).toString() === 'name: '
        })
        host.end(channel)
        await store.close(taskId, true)
        expect(bytesOf(await readAll(store, taskId)).toString()).toBe('name: hunter2-')
      })
    })

    describe('followers', () => {
      test('that left are not told, and those that stay are', async () => {
        const { taskId } = await openLog()
        let left = 0
        let stayed = 0
        const leave = store.follow(taskId, () => left++)
        store.follow(taskId, () => stayed++)
        leave()
        leave()
        store.append(taskId, 'output', 'x')
        await store.close(taskId, false)
        await eventually('the other is told', () => stayed > 0)
        expect(left).toBe(0)
      })
    })

    describe('removing', () => {
      test('takes whole logs away and leaves the others', async () => {
        const [gone, open, kept] = [await openLog(), await openLog(), await openLog()]
        const host = await connect()
        for (const { taskId } of [gone, open, kept]) store.append(taskId, 'output', Buffer.alloc(300_000, 'x'))
        await store.close(gone.taskId, false)
        await store.remove([gone.taskId, open.taskId, randomUUID()])
        for (const { taskId } of [gone, open]) {
          expect(await store.read(taskId)).toMatchObject({ entries: [], lastSeq: 0, bytes: 0 })
        }
        await host.send(open.channel, 0, Buffer.alloc(3 * WINDOW))
        expect((await store.read(open.taskId)).lastSeq).toBe(0)
        await store.close(kept.taskId, false)
        expect(bytesOf(await readAll(store, kept.taskId))).toHaveLength(300_000)
      })

      test('lets a log of the same task begin anew', async () => {
        const { taskId } = await openLog()
        store.append(taskId, 'output', 'old')
        await store.close(taskId, false)
        await store.remove([taskId])
        await store.open(taskId, BOUNDED)
        store.append(taskId, 'output', 'new')
        await store.close(taskId, false)
        expect(texts(await readAll(store, taskId))).toEqual(['output: new'])
      })

      test('of nothing is nothing', async () => {
        await store.remove([])
      })
    })

    describe('a store that is opened again', () => {
      test('has everything, goes on with logs that had not ended, and can end them', async () => {
        const [ended, goesOn, left] = [await openLog(), await openLog(), await openLog()]
        for (const { taskId } of [ended, goesOn, left]) store.append(taskId, 'output', 'before')
        await store.close(ended.taskId, false)
        await store.stop()
        store = await place.open()
        expect(await store.read(ended.taskId)).toMatchObject({ ended: true, lastSeq: 1 })
        expect(await store.read(left.taskId)).toMatchObject({ ended: false, lastSeq: 1, bytes: 6 })
        await store.open(goesOn.taskId, BOUNDED)
        store.append(goesOn.taskId, 'output', 'after')
        expect(await store.close(goesOn.taskId, false)).toMatchObject({ lastSeq: 2, bytes: 11 })
        expect(texts(await readAll(store, goesOn.taskId))).toEqual(['output: before', 'output: after'])
        expect(await store.close(left.taskId, true)).toEqual({ bytes: 6, dropped: 0, lastSeq: 1, ended: true })
        expect((await store.read(left.taskId)).ended).toBe(true)
      })

      test('is stopped with a refusal for whoever asks later', async () => {
        await store.stop()
        await store.stop()
        await expect(store.read(randomUUID())).rejects.toMatchObject({ code: 'store-unavailable' })
        store = await place.open()
      })
    })
  })
}
