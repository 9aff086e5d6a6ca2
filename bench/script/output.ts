import { type BareSpawn, startBareSpawn } from '../bare-spawn.ts'
import { differ } from '../counting.ts'
import { readDelays } from '../loop-delays.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder, writeScript } from '../server.ts'

const BYTES = 1_000_000_000
const SCRIPT = `yes "$(printf 'x%.0s' {1..1000})" | head -c ${BYTES}\n`

/** How fast the output of a script that prints as fast as it can is taken in, and who waits meanwhile. */
export const output: Measure = {
  letter: 'd',
  title: `a script that prints ${BYTES / 1e6} MB as fast as it can`,
  method:
    'From the start of the run to its end, every byte on record; bare: the same bash run.sh whose pipe a small Node ' +
    'process copies into a file. The delay is the metric eventloop_lag of the server over that time, less the 10 ms ' +
    'between two of its timers.',
  rows: [
    { label: 'output captured', unit: 'MB/s', figure: 'rate', bare: 'bare', target: { atLeast: 100 } },
    { label: 'main loop, p99 delay', unit: 'ms', figure: 'delay', target: { atMost: 20 } },
    { label: 'main loop, longest delay', unit: 'ms', figure: 'longest' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`))
    const bare = parts.use(startBareSpawn())
    const script = await writeScript(folder.path, SCRIPT)
    const file = `${folder.path}/output`
    const policy = { overlap: 'allow', output: '2GB', keepRuns: 1 }
    const job = await server.makeJob('output', await server.upload(SCRIPT), { policy })
    return benchOf(() => sampleOnce(server, job, () => measureBare(bare, script, file)), parts.move())
  },
}

function measureBare(bare: BareSpawn, script: string, file: string): Promise<number> {
  return bare.measure({ kind: 'output', script, file })
}

interface Run {
  readonly state: string
  readonly startedAt: string
  readonly finishedAt: string | null
}

async function sampleOnce(server: BenchServer, job: string, measureBare: () => Promise<number>): Promise<Sample> {
  const bareMs = await measureBare()
  // The metric starts anew with every look at it.
  await readDelays(server)
  const id = await server.run(job)
  const read = () => server.json<Run>({ method: 'GET', path: `/v1/runs/${id}` })
  await server.until('the script has printed everything', async () => (await read()).finishedAt !== null, 200)
  const delays = await readDelays(server)
  const { startedAt, finishedAt, state } = await read()
  const took = Date.parse(finishedAt ?? '') - Date.parse(startedAt)
  const path = `/v1/runs/${id}/output?tail=1&maxBytes=1024`
  const { bytes, dropped } = await server.json<{ bytes: number; dropped: number }>({ method: 'GET', path })
  const faults = [...differ('bytes on record', bytes, BYTES), ...differ('bytes dropped', dropped, 0)]
  if (state !== 'completed') faults.push(`the run ended ${state}`)
  return { figures: { rate: BYTES / took / 1000, bare: BYTES / bareMs / 1000, ...delays }, faults }
}
