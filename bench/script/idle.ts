import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder } from '../server.ts'
import { percentile } from '../statistics.ts'
import { fillHistory, JOBS, RUNS } from './history.ts'

const IDLE_MS = 30_000
/** Milliseconds for the server to calm down after its start before anything is measured. */
const CALM_MS = 10_000
/** Pages asked for per filter and run, the first ones to warm up included. */
const PAGES = 30

/** What a server costs that does nothing, and how long its users wait for a page of its history. */
export const idle: Measure = {
  letter: 'e',
  title: `idle with ${JOBS.toLocaleString('en-US')} schedules and ${RUNS.toLocaleString('en-US')} stored runs`,
  method:
    `Processor time of the server and its warden over ${IDLE_MS / 1000} s, their memory after it (1 MB = 1,000,000 bytes; ` +
    `pages of the program that both run count once where they are added), and then ${PAGES} pages of runs through /v1 for ` +
    'each filter, one after the other; the figure is the p99 over all filters, and the filter that took longest.',
  rows: [
    { label: 'CPU of server and warden', unit: '%', figure: 'cpu', target: { atMost: 1 } },
    { label: 'memory (RSS) of the server', unit: 'MB', figure: 'serverMemory', target: { atMost: 250 } },
    { label: 'memory, with the warden', unit: 'MB', figure: 'memory', target: { atMost: 250 } },
    { label: 'filtered page p50', unit: 'ms', figure: 'page50' },
    { label: 'filtered page p99', unit: 'ms', figure: 'page99', target: { atMost: 100 } },
    { label: 'slowest filter, its p50', unit: 'ms', figure: 'slowest' },
    { label: 'memory after the pages', unit: 'MB', figure: 'memoryAfter' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const data = `${folder.path}/data`
    const token = await makeTemplate(data)
    using database = new DatabaseSync(`${data}/jobyard.db`)
    const filters = fillHistory(database, Date.now())
    database.close()
    const server = parts.use(await BenchServer.start(data, [], token))
    await pause(CALM_MS)
    return benchOf(() => sampleOnce(server, filters), parts.move())
  },
}

/** One job as the server itself writes it, which all others are copies of. Answers the admin token. */
async function makeTemplate(data: string): Promise<string> {
  await using server = await BenchServer.start(data)
  const triggers = [{ type: 'schedule', ncrontab: '0 0 0 * * *', timeZone: 'UTC' }]
  await server.makeJob('template', await server.upload('exit 0\n'), { triggers, policy: { keepRuns: RUNS } })
  return server.token
}

async function sampleOnce(server: BenchServer, filters: readonly string[]): Promise<Sample> {
  const before = server.cpuSeconds
  const began = performance.now()
  await pause(IDLE_MS)
  const cpu = ((server.cpuSeconds - before) * 100_000) / (performance.now() - began)
  const memory = server.residentMb
  const pages = new Map<string, number[]>()
  for (let page = 0; page < PAGES; page++) {
    for (const filter of filters) {
      const asked = performance.now()
      await server.text({ method: 'GET', path: `/v1/runs?${filter}` })
      const took = performance.now() - asked
      pages.set(filter, [...(pages.get(filter) ?? []), took])
    }
  }
  const all = [...pages.values()].flat()
  const perFilter = [...pages].map(
    ([filter, times]) => [`p50 of ${filter || 'no filter'}`, percentile(times, 0.5)] as const,
  )
  const figures = {
    ...Object.fromEntries(perFilter),
    ...{ cpu, memory: memory.all, serverMemory: memory.server, memoryAfter: server.residentMb.all },
    ...{ page50: percentile(all, 0.5), page99: percentile(all, 0.99) },
    slowest: Math.max(...perFilter.map(([, time]) => time)),
  }
  return { figures, faults: [] }
}
