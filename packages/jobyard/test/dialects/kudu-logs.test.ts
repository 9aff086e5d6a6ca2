import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Asked } from './golden-files.ts'
import { golden } from './golden-files.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
  await yard.script('triggered', 'report', 'echo one\necho two\n')
  await yard.runToEnd('report')
})

afterAll(async () => {
  await yard.server.stop()
})

/** What lies at an address that an answer names, with what differs from run to run masked. */
async function raw(url: string, asked?: Asked): Promise<string> {
  const { pathname } = new URL(url)
  return (await yard.raw(pathname, asked)).replaceAll(/\[\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d > /g, '[LOG-TIME > ')
}

async function job(type: string, name: string) {
  return JSON.parse((await yard.call(`/api/${type}webjobs/${name}`)).body)
}

it('finds the log of a run where the run says that it is', async () => {
  const url: string = (await job('triggered', 'report')).latest_run.output_url
  expect(await raw(url)).toBe(await golden('kudu-log-of-run'))
  expect(await raw(url.replace('/vfs/', '/api/vfs/'))).toBe(await golden('kudu-log-of-run'))
})

it('gives it to whoever has not got it, and in parts', async () => {
  const { pathname } = new URL((await job('triggered', 'report')).latest_run.output_url)
  const whole = await yard.call(pathname)
  expect(whole.headers['content-length']).toBe(String(Buffer.byteLength(whole.body)))
  const known = { headers: { 'if-none-match': String(whole.headers.etag) } }
  expect(await yard.raw(pathname, known)).toBe(await golden('kudu-log-not-modified'))
  const head = await yard.call(pathname, { method: 'HEAD' })
  expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', whole.headers['content-length']])
  const part = await yard.call(pathname, { headers: { range: 'bytes=10-99' } })
  expect([part.status, part.body]).toEqual([206, whole.body.slice(10, 100)])
  const end = await yard.call(pathname, { headers: { range: 'bytes=-40' } })
  expect([end.status, end.body]).toEqual([206, whole.body.slice(-40)])
  expect((await yard.call(pathname, { headers: { range: `bytes=${whole.body.length}-` } })).status).toBe(416)
})

it('lists the runs of a job with their files', async () => {
  const { latest_run: run } = await job('triggered', 'report')
  const names = async (path: string) =>
    JSON.parse((await yard.call(path)).body).map(({ name }: { name: string }) => name)
  expect(await names('/vfs/data/jobs/triggered/report/')).toEqual([run.id])
  expect(await names(`/vfs/data/jobs/triggered/report/${run.id}/`)).toEqual(['output_log.txt', 'status'])
  const status = await yard.call(`/vfs/data/jobs/triggered/report/${run.id}/status`)
  expect(JSON.parse(status.body)).toEqual({
    Trigger: run.trigger,
    Status: 'Success',
    StartTime: run.start_time,
    EndTime: run.end_time,
  })
})

it('finds the log of a continuous job while it runs, and it grows', async () => {
  await yard.script('continuous', 'pump', `echo pumps\n${UNTIL_TOLD}echo over\n`)
  const url: string = (await job('continuous', 'pump')).log_url
  await eventually('it has printed', async () => (await raw(url)).includes('pumps'))
  expect(await raw(url)).toBe(await golden('kudu-log-of-job'))
  const before = await yard.call(new URL(url).pathname)
  await yard.call('/api/continuouswebjobs/pump/stop', { method: 'POST' })
  await yard.status('pump', 'Stopped')
  const after = await yard.call(new URL(url).pathname)
  expect(after.body.slice(0, before.body.length)).toBe(before.body)
  expect(after.body).toMatch(/INFO\] over\r\n(?:.*\r\n)*.*SYS INFO\] Status changed to Stopped\r\n$/)
  expect(after.headers.etag).not.toBe(before.headers.etag)
})

it('says where the log of a schedule is as soon as there is one', async () => {
  expect((await job('triggered', 'report')).scheduler_logs_url).toBe(null)
  await yard.zip('triggered', 'nightly', { 'run.sh': 'exit 0\n', 'settings.job': '{"schedule": "0 0 3 * * *"}' })
  const url: string = (await job('triggered', 'nightly')).scheduler_logs_url
  expect(await raw(url)).toMatch(
    /\[LOG-TIME > 7692c3: SYS INFO\] Scheduling WebJob with 0 0 3 \* \* \* next schedule expected in [\d.:]+\r\n$/,
  )
  await yard.script('triggered', 'odd', 'exit 0\n')
  await yard.call('/api/triggeredwebjobs/odd/settings', { method: 'PUT', body: '{"schedule":"every night"}' })
  expect(await raw((await job('triggered', 'odd')).scheduler_logs_url)).toMatch(
    /SYS ERR \] Failed to parse schedule "every night"\. Error: .+\r\n$/,
  )
})

it('keeps in the log of a schedule what was set before, whatever is set later', async () => {
  const path = '/api/triggeredwebjobs/changed'
  const put = (body: string) => yard.call(`${path}/settings`, { method: 'PUT', body })
  const log = async () => {
    const url: string | null = (await job('triggered', 'changed')).scheduler_logs_url
    return url === null ? null : (await yard.call(new URL(url).pathname)).body
  }
  await yard.script('triggered', 'changed', 'exit 0\n')
  expect(await log()).toBe(null)
  await put('{"schedule": "0 0 3 * * *"}')
  const first = /^\[[^\]]+ SYS INFO\] Scheduling WebJob with 0 0 3 \* \* \* next schedule expected in [\d.:]+\r\n/
  expect(await log()).toMatch(first)
  await put('{}')
  const removed = await log()
  expect(removed).toMatch(/INFO\] Removing current schedule from WebJob\r\n$/)
  expect(removed).toMatch(first)
  await put('{"schedule": "every night"}')
  const failed = await log()
  expect(failed?.slice(0, removed?.length)).toBe(removed)
  expect(failed?.slice(removed?.length)).toMatch(
    /^.*SYS ERR \] Failed to parse schedule "every night"\. Error: .+\r\n$/,
  )
  await put('{"schedule": "0 0 4 * * *"}')
  const mended = await log()
  expect(mended?.slice(0, failed?.length)).toBe(failed)
  expect(mended?.slice(failed?.length)).toMatch(/^.*Scheduling WebJob with 0 0 4 \* \* \* .*\r\n$/)
  await put('{}')
  expect((await log())?.slice(0, mended?.length)).toBe(mended)
})

it('says of a schedule that is set while there are to be none that it is not followed', async () => {
  await yard.call('/api/settings', { method: 'POST', body: '{"WEBJOBS_DISABLE_SCHEDULE": "1"}' })
  await yard.zip('triggered', 'resting', { 'run.sh': 'exit 0\n', 'settings.job': '{"schedule": "0 0 3 * * *"}' })
  await yard.call('/api/settings/WEBJOBS_DISABLE_SCHEDULE', { method: 'DELETE' })
  const url: string = (await job('triggered', 'resting')).scheduler_logs_url
  expect((await yard.call(new URL(url).pathname)).body).toMatch(
    /^\[[^\]]+ SYS INFO\] The schedule 0 0 3 \* \* \* is not followed because of WEBJOBS_DISABLE_SCHEDULE\r\n$/,
  )
})

it('has no logs of a job that is gone', async () => {
  const { latest_run: run } = await job('triggered', 'report')
  await yard.call('/api/triggeredwebjobs/report', { method: 'DELETE' })
  expect((await yard.call(new URL(run.output_url).pathname)).status).toBe(404)
})
