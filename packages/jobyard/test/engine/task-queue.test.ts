import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TaskRow } from '../../src/domain/model.ts'
import { Heap } from '../../src/engine/heap.ts'
import { TaskQueue } from '../../src/engine/task-queue.ts'
import { PENDING_PAGE } from '../../src/store/procedures/pending-tasks.ts'
import { ManualClock } from '../support/manual-clock.ts'

const START = Date.parse('2026-03-01T10:00:00Z')
const HOUR = 3_600_000
const PAGE = 8

function taskOf(number: number, createdAt: number, notBefore: number | null): TaskRow {
  const id = String(number).padStart(9, '0')
  const none = { parkedUntil: null, reasonCode: null, reasonText: null, result: null, exitCode: null }
  const times = { notBefore, createdAt, startedAt: null, finishedAt: null }
  const what = { runId: 'run', target: id, attempt: 1, crashes: 0, state: 'pending' as const, detail: null }
  return { id, ...what, owner: null, fence: 0, cpuMs: null, peakBytes: null, ...none, ...times }
}

const all = (queue: TaskQueue) => queue.take(Number.POSITIVE_INFINITY, () => true).map(({ id }) => Number(id))

test('what is due is taken in the order of its falling due, then of its making; what is held stays', () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, true)
  queue.add(taskOf(5, START - 10, null))
  queue.add(taskOf(4, START - 20, null))
  queue.add(taskOf(1, START - 50, START - 15))
  queue.add(taskOf(3, START - 50, START + 100))
  queue.add(taskOf(2, START - 50, START + 100))
  queue.add(taskOf(2, START - 50, START + 100))
  expect([queue.size, queue.due, queue.nextWait()]).toEqual([5, 3, 100])
  expect(queue.take(1, ({ id }) => Number(id) !== 4).map(({ id }) => Number(id))).toEqual([1])
  expect(all(queue)).toEqual([4, 5])
  clock.advance(100)
  expect(all(queue)).toEqual([2, 3])
  expect([queue.isEmpty, queue.nextWait()]).toEqual([true, Number.POSITIVE_INFINITY])
})

test('a wait is over by either clock, whichever is first', () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, true)
  for (const [number, wait] of [60_000, 2 * HOUR, 3 * HOUR].entries()) queue.add(taskOf(number, START, START + wait))
  clock.set(START - HOUR)
  clock.advance(60_000)
  expect(all(queue)).toEqual([0])
  clock.set(START + 2 * HOUR)
  expect(all(queue)).toEqual([1])
  expect(queue.nextWait()).toBe(HOUR)
})

test('of very many that wait only the first are kept, and the others are read when their time has come', async () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, true)
  const record = Array.from({ length: 200_000 }, (_, index) => taskOf(index, START, START + 200_000 - index))
  for (const task of record) queue.add(task)
  expect(queue.size).toBeLessThanOrEqual(4 * PENDING_PAGE)
  expect(queue.nextWait()).toBe(1)
  clock.advance(10_000)
  const taken = all(queue)
  expect(taken.slice(0, 3)).toEqual([199_999, 199_998, 199_997])
  expect(queue.isLow).toBe(true)
  const left = record.slice(0, 200_000 - taken.length).toReversed()
  await queue.readOn(async () => left.slice(0, PENDING_PAGE))
  expect(all(queue).slice(0, 2)).toEqual([199_999 - taken.length, 199_998 - taken.length])
})

test('what was doubted while it was read is read again', async () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, false)
  await queue.readOn(async () => {
    queue.lookAgain()
    return [taskOf(1, START, null)]
  })
  expect([queue.size, queue.isLow, queue.isEmpty]).toEqual([1, true, false])
  await queue.readOn(async () => [taskOf(1, START, null)])
  expect([queue.isLow, all(queue), queue.isEmpty]).toEqual([false, [1], true])
  await expect(queue.readOn(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost')
  expect(queue.isLow).toBe(true)
})

test('of what is read again the time counts that is on record by then, when it is earlier', async () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, false)
  const numbers = Array.from({ length: 20 }, (_, number) => number)
  const waits = (number: number) => START + 60_000 + number
  clock.set(START - HOUR)
  await queue.readOn(async () => numbers.map((number) => taskOf(number, START, waits(number))))
  expect(queue.nextWait()).toBe(HOUR + 60_000)
  queue.lookAgain()
  // Those that were last are first now.
  await queue.readOn(async () => numbers.map((number) => taskOf(number, START, waits(20 - number) - HOUR)))
  expect([queue.size, queue.nextWait()]).toEqual([20, 60_001])
  queue.add(taskOf(7, START, START - HOUR + 5))
  expect([queue.size, queue.nextWait()]).toEqual([20, 5])
  clock.advance(5)
  expect(all(queue)).toEqual([7])
  clock.advance(60_000 - 2)
  expect(all(queue)).toEqual([19, 18, 17])
  clock.advance(HOUR)
  expect(all(queue)).toHaveLength(16)
})

test('a page that has been read is not read over and over when the clock goes a little fast', async () => {
  const clock = new ManualClock(START)
  const queue = new TaskQueue(clock, false, PAGE)
  const page = Array.from({ length: PAGE }, (_, number) => taskOf(number, START, START + 1000))
  await queue.readOn(async () => page)
  clock.set(START + 90)
  queue.lookAgain()
  await queue.readOn(async () => page)
  clock.advance(920)
  expect([queue.isLow, queue.due]).toEqual([false, PAGE])
})

test('a closed queue takes nothing more, what is being read neither', async () => {
  const queue = new TaskQueue(new ManualClock(START), false)
  await queue.readOn(async () => {
    queue.close()
    return [taskOf(1, START, null)]
  })
  queue.add(taskOf(2, START, null))
  queue.lookAgain()
  expect([queue.isEmpty, queue.isLow, queue.due]).toEqual([true, false, 0])
})

/** A record with its queue, as the owner of a run keeps the two. */
class Owned {
  readonly clock = new ManualClock(START)
  readonly record = new Map<string, TaskRow>()
  readonly queue: TaskQueue
  readonly taken: string[] = []
  made = 0
  #moved = false

  constructor(before: readonly (number | null)[]) {
    for (const wait of before) this.make(wait)
    this.queue = new TaskQueue(this.clock, before.length === 0, PAGE)
  }

  make(wait: number | null): TaskRow {
    const now = this.clock.now()
    const task = taskOf(++this.made, now, wait === null ? null : now + wait)
    this.record.set(task.id, task)
    return task
  }

  set(by: number): void {
    this.#moved = true
    this.clock.set(this.clock.now() + by)
  }

  page(): TaskRow[] {
    const due = ({ notBefore }: TaskRow) => notBefore ?? 0
    return [...this.record.values()].sort((a, b) => due(a) - due(b) || (a.id < b.id ? -1 : 1)).slice(0, PAGE)
  }

  async work(limit: number, meanwhile: () => void = () => undefined): Promise<void> {
    if (this.queue.isLow) {
      await this.queue.readOn(async () => {
        const page = this.page()
        meanwhile()
        return page
      })
    }
    for (const { id, notBefore } of this.queue.take(limit, () => true)) {
      expect(this.record.delete(id)).toBe(true)
      if (!this.#moved) expect(notBefore ?? 0).toBeLessThanOrEqual(this.clock.now())
      this.taken.push(id)
    }
    expect(this.queue.size).toBeLessThanOrEqual(4 * PAGE)
  }

  /** Works until nothing is left, letting time pass only as far as the queue says. */
  async workAll(): Promise<void> {
    for (let turn = 0; !this.queue.isEmpty && turn < 10_000; turn++) {
      const before = this.taken.length
      await this.work(Number.POSITIVE_INFINITY)
      const wait = this.queue.nextWait()
      if (this.taken.length === before && !this.queue.isLow && Number.isFinite(wait)) this.clock.advance(wait)
    }
  }
}

test('each pending task is taken once, however it came, and none is forgotten', async () => {
  const wait = fc.option(fc.integer({ min: 0, max: 500 }))
  const step = fc.oneof(
    fc.record({ do: fc.constant('own' as const), wait }),
    fc.record({ do: fc.constant('foreign' as const), wait }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ do: fc.constant('set' as const), by: fc.integer({ min: -2000, max: 2000 }) }),
    fc.record({ do: fc.constant('work' as const), limit: fc.integer({ min: 0, max: 12 }), wait }),
  )
  const many = { minLength: 0, maxLength: 60 }
  await fc.assert(
    fc.asyncProperty(fc.array(wait, many), fc.array(step, { maxLength: 120 }), async (before, steps) => {
      const owned = new Owned(before)
      for (const each of steps) {
        if (each.do === 'own') owned.queue.add(owned.make(each.wait))
        else if (each.do === 'pass') owned.clock.advance(each.ms)
        else if (each.do === 'set') owned.set(each.by)
        else if (each.do === 'work') await owned.work(each.limit, () => owned.queue.add(owned.make(each.wait)))
        else {
          owned.make(each.wait)
          owned.queue.lookAgain()
        }
      }
      await owned.workAll()
      expect([...owned.record.keys()]).toEqual([])
      expect(new Set(owned.taken).size).toBe(owned.taken.length)
      expect(owned.taken).toHaveLength(owned.made)
    }),
    { numRuns: 300 },
  )
})

test('a heap gives what it was given, in its order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((one, other) => one < other)
      for (const number of numbers) heap.add(number)
      expect(heap.peek()).toBe(numbers.length === 0 ? undefined : Math.min(...numbers))
      const sorted = numbers.map(() => heap.take())
      expect(sorted).toEqual(numbers.toSorted((a, b) => a - b))
      expect([heap.take(), heap.size]).toEqual([undefined, 0])
    }),
  )
})
