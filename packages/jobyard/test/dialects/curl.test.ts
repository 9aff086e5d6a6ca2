import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

const start = promisify(execFile)

let folder: string
let yard: WebJobsYard

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-curl-'))
  yard = await openWebJobsYard()
})

afterAll(async () => {
  await yard.server.stop()
  await rm(folder, { recursive: true })
})

/** Calls curl with a user and a token as its password; the status and the body of the answer. */
async function curl(path: string, ...options: string[]): Promise<{ status: number; body: string }> {
  const user = `$shop:${yard.server.token}`
  const write = ['--silent', '--show-error', '--write-out', '\n%{http_code}']
  const { stdout } = await start('curl', [...write, '--user', user, ...options, `${yard.url}${path}`])
  const cut = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut) }
}

async function zipFile(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, makeZip(Object.entries(files).map(([file, data]) => ({ name: file, data }))))
  return path
}

describe('curl, as people use it with Kudu', () => {
  it('uploads a zip, starts it, waits for its end and takes it away', async () => {
    const zip = await zipFile('report.zip', { 'run.sh': 'echo "hello $1"\n', 'settings.job': '{"mine": 1}' })
    const headers = [
      '-H',
      'Content-Type: application/zip',
      '-H',
      'Content-Disposition: attachment; filename=report.zip',
    ]
    const put = await curl('/api/triggeredwebjobs/report', '-X', 'PUT', ...headers, '--data-binary', `@${zip}`)
    expect(put.status).toBe(200)
    expect(JSON.parse(put.body)).toMatchObject({ name: 'report', run_command: 'run.sh', settings: { mine: 1 } })
    // As with IIS, which wants a length, and without.
    expect((await curl('/api/triggeredwebjobs/report/run?arguments=you', '-X', 'POST', '-d', '')).status).toBe(202)
    await ended('report')
    expect((await curl('/api/triggeredwebjobs/report/run', '-X', 'POST')).status).toBe(202)
    await ended('report')
    const { runs } = JSON.parse((await curl('/api/triggeredwebjobs/report/history')).body)
    expect(runs).toMatchObject([{ status: 'Success' }, { status: 'Success' }])
    expect(runs[0].trigger).toMatch(/^External - curl\//)
    expect((await curl('/api/triggeredwebjobs/report', '-X', 'DELETE')).status).toBe(200)
    expect(await curl('/api/triggeredwebjobs/report')).toEqual({ status: 404, body: '' })
  })

  it('uploads one file, with its length or in pieces', async () => {
    const path = join(folder, 'run.sh')
    await writeFile(path, `# ${'x'.repeat(100_000)}\nexit 0\n`)
    const headers = ['-H', 'Content-Disposition: attachment; filename=run.sh']
    for (const more of [[], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect: 100-continue']]) {
      const put = await curl('/api/continuouswebjobs/one', ...headers, ...more, '--upload-file', path)
      expect(put.status, more.join()).toBe(200)
    }
    expect((await curl('/api/continuouswebjobs/one', '-X', 'DELETE')).status).toBe(200)
  })

  it('sets the schedule of a job, as deployment scripts do', async () => {
    await yard.script('triggered', 'planned', 'exit 0\n')
    const body = ['-X', 'PUT', '-H', 'Content-Type: application/json', '-d', '{"schedule": "0 */15 * * * *"}']
    expect(await curl('/api/triggeredwebjobs/planned/settings', ...body)).toEqual({ status: 200, body: '' })
    const { triggers } = await yard.server.client.jobs.get('planned')
    expect(triggers).toMatchObject([{ type: 'schedule', ncrontab: '0 */15 * * * *', origin: 'package' }])
    // Settings are replaced and not merged: what is not said is not so.
    await curl('/api/triggeredwebjobs/planned/settings', '-X', 'PUT', '-d', '{}')
    expect((await yard.server.client.jobs.get('planned')).triggers).toEqual([])
    const { scheduler_logs_url: log } = JSON.parse((await curl('/api/triggeredwebjobs/planned')).body)
    expect((await curl(new URL(log).pathname)).body).toMatch(/Removing current schedule from WebJob\r\n$/)
  })

  it('replaces a schedule that was set for the job itself', async () => {
    await yard.script('triggered', 'owned', 'exit 0\n')
    const own = { type: 'schedule', ncrontab: '0 0 1 * * *', timeZone: 'Europe/Berlin' } as const
    await yard.server.client.jobs.patch('owned', { triggers: [own] })
    const path = '/api/triggeredwebjobs/owned/settings'
    expect((await curl(path)).body).toBe('{"schedule":"0 0 1 * * *"}')
    await curl(path, '-X', 'PUT', '-d', '{"schedule": "0 0 2 * * *"}')
    const { triggers } = await yard.server.client.jobs.get('owned')
    expect(triggers).toMatchObject([{ type: 'schedule', ncrontab: '0 0 2 * * *', timeZone: 'Europe/Berlin' }])
    await curl(path, '-X', 'PUT', '-d', '{}')
    expect((await yard.server.client.jobs.get('owned')).triggers).toEqual([])
  })

  it('reads and writes files, as in the examples of VFS and zip', async () => {
    const jobs = '/api/vfs/site/wwwroot/App_Data/jobs/triggered'
    const script = join(folder, 'vfs-run.sh')
    await writeFile(script, 'echo "of curl" > "$WEBJOBS_DATA_PATH/out.txt"\n')
    expect((await curl(`${jobs}/bycurl/run.sh`, '-X', 'PUT', '-T', script)).status).toBe(201)
    expect((await curl(`${jobs}/bycurl/run.sh`, '-X', 'PUT', '-T', script)).status).toBe(412)
    expect((await curl(`${jobs}/bycurl/run.sh`, '-X', 'PUT', '-T', script, '-H', 'If-Match: *')).status).toBe(204)
    expect((await curl('/api/triggeredwebjobs/bycurl/run', '-X', 'POST', '-d', '')).status).toBe(202)
    await ended('bycurl')
    expect(await curl('/api/vfs/data/jobs/triggered/bycurl/out.txt')).toEqual({ status: 200, body: 'of curl\n' })
    // Without its slash a folder is somewhere else, where curl goes when it is told to.
    expect((await curl('/api/vfs/data/jobs/triggered/bycurl')).status).toBe(307)
    const listed = await curl('/api/vfs/data/jobs/triggered/bycurl', '-L')
    const [out] = JSON.parse(listed.body).filter(({ name }: { name: string }) => name === 'out.txt')
    expect(out).toMatchObject({ size: 8, mime: 'text/plain' })
    // It goes on where it was broken off.
    const part = join(folder, 'part.txt')
    await writeFile(part, 'of ')
    await curl('/api/vfs/data/jobs/triggered/bycurl/out.txt', '-C', '-', '-o', part)
    expect(await readFile(part, 'utf8')).toBe('of curl\n')
    const zip = await zipFile('over.zip', { 'lib/more.txt': 'more' })
    expect(
      (await curl('/api/zip/site/wwwroot/App_Data/jobs/triggered/bycurl/', '-X', 'PUT', '--data-binary', `@${zip}`))
        .status,
    ).toBe(200)
    expect((await curl(`${jobs}/bycurl/lib/more.txt`)).body).toBe('more')
    const taken = join(folder, 'taken.zip')
    await curl('/api/zip/site/wwwroot/App_Data/jobs/triggered/bycurl/', '-o', taken)
    expect((await readFile(taken)).subarray(0, 4)).toEqual(Buffer.from('PK\u0003\u0004'))
    expect((await curl(`${jobs}/bycurl/lib/more.txt`, '-X', 'DELETE', '-H', 'If-Match: *')).status).toBe(200)
    expect((await curl(`${jobs}/bycurl/?recursive=true`, '-X', 'DELETE')).status).toBe(200)
    expect((await curl('/api/triggeredwebjobs/bycurl')).status).toBe(404)
  })

  it('keeps settings when the job is deployed again by /v1, and says so', async () => {
    await yard.script('triggered', 'mixed', 'exit 0\n')
    await curl('/api/triggeredwebjobs/mixed/settings', '-X', 'PUT', '-d', '{"schedule": "0 0 2 * * *"}')
    const zip = await readFile(
      await zipFile('mixed.zip', { 'run.sh': 'exit 0\n', 'settings.job': '{"schedule": "0 0 9 * * *"}' }),
    )
    const uploaded = await yard.server.client.packages.upload(zip, 'mixed.zip')
    const { triggers, warnings } = await yard.server.client.jobs.patch('mixed', { package: uploaded.hash })
    expect(triggers).toMatchObject([{ ncrontab: '0 0 2 * * *' }])
    expect(warnings.map(({ code }) => code)).toContain('settings-overridden')
  })
})

async function ended(name: string): Promise<void> {
  await eventually(`${name} has ended`, async () => {
    const { latest_run: run } = JSON.parse((await curl(`/api/triggeredwebjobs/${name}`)).body)
    return run.end_time !== '0001-01-01T00:00:00'
  })
}
