import { writeFile } from 'node:fs/promises'
import { differ } from '../counting.ts'
import { benchOf, type Measure, type Sample } from '../measure.ts'
import { BenchServer, makeFolder } from '../server.ts'
import { percentile } from '../statistics.ts'
import { BARE_TAG, startBareHttp } from './bare-http.ts'
import { KuduClient } from './client.ts'

const TRIGGERED = 440
const CONTINUOUS = 60
/** Every so manieth continuous job is left running; the others are stopped. */
const RUNNING_EVERY = 3
/** Every so manieth triggered job has a schedule. */
const SCHEDULED_EVERY = 4
const RUNS = 3
/** Answers of each sort and run. */
const ASKED = 300
/** Answers before the first that is measured. */
const WARM_UP = 100
const LIST = '/api/webjobs'
const UNTIL_TOLD = 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 5; done\n'

/** How long clients of Kudu wait for the list of all jobs. */
export const listJobs: Measure = {
  letter: 'a',
  title: `GET ${LIST} with ${TRIGGERED + CONTINUOUS} jobs`,
  method:
    `${ASKED} lists per run, one after the other over one connection, and as many with If-None-Match, which are answered 304; ` +
    `${TRIGGERED} triggered jobs with ${RUNS} runs each, a quarter of them scheduled, and ${CONTINUOUS} continuous ones, ` +
    'a third of them running. Each beside a small Node process whose node:http answers the same bytes.',
  rows: [
    { label: 'p50', unit: 'ms', figure: 'list50', bare: 'bareList50' },
    { label: 'p99', unit: 'ms', figure: 'list99', bare: 'bareList99', target: { atMost: 50 } },
    { label: '304, p50', unit: 'ms', figure: 'same50', bare: 'bareSame50' },
    { label: '304, p99', unit: 'ms', figure: 'same99', bare: 'bareSame99', target: { atMost: 50 } },
    { label: 'size of the list', unit: 'KB', figure: 'size' },
  ],
  async setUp() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await makeFolder())
    const server = parts.use(await BenchServer.start(`${folder.path}/data`))
    await makeJobs(server)
    const client = parts.use(new KuduClient(server.address, server.token))
    const answered = `${folder.path}/list.json`
    await writeFile(answered, (await client.call(LIST)).body)
    const bare = parts.use(await startBareHttp(answered, `${folder.path}/taken`))
    const bareClient = parts.use(new KuduClient(bare.address, ''))
    const measure = (count: number) => sampleOnce(client, bareClient, count)
    await measure(WARM_UP)
    return benchOf(() => measure(ASKED), parts.move())
  },
}

async function makeJobs(server: BenchServer): Promise<void> {
  const [short, long] = [await server.upload('exit 0\n'), await server.upload(UNTIL_TOLD)]
  for (let index = 0; index < TRIGGERED; index++) {
    const schedule = { type: 'schedule', ncrontab: `0 ${index % 60} 3 29 2 *`, timeZone: 'UTC' }
    const more = index % SCHEDULED_EVERY === 0 ? { triggers: [schedule] } : {}
    const job = await server.makeJob(`triggered-${index}`, short, { ...more, policy: { overlap: 'allow' } })
    await Promise.all(Array.from({ length: RUNS }, () => server.run(job)))
  }
  for (let index = 0; index < CONTINUOUS; index++) {
    const enabled = index % RUNNING_EVERY === 0
    await server.makeJob(`continuous-${index}`, long, { type: 'continuous', enabled })
  }
  using database = server.readDatabase()
  const live = database.prepare(`select 1 from run where finished_at is null and why <> 'continuous' limit 1`)
  await server.until('all runs are finished', () => live.get() === undefined)
  const running = database.prepare(`select count(*) as count from run where state = 'running'`)
  await server.until('the continuous jobs run', () => running.get()?.count === CONTINUOUS / RUNNING_EVERY)
}

interface Listed {
  readonly type: string
  readonly status?: string
  readonly latest_run?: { readonly status: string } | null
}

async function sampleOnce(client: KuduClient, bare: KuduClient, count: number): Promise<Sample> {
  const faults = new Set<string>()
  const times = { list: [], same: [], bareList: [], bareSame: [] } as Record<string, number[]>
  const { tag, body } = await client.call(LIST)
  checkList(JSON.parse(body.toString()), faults)
  const ask = async (name: string, from: KuduClient, expected: number, headers = {}) => {
    const asked = performance.now()
    const { status } = await from.call(LIST, { headers })
    times[name]?.push(performance.now() - asked)
    if (status !== expected) faults.add(`${name} was answered with ${status}`)
  }
  for (let index = 0; index < count; index++) {
    await ask('list', client, 200)
    await ask('bareList', bare, 200)
    await ask('same', client, 304, { 'if-none-match': tag })
    await ask('bareSame', bare, 304, { 'if-none-match': BARE_TAG })
  }
  const figures = Object.entries(times).flatMap(([name, each]) => [
    [`${name}50`, percentile(each, 0.5)],
    [`${name}99`, percentile(each, 0.99)],
  ])
  return { figures: { ...Object.fromEntries(figures), size: body.length / 1000 }, faults: [...faults] }
}

function checkList(jobs: readonly Listed[], faults: Set<string>): void {
  const count = (fits: (job: Listed) => boolean) => jobs.filter(fits).length
  const found = [
    ...differ(
      'triggered jobs whose latest run succeeded',
      count((job) => job.latest_run?.status === 'Success'),
      TRIGGERED,
    ),
    ...differ(
      'continuous jobs that run',
      count((job) => job.status === 'Running'),
      CONTINUOUS / RUNNING_EVERY,
    ),
    ...differ('jobs', jobs.length, TRIGGERED + CONTINUOUS),
  ]
  for (const fault of found) faults.add(fault)
}
