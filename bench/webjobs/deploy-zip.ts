import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { differ } from '../counting.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder } from '../server.ts'
import { startBareHttp } from './bare-http.ts'
import { type BigZip, makeLargePart } from './big-zip.ts'
import { KuduClient } from './client.ts'
import { watchMemory } from './memory.ts'

const FILES = 20
const FILE_BYTES = 10_000_000
const MB = (FILES * FILE_BYTES) / 1e6

/** What a large deployment costs the server. */
export const deployZip: Measure = {
  letter: 'b',
  title: `a zip of ${MB} MB deployed by PUT to Kudu's address`,
  method:
    `${FILES} files of ${FILE_BYTES / 1e6} MB of random bytes and a script, another one each time; from the first byte sent to the answer, when the job ` +
    'runs with it: stored, unpacked, checked, hashed, flushed to the disk. Memory: the most that the server had resident meanwhile ' +
    '(VmHWM of Linux, 1 MB = 1,000,000 bytes) less what it had before. Bare: a small Node process that writes the same body into a file, and no more.',
  rows: [
    { label: 'memory of the server grows by', unit: 'MB', figure: 'memory', target: { atMost: 64 } },
    { label: 'the first one of its life, by', unit: 'MB', figure: 'first', target: { atMost: 64 } },
    { label: 'time', unit: 's', figure: 'seconds', bare: 'bare' },
    { label: 'rate', unit: 'MB/s', figure: 'rate' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`))
    const client = parts.use(new KuduClient(server.address, server.token))
    const answered = `${folder.path}/answer`
    await writeFile(answered, '')
    const bare = parts.use(await startBareHttp(answered, `${folder.path}/taken`))
    const bareClient = parts.use(new KuduClient(bare.address, ''))
    const make = await makeLargePart(`${folder.path}/large`, FILES, FILE_BYTES)
    let round = 0
    const sample = async () => {
      const zip = await make(`${folder.path}/job.zip`, `echo ${++round}\n`)
      return await sampleOnce(server, client, bareClient, zip)
    }
    // The first deployment of a server's life brings its code along; it is told apart, and the same in all runs.
    const { figures: alone, faults } = await sample()
    if (faults.length > 0) throw new Error(`The first deployment went wrong: ${faults.join(', ')}.`)
    const { memory: first = Number.NaN } = alone
    return benchOf(async () => {
      const { figures, faults } = await sample()
      return { figures: { ...figures, first }, faults }
    }, parts.move())
  },
}

async function sampleOnce(server: BenchServer, client: KuduClient, bare: KuduClient, zip: BigZip): Promise<Sample> {
  const bareMs = await time(() => put(bare, zip))
  const memory = watchMemory(server.pid)
  let status = 0
  const took = await time(async () => {
    status = (await put(client, zip)).status
  })
  const grown = memory.grown()
  const faults = [...differ('status of the answer', status, 200), ...(await checkPackage(server, zip))]
  const seconds = took / 1000
  return { figures: { memory: grown, seconds, bare: bareMs / 1000, rate: zip.size / 1e6 / seconds }, faults }
}

function put(client: KuduClient, { path, size }: BigZip) {
  const headers = {
    'content-type': 'application/zip',
    'content-disposition': 'attachment; filename=job.zip',
    'content-length': String(size),
  }
  return client.call('/api/triggeredwebjobs/large', { method: 'PUT', headers, body: createReadStream(path) })
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** The job must go with all that was sent. */
async function checkPackage(server: BenchServer, zip: BigZip): Promise<string[]> {
  const job = await server.json<{ package: string }>({ method: 'GET', path: '/v1/jobs/large' })
  const found = await server.json<{ files: number; bytes: number }>({
    method: 'GET',
    path: `/v1/packages/${job.package}`,
  })
  return [...differ('files', found.files, FILES + 1), ...differ('bytes', found.bytes, zip.bytes)]
}
