import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { command } from '../cli/test-terminal.ts'
import { basicOf } from '../dialects/webjobs-yard.ts'
import { eventually } from '../support/eventually.ts'
import { makeZip } from './zip-maker.ts'

const SCRIPT = { name: 'run.sh', data: 'exit 0\n' }
const BROKEN = '{\n  "schedule": 0 0 3\n}'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

const zipWith = (settings: string | Buffer, folder = '') =>
  makeZip([
    { ...SCRIPT, name: `${folder}run.sh` },
    { name: `${folder}settings.job`, data: settings },
  ])

const upload = (zip: Buffer) => server.client.packages.upload(Buffer.from(zip), 'job.zip')

const putByKudu = (name: string, zip: Buffer, { url, token } = server) =>
  fetch(`${url}/api/triggeredwebjobs/${name}`, {
    method: 'PUT',
    headers: {
      authorization: basicOf(token),
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename=job.zip',
    },
    body: zip,
  })

describe('a package whose settings.job is no JSON object', () => {
  test.each([
    ['not an object at all', '{not json', 1, /line 1, column 2: the name of a member/],
    ['a schedule without quotes', BROKEN, 18, /line 2, column 17: "," or "}" is expected/],
    ['a list', '[1]', 0, /line 1, column 1: a JSON object, which begins with \{, is expected/],
    ['a text', '"text"', 0, /a JSON object/],
    ['null', 'null', 0, /a JSON object/],
    ['nothing', '', 0, /a JSON object.*the text ends/],
    ['two objects', '{} {}', 3, /nothing more is expected/],
    ['UTF-16', Buffer.from('{}', 'utf16le'), undefined, /null character|is expected|not UTF-8/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), undefined, /is not UTF-8 text/],
    ['too large', `{"x": "${'x'.repeat(70_000)}"}`, undefined, /has 700\d\d bytes; at most 65536 are read/],
  ])('is refused when it is uploaded to /v1, with the place: %s', async (_what, settings, position, message) => {
    const error = await upload(zipWith(settings)).catch((refused: unknown) => refused)
    expect(error).toMatchObject({ status: 400, code: 'settings-invalid', field: 'settings.job' })
    expect(error).toMatchObject({ detail: expect.stringMatching(message), hint: expect.stringMatching(/\w/) })
    if (position !== undefined) expect(error).toMatchObject({ position })
  })

  test('is refused also where everything lies in a folder', async () => {
    await expect(upload(zipWith(BROKEN, 'job/'))).rejects.toMatchObject({ code: 'settings-invalid' })
  })

  test('is refused by the command line with exit code 2, and the job stays as it was', async () => {
    const folder = join(server.folder, 'broken')
    await mkdir(folder)
    await writeFile(join(folder, 'run.sh'), SCRIPT.data)
    const deploy = () =>
      command(['script', 'deploy', 'broken', '--name', 'stays', '--timeout', '7m'], {
        env: server.env,
        folder: server.folder,
      })
    await writeFile(join(folder, 'settings.job'), '{"schedule": "0 0 3 * * *"}')
    expect((await deploy()).exit).toBe(0)
    const before = await server.client.jobs.get('stays')
    await writeFile(join(folder, 'settings.job'), BROKEN)
    const { exit, err, out } = await deploy()
    expect([exit, out]).toEqual([2, ''])
    expect(err).toContain('settings.job is not valid JSON in line 2, column 17')
    expect(err).toMatch(/Write one JSON object, such as .*, or leave the file out\./)
    expect(await server.client.jobs.get('stays')).toEqual(before)
    expect(await server.client.jobs.packages('stays')).toHaveLength(1)
  })

  test('is taken by the addresses of Kudu with a warning, and can be gone back to', async () => {
    expect((await putByKudu('lenient', zipWith(BROKEN))).status).toBe(200)
    const taken = await server.client.jobs.get('lenient')
    const warning = { code: 'settings-unreadable', message: expect.stringContaining('None of settings.job counts') }
    expect(taken.warnings).toMatchObject([warning])
    await expect(upload(zipWith(BROKEN))).rejects.toMatchObject({ code: 'settings-invalid' })
    const { hash } = await upload(zipWith('{}'))
    expect((await server.client.jobs.put({ name: 'lenient', package: hash })).job.warnings).toEqual([])
    const back = await server.client.jobs.rollback('lenient')
    expect(back).toMatchObject({ package: taken.package, warnings: [warning] })
    expect((await server.client.jobs.patch('lenient', { policy: { keepRuns: 7 } })).warnings).toMatchObject([warning])
  })

  test('is taken as files of a job are edited, with a warning', async () => {
    const { hash } = await upload(zipWith('{}'))
    await server.client.jobs.put({ name: 'edited', package: hash })
    const address = `${server.url}/api/vfs/site/wwwroot/App_Data/jobs/triggered/edited/settings.job`
    const headers = { authorization: basicOf(server.token), 'if-match': '*' }
    expect((await fetch(address, { method: 'PUT', headers, body: BROKEN })).status).toBeLessThan(300)
    const edited = await eventually('it is a package', async () => {
      const job = await server.client.jobs.get('edited')
      return job.package === hash ? undefined : job
    })
    expect(edited.warnings).toMatchObject([{ code: 'settings-unreadable' }])
  })

  test('is taken from a watched folder, with a warning', async () => {
    const site = join(server.folder, 'site')
    const job = join(site, 'App_Data/jobs/triggered/watched')
    await mkdir(job, { recursive: true })
    await writeFile(join(job, 'run.sh'), SCRIPT.data)
    await writeFile(join(job, 'settings.job'), BROKEN)
    const watching = await startLiveServer({ site, siteQuiet: '100ms' })
    onTestFinished(() => watching.stop())
    const watched = await eventually('the job is there', () =>
      watching.client.jobs.get('watched').catch(() => undefined),
    )
    expect(watched.warnings).toMatchObject([{ code: 'settings-unreadable' }])
  })
})
