import { afterEach, describe, expect, test } from 'vitest'
import type { Claimer, Dispatcher } from '../../src/dispatch/contract.ts'

/** A run as these tests put it into the table. */
export interface TestRun {
  readonly id: string
  /** When it is due, epoch milliseconds. */
  readonly at: number
}

/** A place with a table `run`, and what it takes to run dispatchers on it. */
export interface Bench {
  /** Puts runs into the table, with whatever messages belong to them. */
  insert(runs: readonly TestRun[]): Promise<void>
  /** Puts runs into the table, and what should have woken somebody is lost. */
  insertUnheard(runs: readonly TestRun[]): Promise<void>
  /** Sends the messages of these runs once more. */
  repeat(runs: readonly TestRun[]): Promise<void>
  /** Does what finds runs that nobody heard of. */
  sweep(): Promise<void>
  /** Takes due runs for an owner, as the repository does. */
  claim(owner: string, limit: number, runIds?: readonly string[]): Promise<{ ids: string[]; nextDue: number | null }>
  createDispatcher(name: string, onError: (error: unknown) => void): Promise<Dispatcher>
  close(): Promise<void>
}

/** An instance: its room, what it took and when, and how often it asked. */
export class TestInstance implements Claimer {
  readonly name: string
  readonly claimed: { id: string; at: number }[] = []
  readonly errors: unknown[] = []
  claims = 0
  limits: number[] = []
  space: number
  /** Awaited before each claim; for claims that fail or take their time. */
  before: () => Promise<void> = async () => undefined
  #bench: Bench
  dispatcher: Dispatcher | undefined

  constructor(bench: Bench, name: string, space: number) {
    this.#bench = bench
    this.name = name
    this.space = space
  }

  room(): number {
    return this.space
  }

  async claim({ limit, runIds }: { limit: number; runIds?: readonly string[] }) {
    this.claims++
    this.limits.push(limit)
    await this.before()
    const { ids, nextDue } = await this.#bench.claim(this.name, limit, runIds)
    const at = Date.now()
    for (const id of ids) this.claimed.push({ id, at })
    this.space -= ids.length
    return { claimed: ids.length, nextDue }
  }

  get ids(): string[] {
    return this.claimed.map(({ id }) => id)
  }

  async start(): Promise<this> {
    this.dispatcher = await this.#bench.createDispatcher(this.name, (error) => this.errors.push(error))
    await this.dispatcher.start(this)
    return this
  }

  wake(): void {
    this.dispatcher?.wake()
  }

  useRoom(): void {
    this.dispatcher?.useRoom()
  }
}

let lastRun = 0

/** New runs, due now or after a while (milliseconds). */
export function newRuns(count: number, after = 0): TestRun[] {
  const at = Date.now() + after
  return Array.from({ length: count }, () => ({ id: `run-${String(++lastRun).padStart(8, '0')}`, at }))
}

/** What every dispatcher does, over whatever database. */
export function exerciseDispatcher(title: string, openBench: () => Promise<Bench>): void {
  describe(title, () => {
    let bench: Bench
    const instances: TestInstance[] = []

    async function startInstance(name: string, space: number): Promise<TestInstance> {
      bench ??= await openBench()
      const instance = new TestInstance(bench, name, space)
      instances.push(instance)
      return instance.start()
    }

    async function prepare(): Promise<void> {
      bench = await openBench()
    }

    afterEach(async () => {
      await Promise.all(instances.splice(0).map(({ dispatcher }) => dispatcher?.stop()))
      await bench.close()
    })

    const idsOf = (runs: readonly TestRun[]) => runs.map(({ id }) => id)

    test('takes what is due when it starts', async () => {
      await prepare()
      const runs = newRuns(3, -1000)
      await bench.insert(runs)
      const one = await startInstance('one', 10)
      await expect.poll(() => one.ids.toSorted()).toEqual(idsOf(runs))
    })

    test('takes what becomes due at once when it is woken', async () => {
      await prepare()
      const one = await startInstance('one', 1000)
      for (let round = 0; round < 20; round++) {
        const [run] = newRuns(1)
        if (run === undefined) throw new Error('no run')
        await bench.insert([run])
        one.wake()
        await expect.poll(() => one.ids, { interval: 1 }).toContain(run.id)
      }
      expect(one.errors).toEqual([])
    })

    test('takes nothing before its time, and then without being woken', async () => {
      await prepare()
      const one = await startInstance('one', 10)
      const runs = [...newRuns(1, 150), ...newRuns(1, 300)]
      await bench.insert(runs)
      one.wake()
      await expect.poll(() => one.ids).toEqual(idsOf(runs))
      for (const [index, { at }] of runs.entries()) {
        const taken = one.claimed[index]?.at ?? 0
        expect(taken).toBeGreaterThanOrEqual(at)
        expect(taken - at).toBeLessThan(250)
      }
    })

    test('asks for no more than there is room, for nothing without, and goes on when room comes free', async () => {
      await prepare()
      const one = await startInstance('one', 0)
      const runs = newRuns(7)
      await bench.insert(runs)
      one.wake()
      await bench.repeat(runs)
      one.wake()
      expect(one.claims).toBe(0)
      for (const taken of [2, 4, 6]) {
        one.space = 2
        one.useRoom()
        await expect.poll(() => one.ids.length).toBe(taken)
        expect(one.space).toBe(0)
      }
      expect(Math.max(...one.limits)).toBe(2)
      one.space = 5
      one.useRoom()
      await expect.poll(() => one.ids.toSorted()).toEqual(idsOf(runs))
    })

    test('gathers wakes: thousands of them are few claims', async () => {
      await prepare()
      const one = await startInstance('one', 10_000)
      await expect.poll(() => one.claims).toBeGreaterThan(0)
      const before = one.claims
      const runs = newRuns(500)
      await bench.insert(runs)
      for (let time = 0; time < 5000; time++) one.wake()
      await expect.poll(() => one.ids.length).toBe(500)
      expect(one.claims - before).toBeLessThan(20)
    })

    test('is not confused by messages that come twice or late', async () => {
      await prepare()
      const one = await startInstance('one', 100)
      const runs = newRuns(10)
      await bench.insert(runs)
      await bench.repeat(runs)
      one.wake()
      await expect.poll(() => one.ids.length).toBe(10)
      await bench.repeat(runs)
      const [last] = newRuns(1)
      if (last === undefined) throw new Error('no run')
      await bench.insert([last])
      one.wake()
      await expect.poll(() => one.ids).toContain(last.id)
      expect(one.ids.toSorted()).toEqual([...idsOf(runs), last.id])
    })

    test('finds runs that nobody heard of', async () => {
      await prepare()
      const one = await startInstance('one', 100)
      await expect.poll(() => one.claims).toBeGreaterThan(0)
      const runs = newRuns(300, -60_000)
      await bench.insertUnheard(runs)
      one.space = 400
      await bench.sweep()
      await expect.poll(() => one.ids.toSorted()).toEqual(idsOf(runs))
    })

    test('reports a claim that fails and tries again until it succeeds', async () => {
      await prepare()
      const one = await startInstance('one', 100)
      await expect.poll(() => one.claims).toBeGreaterThan(0)
      let left = 3
      one.before = async () => {
        if (left-- > 0) throw new Error('no claim today')
      }
      const runs = newRuns(5)
      await bench.insert(runs)
      one.wake()
      await expect.poll(() => one.ids.toSorted(), { timeout: 5000 }).toEqual(idsOf(runs))
      expect(one.errors.map(String)).toEqual(Array(3).fill('Error: no claim today'))
    })

    test('stops when the claim under way is done, and asks no more', async () => {
      await prepare()
      const one = await startInstance('one', 100)
      await expect.poll(() => one.claims).toBeGreaterThan(0)
      const gate = Promise.withResolvers<void>()
      one.before = () => gate.promise
      const runs = newRuns(2)
      await bench.insert(runs)
      const before = one.claims
      one.wake()
      await expect.poll(() => one.claims).toBe(before + 1)
      let stopped = false
      const stop = one.dispatcher?.stop().then(() => {
        stopped = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      expect(stopped).toBe(false)
      gate.resolve()
      await stop
      expect(one.ids.toSorted()).toEqual(idsOf(runs))
      const after = one.claims
      one.wake()
      await bench.insert(newRuns(1))
      await new Promise((resolve) => setImmediate(resolve))
      expect(one.claims).toBe(after)
      await one.dispatcher?.stop()
    })

    test('two at once take each run once', async () => {
      await prepare()
      const [one, two] = await Promise.all([startInstance('one', 5000), startInstance('two', 5000)])
      const runs = newRuns(2000)
      for (let start = 0; start < runs.length; start += 100) {
        await bench.insert(runs.slice(start, start + 100))
        one.wake()
        two.wake()
      }
      await expect.poll(() => one.ids.length + two.ids.length, { timeout: 10_000 }).toBe(2000)
      expect([...one.ids, ...two.ids].toSorted()).toEqual(idsOf(runs))
    })
  })
}
