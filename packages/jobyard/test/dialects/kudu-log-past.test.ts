import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Asked, RawAnswer } from './golden-files.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

/** Ends only when a file of its data folder says so, whatever it is told. */
const UNTIL_LET = 'echo told-to-wait\nwhile [ ! -e "$WEBJOBS_DATA_PATH/go" ]; do sleep 0.05; done\n'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())

const LOG_OF = (name: string) => `/vfs/data/jobs/continuous/${name}/job_log.txt`

async function ask(path: string, asked: Asked = {}): Promise<RawAnswer> {
  return await yard.call(path, asked)
}

async function textOf(name: string): Promise<string> {
  return (await ask(LOG_OF(name))).body
}

async function set(values: Readonly<Record<string, string>>): Promise<void> {
  const answer = await ask('/api/settings', { method: 'POST', body: JSON.stringify(values) })
  expect(answer.status).toBeLessThan(300)
}

/** Waits until the log of a job has a line so many times; answers the log. */
async function untilSaid(name: string, line: string, times: number): Promise<string> {
  return await eventually(`the log of ${name} has "${line}" ${times} times`, async () => {
    const text = await textOf(name)
    return text.split(line).length - 1 >= times && text
  })
}

const said = (text: string, what: string) => text.split('\r\n').filter((line) => line.includes(what))

it('keeps what a log said of waits and of its instance when the settings become others', async () => {
  await set({ webjobs_restart_time: '60' })
  await yard.script('continuous', 'short', 'echo ran\n')
  const first = await untilSaid('short', 'Status changed to PendingRestart', 1)
  expect(said(first, 'Process went down')).toEqual([expect.stringMatching(/waiting for 60 seconds$/)])
  const tag = (await ask(LOG_OF('short'))).headers.etag
  // One digit less: the bytes were others, and their number another one.
  await set({ webjobs_restart_time: '0', website_instance_id: 'zzzzzzzz' })
  const later = await untilSaid('short', 'Process went down', 3)
  expect(later.startsWith(first)).toBe(true)
  expect(said(later, 'Process went down')[1]).toMatch(/ > zzzzzz: .*waiting for 0 seconds$/)
  await yard.call('/api/continuouswebjobs/short/stop', { method: 'POST' })
  await yard.status('short', 'Stopped')
  const whole = await textOf('short')
  await yard.call('/api/settings/webjobs_restart_time', { method: 'DELETE' })
  await yard.call('/api/settings/website_instance_id', { method: 'DELETE' })
  expect(await textOf('short')).toBe(whole)
  const now = await ask(LOG_OF('short'), { headers: { 'if-none-match': String(tag) } })
  expect(now.status).toBe(200)
  const same = await ask(LOG_OF('short'), { headers: { 'if-none-match': String(now.headers.etag) } })
  expect(same.status).toBe(304)
})

it('keeps what the log of a schedule calls the instance that wrote it', async () => {
  await set({ website_instance_id: 'aaaaaaaa' })
  const path = '/vfs/data/jobs/triggered/often/job_scheduler.log'
  await yard.zip('triggered', 'often', { 'run.sh': 'exit 0\n', 'settings.job': '{"schedule": "* * * * * *"}' })
  await eventually('it was invoked', async () => (await ask(path)).body.includes('WebJob invoked'))
  await set({ website_instance_id: 'bbbbbbbb' })
  const body = '{}'
  await ask('/api/triggeredwebjobs/often/settings', { method: 'PUT', body })
  const lines = (await ask(path)).body.split('\r\n').slice(0, -1)
  const ids = lines.map((line) => / > (\w+): /.exec(line)?.[1])
  expect(ids[0]).toBe('aaaaaa')
  expect(ids[1]).toBe('aaaaaa')
  expect(ids.at(-1)).toBe('bbbbbb')
  await yard.call('/api/settings/website_instance_id', { method: 'DELETE' })
})

it('says that a job is being stopped while it is, at the time of the request', async () => {
  await yard.zip('continuous', 'slow', { 'run.sh': UNTIL_LET, 'settings.job': '{"stopping_wait_time": 60}' })
  await untilSaid('slow', 'told-to-wait', 1)
  await yard.call('/api/continuouswebjobs/slow/stop', { method: 'POST' })
  const meanwhile = await untilSaid('slow', 'Stopping: The job was stopped.', 1)
  expect(meanwhile).toMatch(
    /SYS INFO\] Status changed to Disabling\r\n.*SYS INFO\] Status changed to Stopping\r\n.*Stopping: The job was stopped/,
  )
  expect(meanwhile).not.toContain('Status changed to Stopped')
  await ask('/api/vfs/data/jobs/continuous/slow/go', { method: 'PUT', body: 'go' })
  await yard.status('slow', 'Stopped')
  const whole = await textOf('slow')
  expect(whole.startsWith(meanwhile)).toBe(true)
  expect(whole.slice(meanwhile.length)).toMatch(/^.*Status changed to Success\r\n.*Status changed to Stopped\r\n$/)
})

it('calls a job disabled only when somebody stopped it', async () => {
  await yard.script('continuous', 'idle', UNTIL_TOLD)
  await untilSaid('idle', 'Status changed to Running', 1)
  await set({ colour: 'green' })
  const restarted = await untilSaid('idle', 'Status changed to Running', 2)
  expect(restarted).toContain('SYS INFO] WebJob is stopping due to website shutting down\r\n')
  await set({ webjobs_stopped: '1' })
  await untilSaid('idle', 'Status changed to Stopped', 2)
  expect(await textOf('idle')).not.toContain('Disabling')
  await yard.call('/api/settings/webjobs_stopped', { method: 'DELETE' })
  await untilSaid('idle', 'Status changed to Running', 3)
  await yard.call('/api/continuouswebjobs/idle/stop', { method: 'POST' })
  expect(await untilSaid('idle', 'Status changed to Stopped', 3)).toContain('Status changed to Disabling')
})

it('starts a continuous job again that is deployed as it was, as Kudu does', async () => {
  const files = { 'run.sh': UNTIL_TOLD }
  await yard.zip('continuous', 'pump', files)
  await untilSaid('pump', 'Status changed to Running', 1)
  expect((await yard.zip('continuous', 'pump', files)).status).toBe(200)
  const text = await untilSaid('pump', 'Status changed to Running', 2)
  expect(text).toContain('SYS INFO] Detected WebJob file/s were updated, refreshing WebJob\r\n')
  // The files are the same, and so is the folder that it works in.
  expect(text).not.toContain('Job directory change detected')
  const path = '/api/vfs/site/wwwroot/App_Data/jobs/continuous/pump/run.sh'
  await ask(path, { method: 'PUT', headers: { 'if-match': '*' }, body: UNTIL_TOLD })
  expect(await untilSaid('pump', 'Status changed to Running', 3)).not.toContain('Job directory change detected')
})

it('tells which files are others after a deployment', async () => {
  await yard.zip('triggered', 'report', { 'run.sh': 'cat data.txt\n', 'data.txt': 'one\n' })
  await yard.runToEnd('report')
  const path = '/api/vfs/site/wwwroot/App_Data/jobs/triggered/report/data.txt'
  await ask(path, { method: 'PUT', headers: { 'if-match': '*' }, body: 'three\n' })
  const { output_url } = await yard.runToEnd('report')
  const { body } = await ask(new URL(output_url ?? '').pathname)
  expect(body).toContain("SYS INFO] Job directory change detected: Job file 'data.txt' has 4 bytes")
  expect(body).toContain('INFO] three')
})

/** The names in the data folder of a job. */
async function namesIn(path: string): Promise<string[]> {
  return (JSON.parse((await ask(path)).body) as { name: string }[]).map(({ name }) => name)
}

it('shows the locks as long as somebody holds them', async () => {
  await yard.script('triggered', 'held', UNTIL_LET)
  const data = '/api/vfs/data/jobs/triggered/held/'
  await ask('/api/triggeredwebjobs/held/run', { method: 'POST' })
  const lock = await eventually('it is locked', async () => {
    const found = await ask(`${data}triggeredJob.lock`)
    return found.status === 200 && found.body
  })
  expect(Object.keys(JSON.parse(lock))).toEqual(['OperationName', 'AcquiredDateTime', 'StackTrace', 'InstanceId'])
  expect(await namesIn(data)).toContain('triggeredJob.lock')
  await ask(`${data}go`, { method: 'PUT', body: 'go' })
  await eventually('it is free', async () => (await ask(`${data}triggeredJob.lock`)).status === 404)
  await yard.zip('continuous', 'single', { 'run.sh': UNTIL_TOLD, 'settings.job': '{"is_singleton": true}' })
  const single = '/api/vfs/data/jobs/continuous/single/'
  await untilSaid('single', 'Status changed to Running', 1)
  const { InstanceId } = JSON.parse((await ask(`${single}singleton.job.lock`)).body)
  expect(await namesIn(single)).toContain(`status_${InstanceId}`)
  await yard.call('/api/continuouswebjobs/single/stop', { method: 'POST' })
  await yard.status('single', 'Stopped')
  expect(await namesIn(single)).not.toContain('singleton.job.lock')
})

it('has the file of a status change when the status does', async () => {
  await yard.script('continuous', 'turns', UNTIL_TOLD)
  await untilSaid('turns', 'Status changed to Running', 1)
  const modified = async () => {
    const list = JSON.parse((await ask('/api/vfs/data/jobs/continuous/turns/')).body) as Record<string, string>[]
    return Date.parse(list.find(({ name = '' }) => name.startsWith('status_'))?.mtime ?? '')
  }
  const first = await modified()
  await set({ colour: 'blue' })
  await untilSaid('turns', 'Status changed to Running', 2)
  expect(await modified()).toBeGreaterThan(first)
})
