import { afterAll, beforeAll, expect, it } from 'vitest'
import { RenderedLogs } from '../../../src/dialects/webjobs/files/rendered-logs.ts'
import type { SiteFile, SiteFolder } from '../../../src/dialects/webjobs/files/tree.ts'
import { WebJobReader } from '../../../src/dialects/webjobs/reader.ts'
import { shortName } from '../../../src/domain/instance-name.ts'
import type { ServiceContext } from '../../../src/services/context.ts'
import { startTestServer, type TestServer } from '../../api/server.ts'
import { eventually } from '../../support/eventually.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from '../webjobs-yard.ts'
import { contentOf } from './log-reading.ts'

const ONE = shortName('one')

/** One stream after the other: they come by pipes of their own. */
const SPEAKS = `printf 'begun\\r\\nstill '; sleep 0.3; printf 'wrong: \\033[31mred\\033[0m\\n' >&2; sleep 0.3; printf 'there\\n\\n\\377 no end'\n`

let yard: WebJobsYard
let reading: TestServer
let folders: RenderedLogs
let context: ServiceContext

/** Jobs run in a whole server; then their logs are read from what it stored. */
beforeAll(async () => {
  yard = await openWebJobsYard()
  await yard.script('triggered', 'report', `${SPEAKS}exit "\${1:-0}"\n`)
  await yard.runToEnd('report')
  await yard.runToEnd('report', '3')
  await yard.script('triggered', 'again', 'echo "attempt $JOBYARD_ATTEMPT"; exit 5\n')
  const retry = { kind: 'fixed', attempts: 2, delay: '1ms' }
  await yard.server.client.jobs.patch('again', { policy: { retry } })
  await yard.runToEnd('again')
  await yard.script('triggered', 'never', 'exit 0\n')
  await yard.zip('triggered', 'often', { 'run.sh': 'exit 0\n', 'settings.job': '{"schedule": "*/1 * * * * *"}' })
  await eventually('the schedule was followed', async () => (await history('often')).length > 1)
  await yard.call('/api/triggeredwebjobs/often/settings', { method: 'PUT', body: '{}' })
  await eventually('the last one has ended', async () =>
    (await history('often')).every(({ status }) => status === 'Success'),
  )
  await yard.script('continuous', 'pump', `echo pumps\n${UNTIL_TOLD}`)
  await untilPrinted('pump', 'pumps')
  await yard.script('continuous', 'pump', `echo 'pumps more'\n${UNTIL_TOLD}`)
  await untilPrinted('pump', 'pumps more')
  await yard.call('/api/continuouswebjobs/pump/stop', { method: 'POST' })
  await yard.status('pump', 'Stopped')
  await yard.zip('continuous', 'alone', { 'run.sh': 'echo once\nexit 4\n', 'settings.job': '{"is_singleton": true}' })
  await yard.status('alone', 'PendingRestart')
  await yard.server.client.jobs.patch('alone', { policy: { restart: { delay: '1ms' } } })
  await yard.call('/api/continuouswebjobs/alone/stop', { method: 'POST' })
  await yard.script('continuous', 'flood', `seq 1 600000 | head -c 3500000\necho\necho done\n${UNTIL_TOLD}`)
  await untilPrinted('flood', 'done')
  // What reads the logs afterwards starts whatever is not stopped.
  await yard.call('/api/continuouswebjobs/flood/stop', { method: 'POST' })
  await yard.status('flood', 'Stopped')
  await keepingItsFolder()
}, 60_000)

afterAll(async () => {
  await reading?.stop()
  await yard?.server.stop()
})

it('keeps a folder with log and state for each run of a triggered job', async () => {
  const [first, second, ...others] = await listed(await folderOf('triggered', 'report'))
  expect(others).toEqual([])
  expect(first?.name).toMatch(/^\d{18}$/)
  expect(second?.name).toMatch(/^\d{18}$/)
  for (const run of [first, second]) {
    const files = await listed(folder(run))
    expect(files.map(({ name }) => name)).toEqual(['output_log.txt', 'status'])
    for (const each of files) expect(await folder(run).find(each.name)).toMatchObject({ name: each.name, type: 'file' })
    expect(await folder(run).find('error_log.txt')).toBe(null)
  }
  expect(await readIn(folder(first), 'status')).toMatch(
    /^\{"Trigger":"External - ","Status":"Success","StartTime":"[\d:.T-]+Z","EndTime":"[\d:.T-]+Z"\}$/,
  )
  expect(await readIn(folder(second), 'status')).toContain('"Status":"Failed"')
})

it('writes what a run printed between what the engine says of it', async () => {
  const [first, second] = await listed(await folderOf('triggered', 'report'))
  const output = [
    'SYS INFO] Status changed to Initializing',
    "SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'",
    'SYS INFO] Status changed to Running',
    'INFO] begun',
    'ERR ] wrong: \x1b[31mred\x1b[0m',
    'INFO] still there',
    'INFO] ',
    'INFO] \xff no end',
  ]
  expect(await readIn(folder(first), 'output_log.txt')).toBe(log([...output, 'SYS INFO] Status changed to Success']))
  const failed = ['SYS INFO] Status changed to Failed', 'SYS ERR ] Job failed due to exit code 3']
  expect(await readIn(folder(second), 'output_log.txt')).toBe(log([...output, ...failed]))
})

it('writes all attempts of a run', async () => {
  const [run] = await listed(await folderOf('triggered', 'again'))
  const begin = [
    "SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'",
    'SYS INFO] Status changed to Running',
  ]
  expect(await readIn(folder(run), 'output_log.txt')).toBe(
    log([
      'SYS INFO] Status changed to Initializing',
      ...begin,
      'INFO] attempt 1',
      'SYS ERR ] Job failed due to exit code 5',
      'SYS WARN] The run is tried again',
      ...begin,
      'INFO] attempt 2',
      'SYS INFO] Status changed to Failed',
      'SYS ERR ] Job failed due to exit code 5',
    ]),
  )
})

it('has any part of a file, its length and its tag before it is read', async () => {
  const [run] = await listed(await folderOf('triggered', 'report'))
  const file = await find(folder(run), 'output_log.txt')
  const whole = await contentOf(file)
  expect(whole.length).toBe(file.bytes)
  for (let from = 0; from < whole.length; from += 13) {
    expect(await contentOf(file, from, from + 29)).toEqual(whole.subarray(from, from + 29))
  }
  expect(file.tag).toMatch(/^[\w-]+$/)
  expect((await find(folder(run), 'output_log.txt')).tag).toBe(file.tag)
  expect(file.createdAt).toBeLessThanOrEqual(file.modifiedAt)
})

it('finds no folder for what is no run of the job', async () => {
  const report = await folderOf('triggered', 'report')
  for (const name of ['202601010000000000', 'latest', '', 'job_scheduler.log', 'job_prev_log.txt']) {
    expect(await report.find(name), name).toBe(null)
  }
  const [run] = await listed(report)
  expect(await (await folderOf('triggered', 'again')).find(run?.name ?? '')).toBe(null)
  expect(await listed(await folderOf('triggered', 'never'))).toEqual([])
})

it('writes what became of a schedule', async () => {
  const often = await folderOf('triggered', 'often')
  const text = await readIn(often, 'job_scheduler.log')
  const lines = text.split('\r\n').slice(0, -1)
  expect(lines[0]).toMatch(
    /SYS INFO\] Scheduling WebJob with \* \* \* \* \* \* next schedule expected in 00:00:0[01](\.\d{7})?$/,
  )
  expect(lines[1]).toMatch(/SYS INFO\] WebJob invoked$/)
  expect(lines[2]).toMatch(/SYS INFO\] Next schedule expected in 00:00:0[01](\.\d{7})?$/)
  expect(lines.at(-1)).toMatch(/SYS INFO\] Removing current schedule from WebJob$/)
  expect((await listed(often)).at(-1)?.name).toBe('job_scheduler.log')
})

it('writes the runs of a continuous job into one log', async () => {
  const pump = await folderOf('continuous', 'pump')
  const begin = [
    'SYS INFO] Status changed to Starting',
    'SYS INFO] WebJob singleton setting is False',
    "SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'",
    'SYS INFO] Status changed to Running',
  ]
  const stopping = (why: string) => `SYS INFO] Stopping: ${why} The script has 5s to end.`
  const end = ['SYS INFO] Status changed to Success', 'SYS INFO] Status changed to Stopped']
  expect(await readIn(pump, 'job_log.txt')).toBe(
    log([
      ...begin,
      'INFO] pumps',
      'SYS INFO] Detected WebJob file/s were updated, refreshing WebJob',
      'SYS INFO] Status changed to Stopping',
      stopping('The job was changed; it starts again with what is new.'),
      ...end,
      // What it is was said before, and is still so.
      'SYS INFO] Status changed to Starting',
      "SYS INFO] Job directory change detected: Job file 'run.sh' has 72 bytes in the working folder and 79 in the package.",
      "SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'",
      'SYS INFO] Status changed to Running',
      'INFO] pumps more',
      'SYS INFO] Status changed to Disabling',
      'SYS INFO] Status changed to Stopping',
      stopping('The job was stopped.'),
      ...end,
    ]),
  )
  expect(await pump.find('job_prev_log.txt')).toBe(null)
  expect((await listed(pump)).map(({ name }) => name)).toContain('job_log.txt')
})

it('writes how a singleton waits for its next start', async () => {
  const text = await readIn(await folderOf('continuous', 'alone'), 'job_log.txt')
  const first = log([
    'SYS INFO] Status changed to Starting',
    'SYS INFO] WebJob singleton setting is True',
    'SYS INFO] WebJob singleton lock is acquired',
    "SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'",
    'SYS INFO] Status changed to Running',
    'INFO] once',
    'SYS ERR ] Job failed due to exit code 4',
  ])
  expect(text.slice(0, first.length)).toBe(first)
  expect(text).toMatch(
    /SYS INFO\] Process went down, waiting for [\d.]+ seconds\r\n.*SYS INFO\] Status changed to PendingRestart\r\n/,
  )
})

it('puts a log aside when it is greater than a megabyte, and then begins a new one', async () => {
  const flood = await folderOf('continuous', 'flood')
  const log = String(await contentOf(await find(flood, 'job_log.txt')))
  const before = String(await contentOf(await find(flood, 'job_prev_log.txt')))
  const limit = 1024 * 1024
  const lastLine = before.length - 1 - before.lastIndexOf('\n', before.length - 2)
  expect(before.length).toBeGreaterThan(limit)
  expect(before.length - lastLine).toBeLessThanOrEqual(limit)
  expect(log.length).toBeLessThanOrEqual(limit + 100)
  const numbers = [...`${before}${log}`.matchAll(/: INFO\] (\d+)\r\n/g)].map(([, number]) => Number(number))
  const [first = 0] = numbers
  // The last one was cut.
  expect(numbers.slice(0, -1).every((number, index) => number === first + index)).toBe(true)
  expect(log.includes('INFO] done\r\n')).toBe(true)
  // Nobody who looks again, or looks from another process, finds it cut elsewhere.
  const again = new RenderedLogs({ context, reader: new WebJobReader(context, 'one'), instance: 'one' })
  const [collection] = await context.services.store.read('listCollections', undefined)
  const job = await new WebJobReader(context, 'one').row(collection?.id ?? '', 'continuous', 'flood')
  if (job === null) throw new Error('The job is gone.')
  expect((await find(again.folder(job), 'job_prev_log.txt')).tag).toBe((await find(flood, 'job_prev_log.txt')).tag)
})

it('keeps the status of each instance', async () => {
  const pump = await folderOf('continuous', 'pump')
  const [status, ...others] = (await listed(pump)).filter(({ name }) => name.startsWith('status_'))
  expect(others).toEqual([])
  expect(String(await contentOf(await find(pump, status?.name ?? '')))).toBe('{"Status":"Stopped"}')
})

/** Stops the server and opens what it stored. */
async function keepingItsFolder(): Promise<void> {
  await yard.server.leave()
  reading = await startTestServer({
    place: { folder: yard.server.data, drop: async () => undefined },
    dialects: [
      (_app, given) => {
        context = given
      },
    ],
  })
  const reader = new WebJobReader(context, 'one')
  folders = new RenderedLogs({ context, reader, instance: 'one' })
}

async function folderOf(type: 'triggered' | 'continuous', name: string): Promise<SiteFolder> {
  const [collection] = await context.services.store.read('listCollections', undefined)
  const job = await new WebJobReader(context, 'one').row(collection?.id ?? '', type, name)
  if (job === null) throw new Error(`There is no ${name}.`)
  return folders.folder(job)
}

async function listed(of: SiteFolder): Promise<(SiteFile | SiteFolder)[]> {
  return await Array.fromAsync(of.list())
}

function folder(found: SiteFile | SiteFolder | null | undefined): SiteFolder {
  if (found?.type !== 'folder') throw new Error('There is no such folder.')
  return found
}

async function find(of: SiteFolder, name: string): Promise<SiteFile> {
  const found = await of.find(name)
  if (found?.type !== 'file') throw new Error(`There is no file ${name}.`)
  return found
}

async function readIn(of: SiteFolder, name: string): Promise<string> {
  return (await contentOf(await find(of, name)))
    .toString('latin1')
    .replaceAll(/\[\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d > /g, '[TIME > ')
}

function log(lines: readonly string[]): string {
  return lines.map((line) => `[TIME > ${ONE}: ${line}\r\n`).join('')
}

async function history(name: string): Promise<{ status: string }[]> {
  const { body, status } = await yard.call(`/api/triggeredwebjobs/${name}/history`)
  return status === 200 ? JSON.parse(body).runs : []
}

async function untilPrinted(name: string, text: string): Promise<void> {
  await eventually(`${name} has printed ${text}`, async () => {
    for await (const { id } of yard.server.client.runs.list({ job: name })) {
      const answer = await fetch(`${yard.url}/v1/runs/${id}/output?format=text`, {
        headers: { authorization: `Bearer ${yard.server.token}` },
      })
      return (await answer.text()).includes(text)
    }
    return false
  })
}
