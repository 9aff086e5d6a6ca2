import { type BareSpawn, startBareSpawn } from '../bare-spawn.ts'
import { checkExactlyOnce } from '../counting.ts'
import { askOften } from '../light-client.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder, writeScript } from '../server.ts'

const SCRIPT = 'exit 0\n'
const COUNT = 1500
/** Runs before the first that is measured, on either side: V8 compiles for seconds before a server goes at its pace. */
const WARM_UP = 5000
const CONCURRENCY = 8
/** Requests under way at a time: enough that runs always wait for a place. */
const IN_FLIGHT = 32

/** How many tiny scripts a server gets done, with everything that it keeps of them. */
export const throughput: Measure = {
  letter: 'b',
  title: `runs of an empty script at concurrency ${CONCURRENCY}`,
  method:
    `${COUNT} runs of "exit 0" per run after ${WARM_UP} unmeasured ones, asked for one by one through /v1 with ${IN_FLIGHT} requests under way, beside bare ` +
    'spawn of the same bash run.sh from a small Node process that reads its pipes. The client, which shares the machine, is a light one.',
  rows: [
    { label: 'runs with full history', unit: '/s', figure: 'rate', bare: 'bare' },
    { label: 'share of bare spawn', unit: '', figure: 'share', target: { atLeast: 0.6 } },
    { label: 'CPU of server and warden per run', unit: 'ms', figure: 'cpu' },
    { label: 'runs accepted', unit: '/s', figure: 'accepted' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`, ['--concurrency', String(CONCURRENCY)]))
    const bare = parts.use(startBareSpawn())
    const script = await writeScript(folder.path, SCRIPT)
    const hash = await server.upload(SCRIPT)
    let round = 0
    await sampleOnce({ server, bare, script, hash, name: 'warm-up', count: WARM_UP })
    return benchOf(
      () => sampleOnce({ server, bare, script, hash, name: `empty-${++round}`, count: COUNT }),
      parts.move(),
    )
  },
}

interface Parts {
  readonly server: BenchServer
  readonly bare: BareSpawn
  readonly script: string
  readonly hash: string
  readonly name: string
  readonly count: number
}

async function sampleOnce({ server, bare, script, hash, name, count }: Parts): Promise<Sample> {
  const job = await server.makeJob(name, hash, { policy: { overlap: 'allow', keepRuns: count } })
  const bareMs = await bare.measure({ kind: 'many', script, count, concurrency: CONCURRENCY })
  const before = server.cpuSeconds
  const began = performance.now()
  const { address, token } = server
  await askOften({ address, token, path: `/v1/jobs/${job}/runs`, connections: IN_FLIGHT, count })
  const acceptedMs = performance.now() - began
  using database = server.readDatabase()
  const live = database.prepare('select 1 from run where job_id = ? and finished_at is null limit 1')
  await server.until('all runs are finished', () => live.get(job) === undefined)
  const took = performance.now() - began
  const cpu = ((server.cpuSeconds - before) * 1000) / count
  const figures = { rate: (count * 1000) / took, bare: (count * 1000) / bareMs, share: bareMs / took, cpu }
  return {
    figures: { ...figures, accepted: (count * 1000) / acceptedMs },
    faults: checkExactlyOnce(database, [job], count),
  }
}
