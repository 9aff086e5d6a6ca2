import { DatabaseSync } from 'node:sqlite'
import Type from 'typebox'
import type { JobKind } from '../../packages/jobyard/src/engine/kind.ts'
import { checkExactlyOnce } from '../counting.ts'
import { ACTOR, startBenchEngine } from '../engine.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder, until } from '../server.ts'
import { percentile } from '../statistics.ts'

const COUNT = 1000
const CONCURRENCY = 2000
/** Milliseconds that the making of all jobs may take before they fall due. */
const ENGINE_AHEAD = 6000
const SERVER_AHEAD = 20_000

const ROWS = [
  { label: 'lateness p50', unit: 'ms', figure: 'p50' },
  { label: 'lateness p99', unit: 'ms', figure: 'p99' },
  { label: 'lateness max', unit: 'ms', figure: 'max' },
] as const

/** What the engine itself adds when many schedules fall due together. */
export const engineLateness: Measure = {
  letter: 'f',
  title: `${COUNT} schedules due in the same second, runs without a process`,
  method: `From the second of the schedule until a task of each job begins, inside the server's program.`,
  rows: ROWS,
  async setUp() {
    return benchOf(sampleEngine)
  },
}

/** The same of scripts, which wait for a place. */
export const serverLateness: Measure = {
  letter: 'f2',
  title: `${COUNT} schedules due in the same second, scripts at concurrency 8`,
  method: 'The same on a real server with scripts that end at once: most of it is waiting for one of 8 places.',
  rows: [...ROWS, { label: 'runs', unit: '/s', figure: 'rate' }],
  async setUp() {
    return benchOf(sampleServer)
  },
}

async function sampleEngine(): Promise<Sample> {
  await using folder = await makeFolder()
  const late: number[] = []
  const due = inAWhile(ENGINE_AHEAD)
  const kind: JobKind = {
    name: 'no-op',
    types: ['no-op'],
    spec: Type.Object({}),
    plan: () => [{ target: 'here' }],
    async begin() {
      late.push(Date.now() - due)
      return { state: 'completed' }
    },
  }
  await using bench = await startBenchEngine(folder.path, kind, CONCURRENCY)
  const triggers = [{ type: 'schedule', ncrontab: ncrontabOf(due), timeZone: 'UTC' }] as const
  const wish = { collectionId: bench.collectionId, kind: kind.name, triggers }
  const saves = Array.from({ length: COUNT }, (_, index) =>
    bench.jobs.save({ ...wish, name: `job-${index}` }, 'new', ACTOR),
  )
  const jobs = (await Promise.all(saves)).map(({ job }) => job.id)
  requireInTime(due)
  using database = new DatabaseSync(bench.file, { readOnly: true })
  await until('all runs are finished', () => countFinished(database) >= COUNT, 100)
  return { figures: lateness(late), faults: checkExactlyOnce(database, jobs, COUNT) }
}

async function sampleServer(): Promise<Sample> {
  await using folder = await makeFolder()
  await using server = await BenchServer.start(`${folder.path}/data`, ['--concurrency', '8'])
  const hash = await server.upload('exit 0\n')
  const due = inAWhile(SERVER_AHEAD)
  const triggers = [{ type: 'schedule', ncrontab: ncrontabOf(due), timeZone: 'UTC' }]
  const makes = Array.from({ length: COUNT }, (_, index) => server.makeJob(`job-${index}`, hash, { triggers }))
  const jobs = await Promise.all(makes)
  requireInTime(due)
  using database = server.readDatabase()
  await server.until('all runs are finished', () => countFinished(database) >= COUNT, 200)
  const rows = database.prepare('select started_at as "startedAt" from task').all()
  const late = rows.map(({ startedAt }) => Number(startedAt) - due)
  const { ended } = database.prepare('select max(finished_at) as ended from run').get() ?? {}
  const figures = { ...lateness(late), rate: (COUNT * 1000) / (Number(ended) - due) }
  return { figures, faults: checkExactlyOnce(database, jobs, COUNT) }
}

function lateness(late: readonly number[]) {
  return { p50: percentile(late, 0.5), p99: percentile(late, 0.99), max: Math.max(...late) }
}

function inAWhile(milliseconds: number): number {
  return Math.ceil((Date.now() + milliseconds) / 1000) * 1000
}

/** The second of an instant, once a day. */
function ncrontabOf(instant: number): string {
  const time = new Date(instant)
  return `${time.getUTCSeconds()} ${time.getUTCMinutes()} ${time.getUTCHours()} * * *`
}

function requireInTime(due: number): void {
  if (Date.now() > due - 500)
    throw new Error('The machine was too slow: schedules fell due while they were being made.')
}

function countFinished(database: DatabaseSync): number {
  return Number(database.prepare('select count(*) as count from run where finished_at is not null').get()?.count)
}
