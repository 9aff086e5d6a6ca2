import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATA_OF, type FilesYard, openFilesYard } from './files-yard.ts'
import { UNTIL_TOLD } from './webjobs-yard.ts'

let yard: FilesYard

beforeAll(async () => {
  yard = await openFilesYard()
})
afterAll(() => yard.server.stop())

/** The path of an address that an answer holds. */
const pathOf = (url: unknown) => new URL(String(url)).pathname

async function job(type: string, name: string): Promise<Record<string, unknown>> {
  return JSON.parse((await yard.call(`/api/${type}webjobs/${name}`)).body)
}

/** Log lines without their times and instance. */
const wordsOf = (log: string) => log.replaceAll(/^\[\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d > [0-9a-f]{6}: /gm, '[')

describe('the addresses of logs that Kudu’s answers hold', () => {
  it('lead to what a run printed and what was said of it', async () => {
    await yard.script('triggered', 'report', 'echo one; echo two >&2; exit 3\n')
    const run = await yard.runToEnd('report')
    const path = pathOf(run.output_url)
    const log = await yard.send(path)
    expect(log.status).toBe(200)
    const lines = wordsOf(log.text).split('\r\n')
    expect(lines.toSorted()).toEqual(
      [
        '[SYS INFO] Status changed to Initializing',
        `[SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'`,
        '[SYS INFO] Status changed to Running',
        '[INFO] one',
        '[ERR ] two',
        '[SYS INFO] Status changed to Failed',
        '[SYS ERR ] Job failed due to exit code 3',
        '',
      ].toSorted(),
    )
    const etag = String(log.headers.etag)
    expect((await yard.send(path, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const part = await yard.send(path, { headers: { range: 'bytes=10-19' } })
    expect([part.status, part.text]).toEqual([206, log.text.slice(10, 20)])
    expect(await yard.send(path, { method: 'HEAD' })).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': String(log.bytes.length) },
    })
    const listed = JSON.parse((await yard.send(DATA_OF('report'))).text)
    expect(listed).toMatchObject([{ name: run.id, mime: 'inode/directory' }])
    expect(await yard.names(`${DATA_OF('report')}${run.id}/`)).toEqual(['output_log.txt', 'status'])
    const { text: status } = await yard.send(`${DATA_OF('report')}${run.id}/status`)
    expect(JSON.parse(status)).toMatchObject({ Status: 'Failed', StartTime: run.start_time, EndTime: run.end_time })
  })

  it('lead to the log of a continuous job while it runs', async () => {
    await yard.script('continuous', 'pump', `echo begun\n${UNTIL_TOLD}`)
    const path = pathOf((await job('continuous', 'pump')).log_url)
    await eventually('it has printed', async () => (await yard.send(path)).text.includes('INFO] begun\r\n'))
    expect(await yard.names(DATA_OF('pump', 'continuous'))).toContain('job_log.txt')
  })

  it('lead to the log of a schedule once there is one, and to none before', async () => {
    await yard.script('triggered', 'planned', 'exit 0\n')
    expect((await job('triggered', 'planned')).scheduler_logs_url).toBeNull()
    const body = '{"schedule": "0 0 3 * * *"}'
    await yard.call('/api/triggeredwebjobs/planned/settings', { method: 'PUT', body })
    const log = await yard.send(pathOf((await job('triggered', 'planned')).scheduler_logs_url))
    expect(log.text).toMatch(/Scheduling WebJob with 0 0 3 \* \* \* next schedule expected in /)
  })

  it('cannot be written to', async () => {
    await yard.script('triggered', 'kept', 'echo kept\n')
    const path = pathOf((await yard.runToEnd('kept')).output_url)
    await yard.put(path, 'other')
    expect((await yard.send(path)).text).toContain('INFO] kept\r\n')
  })
})
