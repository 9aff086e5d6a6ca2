import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { differ } from '../counting.ts'
import { readDelays } from '../loop-delays.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder } from '../server.ts'
import { watchMemory } from './memory.ts'

const BYTES = 1_000_000_000
const LINE = 1000
const SCRIPT = `yes "$(printf 'x%.0s' {1..${LINE}})" | head -c ${BYTES}\n`
/** What a line of the log has around it: time, instance and level in front, and CRLF where the output had LF. */
const FRAME = '[00/00/0000 00:00:00 > 000000: INFO] \r\n'.length
/** The lines of the engine itself have fewer bytes together. */
const MOST_OWN_BYTES = 2000

/** How fast the log of a run is downloaded in the form of WebJobs, and what that takes of the server. */
export const logDownload: Measure = {
  letter: 'c',
  title: `a log of ${BYTES / 1e6} MB downloaded by its output_url`,
  method:
    'From the request to the last byte, every line rendered on the way; bare: the same bytes from a file through ' +
    'node:http. Memory is the resident memory of the server at its greatest meanwhile, less that before. The delay is the ' +
    'metric eventloop_lag of the server over that time, less the 10 ms between two of its timers.',
  rows: [
    { label: 'downloaded', unit: 'MB/s', figure: 'rate', bare: 'bare', target: { atLeast: 100 } },
    { label: 'memory grows by', unit: 'MB', figure: 'memory', target: { atMost: 64 } },
    { label: 'main loop, p99 delay', unit: 'ms', figure: 'delay', target: { atMost: 20 } },
    { label: 'length asked for (HEAD)', unit: 'ms', figure: 'head' },
    { label: 'its last kilobyte (Range)', unit: 'ms', figure: 'tail' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`))
    const policy = { output: '2GB' }
    const job = await server.makeJob('log', await server.upload(SCRIPT), { policy })
    const id = await server.run(job)
    const read = () => server.json<{ finishedAt: string | null }>({ method: 'GET', path: `/v1/runs/${id}` })
    await server.until('the script has printed everything', async () => (await read()).finishedAt !== null, 200)
    const path = await findLog(server)
    const file = join(folder.path, 'log')
    await pipeline(await server.open({ method: 'GET', path, accept: '*/*' }), createWriteStream(file))
    const bare = parts.use(await BareFile.start(file))
    return benchOf(() => sampleOnce(server, path, bare), parts.move())
  },
}

async function findLog(server: BenchServer): Promise<string> {
  const path = '/api/triggeredwebjobs/log'
  const job = await server.json<{ latest_run: { output_url: string } }>({ method: 'GET', path })
  return new URL(job.latest_run.output_url).pathname
}

async function sampleOnce(server: BenchServer, path: string, bare: BareFile): Promise<Sample> {
  const bareMs = await bare.measure()
  // The metric starts anew with every look at it.
  await readDelays(server)
  const memory = watchMemory(server.pid)
  const began = performance.now()
  const answer = await server.open({ method: 'GET', path, accept: '*/*' })
  const bytes = await countBytes(answer)
  const took = performance.now() - began
  const grown = memory.grown()
  const { delay } = await readDelays(server)
  const said = Number(answer.headers['content-length'])
  const head = await time(() => server.open({ method: 'HEAD', path, accept: '*/*' }))
  const tail = await time(() => server.open({ method: 'GET', path, accept: '*/*', range: 'bytes=-1024' }))
  const faults = [...differ('bytes of the log', bytes, said), ...differ('status', answer.statusCode ?? 0, 200)]
  const lines = Math.ceil(BYTES / (LINE + 1))
  const own = bytes - lines * FRAME - (BYTES - Math.floor(BYTES / (LINE + 1)))
  if (own <= 0 || own > MOST_OWN_BYTES) faults.push(`${own} bytes are not output`)
  return {
    figures: { rate: bytes / took / 1000, bare: bytes / bareMs / 1000, memory: grown, delay, head, tail },
    faults,
  }
}

async function time(ask: () => Promise<IncomingMessage>): Promise<number> {
  const began = performance.now()
  await countBytes(await ask())
  return performance.now() - began
}

async function countBytes(answer: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of answer) bytes += (chunk as Buffer).length
  return bytes
}

/** A process that sends a file. */
class BareFile implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>
  readonly #port: number

  constructor(child: ReturnType<typeof spawn>, port: number) {
    this.#child = child
    this.#port = port
  }

  static async start(file: string): Promise<BareFile> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-file.ts'), file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    return new BareFile(child, Number(line))
  }

  /** Milliseconds that a download takes. */
  async measure(): Promise<number> {
    const began = performance.now()
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    get({ host: '127.0.0.1', port: this.#port }, resolve).once('error', reject)
    await countBytes(await promise)
    return performance.now() - began
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await ended
  }
}
