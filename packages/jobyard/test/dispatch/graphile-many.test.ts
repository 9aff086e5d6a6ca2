import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Scope } from '../../src/store/contract.ts'
import { createPostgresNotifier } from '../../src/store/postgres/notifier.ts'
import type { Steps } from '../../src/store/sql.ts'
import { createDatabase, type Database, runOn, startCluster } from '../support/postgres.ts'
import { openPostgresStore } from '../support/postgres-store.ts'
import { newRuns, TestInstance } from './exercise.ts'
import { type GraphileBench, openGraphileBench } from './graphile-bench.ts'
import { messagesOf } from './run-table.ts'

let database: Database
let bench: GraphileBench

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

beforeEach(async () => {
  bench = await openGraphileBench(database.url)
  return () => bench.close()
})

async function startInstance(name: string, room: number, on = bench): Promise<TestInstance> {
  const instance = await new TestInstance(on, name, room).start()
  onTestFinished(async () => {
    await instance.dispatcher?.stop()
  })
  await expect.poll(() => instance.claims > 0 || room === 0).toBe(true)
  return instance
}

async function countMessages(): Promise<number> {
  const { rows } = await bench.pool.query('select count(*) as n from graphile_worker._private_jobs')
  return rows[0].n
}

test('a run that another instance created is taken at once, and its message is gone', async () => {
  const one = await startInstance('one', 1000)
  for (let round = 0; round < 20; round++) {
    const [run] = newRuns(1)
    if (run === undefined) throw new Error('no run')
    await bench.insert([run])
    await expect.poll(() => one.ids, { interval: 1, timeout: 1000 }).toContain(run.id)
  }
  await expect.poll(countMessages).toBe(0)
})

test('an instance without room tells the others of runs that are due', async () => {
  const heard: string[] = []
  const url = database.url
  const notifier = await createPostgresNotifier({
    url,
    clock: systemClock,
    random: Math.random,
    onTrouble: () => undefined,
  })
  onTestFinished(() => notifier.stop())
  await notifier.on('jobyard_due', (from) => heard.push(from))
  const full = await startInstance('full', 0)
  await bench.insert(newRuns(500))
  await expect.poll(() => heard).toContain('full')
  await expect.poll(countMessages).toBe(0)
  // One word for many runs.
  expect(heard.length).toBeLessThan(20)
  expect(full.claims).toBe(0)
})

test('an instance with room looks when another says that it has none', async () => {
  const one = await startInstance('one', 10)
  const runs = newRuns(3)
  await bench.insertUnheard(runs)
  await runOn(database.url, `notify jobyard_due, 'full'`)
  await expect.poll(() => one.ids.toSorted()).toEqual(runs.map(({ id }) => id))
})

test('runs spread over instances that have little room each', async () => {
  const instances = await Promise.all(['one', 'two', 'three'].map((name) => startInstance(name, 40)))
  const runs = newRuns(100)
  await bench.insert(runs)
  await expect.poll(() => instances.flatMap(({ ids }) => ids).length).toBe(100)
  expect(instances.flatMap(({ ids }) => ids).toSorted()).toEqual(runs.map(({ id }) => id))
  for (const { ids } of instances) expect(ids.length).toBeLessThanOrEqual(40)
})

test('what it locks is locked by its name', async () => {
  await bench.pool.query('create table locked_names (name text)')
  await bench.pool.query(`create function note_lock() returns trigger language plpgsql as
    $$ begin insert into jobyard.locked_names values (new.locked_by); return null; end $$`)
  await bench.pool.query(`create trigger note_lock after update on graphile_worker._private_jobs
    for each row when (new.locked_by is not null) execute function jobyard.note_lock()`)
  onTestFinished(async () => {
    await runOn(database.url, 'drop function jobyard.note_lock cascade; drop table jobyard.locked_names')
  })
  const one = await startInstance('one', 10)
  await bench.insert(newRuns(2))
  await expect.poll(() => one.ids.length).toBe(2)
  await expect.poll(countMessages).toBe(0)
  const { rows } = await bench.pool.query('select distinct name from locked_names')
  expect(rows).toEqual([{ name: 'one' }])
})

test("what a dead instance had locked is freed by its name, and nothing of another's", async () => {
  const runs = newRuns(4)
  await bench.insert(runs)
  await bench.pool.query(`update graphile_worker._private_jobs set locked_at = now(), attempts = 1,
    locked_by = case when key in ('run:${runs[0]?.id}', 'run:${runs[1]?.id}') then 'dead' else 'alive' end`)
  // One of the dead one's messages was replaced meanwhile: it can never be worked on again.
  await bench.repeat(runs.slice(0, 1))
  expect(await countMessages()).toBe(5)
  const one = await startInstance('one', 10)
  await expect.poll(() => one.ids.length).toBe(4)
  await expect.poll(countMessages).toBe(4)
  await bench
    .createDispatcher('sweeper', () => undefined)
    .then(async (sweeper) => {
      await sweeper.releaseDead(['dead'])
      await sweeper.stop()
    })
  await expect.poll(countMessages).toBe(2)
  const { rows } = await bench.pool.query('select distinct locked_by as name from graphile_worker._private_jobs')
  expect(rows).toEqual([{ name: 'alive' }])
})

test('what an earlier process of the same name had locked is freed when it starts', async () => {
  await bench.insert(newRuns(2))
  await bench.pool.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'one', attempts = 1`)
  await startInstance('one', 10)
  await expect.poll(countMessages).toBe(0)
})

test('only runs that have been due for long and that nobody has are sent again', async () => {
  const late = newRuns(2, -11_000)
  await bench.insertUnheard([...late, ...newRuns(2, -5000), ...newRuns(1, 5000)])
  await bench.insertUnheard(newRuns(1, -11_000))
  await bench.pool.query(`update run set owner = 'somebody' where id = (select max(id) from run)`)
  const sweeper = await bench.createDispatcher('sweeper', () => undefined)
  expect(await sweeper.resend(Date.now())).toBe(2)
  const { rows } = await bench.pool.query('select key from graphile_worker.jobs order by key')
  expect(rows.map(({ key }) => key)).toEqual(messagesOf(late).map(({ runId }) => `run:${runId}`))
  await bench.pool.query('delete from run')
  expect(await sweeper.resend(Date.now())).toBe(0)
  await sweeper.stop()
})

test('messages belong to the transaction that sends them', async () => {
  function* send({ ids, at, fails }: { ids: string[]; at: number; fails: boolean }, scope: Scope): Steps<void> {
    yield* scope.send(ids.map((runId) => ({ runId, at })))
    if (fails) throw new Error('no')
  }
  const store = await openPostgresStore({ url: database.url, writes: { send }, reads: {} })
  onTestFinished(() => store.stop())
  await expect(store.write('send', { ids: ['a', 'b'], at: 0, fails: true })).rejects.toThrow('no')
  expect(await countMessages()).toBe(0)
  await store.write('send', { ids: ['a', 'b'], at: 0, fails: false })
  await store.write('send', { ids: ['b', 'c'], at: Date.now() + 3_600_000, fails: false })
  const { rows } = await bench.pool.query(
    `select key, payload->>'runId' as run, run_at > now() + interval '59 minutes' as later
      from graphile_worker._private_jobs order by key`,
  )
  expect(rows).toEqual([
    { key: 'run:a', run: 'a', later: 0 },
    { key: 'run:b', run: 'b', later: 1 },
    { key: 'run:c', run: 'c', later: 1 },
  ])
})

for (const how of ['stop', 'kill'] as const) {
  test(`goes on after the server went away (${how}) and came back`, async () => {
    const cluster = await startCluster()
    onTestFinished(() => cluster.close())
    const own = await openGraphileBench((await cluster.createDatabase()).url)
    onTestFinished(() => own.close())
    const one = await startInstance('one', 100, own)
    const before = newRuns(5)
    await own.insert(before)
    await expect.poll(() => one.ids.length).toBe(5)
    await cluster[how]()
    one.wake()
    await expect.poll(() => one.errors.length).toBeGreaterThan(0)
    await cluster.start()
    // Through the message alone, once Graphile Worker listens again.
    const after = newRuns(5)
    await own.insert(after)
    await expect.poll(() => one.ids.length, { timeout: 15_000 }).toBe(10)
    const listeners = `select count(*) as n from pg_stat_activity
      where application_name = 'jobyard-dispatch' and query like 'LISTEN%'`
    await expect.poll(async () => (await own.pool.query(listeners)).rows[0].n, { timeout: 15_000 }).toBe(1)
    const [last] = newRuns(1)
    if (last === undefined) throw new Error('no run')
    await own.insert([last])
    await expect.poll(() => one.ids, { timeout: 1000 }).toContain(last.id)
  })
}
