import { DatabaseSync } from 'node:sqlite'
import Type from 'typebox'
import type { JobKind } from '../../packages/jobyard/src/engine/kind.ts'
import { checkExactlyOnce, differ } from '../counting.ts'
import { ACTOR, type BenchEngine, makeDatabase, startBenchEngine } from '../engine.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { makeFolder } from '../server.ts'
import { writeBareRows } from './bare-rows.ts'

const COUNT = 60_000
/** Runs that are asked for and not finished, at the most. */
const IN_FLIGHT = 4000
const CONCURRENCY = 2000

/** What the engine itself costs: runs of a kind that does nothing. */
export const noOp: Measure = {
  letter: 'c',
  title: 'runs without a process, durable on SQLite (synchronous = full)',
  method:
    `${COUNT} runs per run, asked for one by one inside the server's program with ${IN_FLIGHT} under way at concurrency ` +
    `${CONCURRENCY}, until the last is finished on record; bare: the same rows inserted and updated by one thread.`,
  rows: [
    {
      label: 'created, dispatched and finished',
      unit: '/s',
      figure: 'rate',
      bare: 'bare',
      target: { atLeast: 20_000 },
    },
    { label: 'CPU of all threads per run', unit: 'µs', figure: 'cpu', bare: 'bareCpu' },
  ],
  async setUp() {
    return benchOf(sample)
  },
}

async function sample(): Promise<Sample> {
  const atStart = process.cpuUsage()
  const bareMs = await measureBare()
  const bareCpu = cpuPerRun(atStart)
  await using folder = await makeFolder()
  const begun = new Map<string, number>()
  const kind: JobKind = {
    name: 'no-op',
    types: ['no-op'],
    spec: Type.Object({}),
    plan: () => [{ target: 'here' }],
    async begin({ id }) {
      begun.set(id, (begun.get(id) ?? 0) + 1)
      return { state: 'completed' }
    },
  }
  await using bench = await startBenchEngine(folder.path, kind, CONCURRENCY)
  const { collectionId } = bench
  const wish = {
    collectionId,
    kind: kind.name,
    name: 'nothing',
    policy: { overlap: 'allow', keepRuns: COUNT },
  } as const
  const { job } = await bench.jobs.save(wish, 'new', ACTOR)
  const before = process.cpuUsage()
  const took = await finishRuns(bench, job.id)
  const cpu = cpuPerRun(before)
  using database = new DatabaseSync(bench.file, { readOnly: true })
  const faults = [
    ...checkExactlyOnce(database, [job.id], COUNT),
    ...differ('tasks begun', begun.size, COUNT),
    ...differ('tasks begun again', [...begun.values()].filter((times) => times > 1).length, 0),
  ]
  return { figures: { rate: (COUNT * 1000) / took, bare: (COUNT * 1000) / bareMs, cpu, bareCpu }, faults }
}

/** Asks for all runs, each as soon as there is room. Answers the milliseconds until the last is finished. */
function finishRuns({ engine, events, ids }: BenchEngine, jobId: string): Promise<number> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    let asked = 0
    let finished = 0
    const ask = () => {
      while (asked < COUNT && asked - finished < IN_FLIGHT) {
        asked++
        engine.request({ id: ids.next(), jobId, why: 'manual', detail: {}, args: [] }).then(({ ok }) => {
          if (!ok) reject(new Error('A run was refused.'))
        }, reject)
      }
    }
    events.listen(({ event }) => {
      if (event.type !== 'run.changed' || event.state !== 'completed') return
      finished++
      if (finished === COUNT) resolve(performance.now() - began)
      else ask()
    })
    ask()
  })
}

async function measureBare(): Promise<number> {
  await using folder = await makeFolder()
  return writeBareRows(makeDatabase(folder.path), COUNT)
}

/** Microseconds of processor time per run since then: unlike the rate, it hardly depends on who else uses the machine. */
function cpuPerRun(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / COUNT
}
