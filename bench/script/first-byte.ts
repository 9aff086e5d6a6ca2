import { type BareSpawn, startBareSpawn } from '../bare-spawn.ts'
import { checkExactlyOnce } from '../counting.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder, writeScript } from '../server.ts'
import { percentile } from '../statistics.ts'

const SCRIPT = 'echo hello\n'
/** Pairs of a run and a bare spawn, one after the other. */
const PAIRS = 60
/** Pairs beforehand, of the first run, that are not counted: nobody's first request is meant. */
const WARM_UP = 20

/** From the call to the interface until the first byte of the script's output is at the caller. */
export const firstByte: Measure = {
  letter: 'a',
  title: 'API call → first byte of output at the caller',
  method:
    `${PAIRS} times per run: POST a run, then follow its output as server-sent events; after each, bare spawn of the ` +
    'same bash run.sh from a small Node process.',
  rows: [
    { label: 'p50', unit: 'ms', figure: 'p50', bare: 'bare50' },
    { label: 'p99', unit: 'ms', figure: 'p99', bare: 'bare99' },
    { label: 'p50 over bare spawn', unit: 'ms', figure: 'over', target: { atMost: 5 } },
    { label: 'p50 until the POST is answered', unit: 'ms', figure: 'post' },
    { label: 'p50 until the end is known', unit: 'ms', figure: 'end50', bare: 'bareEnd50' },
    { label: 'p50 of the end over bare spawn', unit: 'ms', figure: 'overEnd' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`))
    const bare = parts.use(startBareSpawn())
    const script = await writeScript(folder.path, SCRIPT)
    const job = await server.makeJob('first-byte', await server.upload(SCRIPT), {
      policy: { overlap: 'allow', keepRuns: 100_000 },
    })
    const all = { server, bare, script, job, asked: 0 }
    await samplePairs(all, WARM_UP)
    return benchOf(() => samplePairs(all, PAIRS), parts.move())
  },
}

interface Parts {
  readonly server: BenchServer
  readonly bare: BareSpawn
  readonly script: string
  readonly job: string
  /** Runs so far. */
  asked: number
}

async function samplePairs(parts: Parts, pairs: number): Promise<Sample> {
  const { server, bare, script, job } = parts
  const posts: number[] = []
  const ours: number[] = []
  const bares: number[] = []
  const ends: number[] = []
  const bareEnds: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const { post, firstByte, end } = await timeRun(server, job)
    posts.push(post)
    ends.push(end)
    ours.push(firstByte)
    bares.push(await bare.measure({ kind: 'first-byte', script }))
    bareEnds.push(await bare.measure({ kind: 'many', script, count: 1, concurrency: 1 }))
  }
  const p50 = percentile(ours, 0.5)
  const bare50 = percentile(bares, 0.5)
  const end50 = percentile(ends, 0.5)
  const bareEnd50 = percentile(bareEnds, 0.5)
  const figures = {
    ...{ p50, bare50, over: p50 - bare50, p99: percentile(ours, 0.99), bare99: percentile(bares, 0.99) },
    ...{ end50, bareEnd50, overEnd: end50 - bareEnd50, post: percentile(posts, 0.5) },
  }
  parts.asked += pairs
  using database = server.readDatabase()
  return { figures, faults: checkExactlyOnce(database, [job], parts.asked) }
}

interface Times {
  readonly post: number
  readonly firstByte: number
  readonly end: number
}

/** Milliseconds from the call until the run is on record, until its output arrives, and until it is told to have ended. */
async function timeRun(server: BenchServer, job: string): Promise<Times> {
  const began = performance.now()
  const run = await server.run(job)
  const post = performance.now() - began
  const live = await server.open({ method: 'GET', path: `/v1/runs/${run}/output`, accept: 'text/event-stream' })
  let firstByte = Number.NaN
  let end = Number.NaN
  let text = ''
  for await (const chunk of live) {
    text += chunk
    if (Number.isNaN(firstByte) && text.includes('event: output')) firstByte = performance.now() - began
    if (Number.isNaN(end) && text.includes('event: end')) end = performance.now() - began
  }
  if (Number.isNaN(firstByte) || Number.isNaN(end))
    throw new Error(`Run ${run} did not tell its output and end: ${text}`)
  return { post, firstByte, end }
}
