import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { command } from '../cli/test-terminal.ts'
import { basicOf } from '../dialects/webjobs-yard.ts'
import { startReceiver } from '../hooks/receiver.ts'
import { eventually } from '../support/eventually.ts'

const SITES = '/subscriptions/any/resourceGroups/any/providers/Microsoft.Web/sites'

let site: string
let server: LiveServer

beforeEach(async () => {
  site = await mkdtemp(join(tmpdir(), 'jobyard-site-'))
  await write('triggered/report', 'run.sh', 'echo report\n')
})
afterEach(async () => {
  await server.stop()
  await rm(site, { recursive: true, force: true })
})

async function write(job: string, file: string, text: string): Promise<void> {
  const folder = join(site, 'site/wwwroot/App_Data/jobs', job)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, file), text)
}

test('a server with a watched folder has its jobs, runs them, and takes no deployment of others', async () => {
  server = await startLiveServer({ site, siteQuiet: '100ms' })
  const { client, url } = server
  await eventually('the job is there', async () => (await client.jobs.list().take()).length === 1)
  const run = await client.runs.create('report')
  expect((await client.runs.wait(run.id)).state).toBe('completed')
  await write('triggered/report', 'settings.job', '{"schedule": "0 0 3 * * *"}')
  await eventually('its schedule is followed', async () => (await client.jobs.get('report')).nextDue !== null)

  const packed = await client.packages.upload(Buffer.from('echo other\n'), 'run.sh')
  const refused = { status: 409, code: 'source-controlled' }
  await expect(client.jobs.put({ name: 'report', package: packed.hash })).rejects.toMatchObject(refused)
  await expect(client.jobs.create({ name: 'new', package: packed.hash })).rejects.toMatchObject(refused)
  await expect(client.jobs.remove('report')).rejects.toMatchObject(refused)
  const headers = { authorization: basicOf(server.token), 'content-disposition': 'attachment; filename=run.sh' }
  const put = { method: 'PUT', headers, body: 'echo other\n' }
  const answer = await fetch(`${url}/api/triggeredwebjobs/report`, put)
  expect(answer.status).toBe(409)
  expect(await answer.text()).toContain(`come from the folder ${site}`)
  // Kudu says so of every deletion, and Resource Manager passes it on; the job stays.
  for (const path of ['/api/triggeredwebjobs/report', `${SITES}/default/triggeredwebjobs/report`]) {
    const authorization = path.startsWith('/api') ? headers.authorization : `Bearer ${server.token}`
    const deleted = await fetch(`${url}${path}`, { method: 'DELETE', headers: { authorization } })
    expect([deleted.status, await deleted.text()], path).toEqual([200, ''])
    expect(await client.jobs.get('report')).toMatchObject({ name: 'report' })
  }
  // Collections of their own are not of the folder.
  await client.collections.create('apart')
  await client.jobs.create({ collection: 'apart', name: 'mine', package: packed.hash })

  await write('triggered/lame', 'readme.txt', 'no script')
  const folder = await eventually('what is no job is told', async () => {
    const told = await client.collections.folder('default')
    return told !== null && told.problems.length > 0 && told
  })
  expect(folder).toMatchObject({ path: site, problems: [{ message: expect.stringMatching(/No script was found/) }] })
  const shown = await command(['collection', 'folder', 'default'], { env: server.env })
  expect(shown.out).toMatch(/not deployed +.*lame: No script was found/)
  expect(await client.collections.folder('apart')).toBeNull()
  expect((await command(['collection', 'folder', 'apart'], { env: server.env })).out).toMatch(/from no folder/)

  await rm(join(site, 'site/wwwroot/App_Data/jobs/triggered/report'), { recursive: true })
  await eventually('it is gone', async () => (await client.jobs.list({ collection: 'default' }).take()).length === 0)
})

test('what was added while the server was away is there before anything is answered', async () => {
  const kept = await mkdtemp(join(tmpdir(), 'jobyard-kept-'))
  onTestFinished(() => rm(kept, { recursive: true, force: true }))
  await chmod(kept, 0o711)
  const flags = { site, siteQuiet: '100ms', data: join(kept, 'data') }
  const names = async () => (await server.client.jobs.list().take()).map(({ name }) => name).toSorted()
  server = await startLiveServer(flags)
  await eventually('it is there', async () => (await names()).join() === 'report')
  await server.stop()
  await write('triggered/added', 'run.sh', 'echo added\n')
  await rm(join(site, 'site/wwwroot/App_Data/jobs/triggered/report'), { recursive: true })
  const { ctimeMs } = await stat(join(site, 'site/wwwroot/App_Data/jobs/triggered/added'))
  await eventually('it has lain there for a while', () => Date.now() - ctimeMs > 150)
  server = await startLiveServer(flags)
  expect(await names()).toContain('added')
  await eventually('what is gone goes', async () => (await names()).join() === 'added')
})

test('a hook is called for the run of a real script, with the addresses of this server', async () => {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.stop())
  server = await startLiveServer({ site, siteQuiet: '100ms', callsNetworks: 'loopback' })
  const { client } = server
  await eventually('the job is there', async () => (await client.jobs.list().take()).length === 1)
  const hook = await client.hooks.create({ event: 'run-finished', url: receiver.url })
  await client.runs.wait((await client.runs.create('report')).id)
  const [call] = await eventually('it is told', () => receiver.calls.length > 0 && receiver.calls)
  const told = JSON.parse(String(call?.body))
  expect(told).toMatchObject({ job_name: 'report', status: 'Success' })
  expect(told.url).toBe(`${server.url}/api/triggeredwebjobs/report/history/${told.id}`)
  await eventually('how it went is kept', async () => (await client.hooks.get(hook.id)).last?.status === 200)
  await client.hooks.remove(hook.id)
  expect(await client.hooks.list().take()).toEqual([])
})

test('scripts find the folder of their web site, those of other collections their own', async () => {
  const print = 'echo "$WEBROOT_PATH $JOBYARD_WEBROOT_PATH"\n'
  await write('triggered/report', 'run.sh', print)
  server = await startLiveServer({ site, siteQuiet: '100ms' })
  const { client } = server
  const printed = async (job: string, collection: string) => {
    const { id } = await client.runs.create(job, {}, { collection })
    await client.runs.wait(id)
    const { items } = await client.output.page(id)
    return items.flatMap(({ stream, text }) => (stream === 'output' ? [text] : [])).join('')
  }
  await eventually('the job is there', async () => (await client.jobs.list().take()).length === 1)
  const wwwroot = join(site, 'site/wwwroot')
  expect(await printed('report', 'default')).toBe(`${wwwroot} ${wwwroot}\n`)
  await client.collections.create('apart')
  const { hash } = await client.packages.upload(Buffer.from(print), 'run.sh')
  const { id } = await client.jobs.create({ collection: 'apart', name: 'mine', package: hash })
  expect(await printed('mine', 'apart')).toContain(id)
})

test('an address on loopback is refused unless the settings allow it', async () => {
  server = await startLiveServer({ site })
  await expect(server.client.hooks.create({ event: 'run-finished', url: 'http://127.0.0.1:9/' })).rejects.toMatchObject(
    { code: 'destination-refused' },
  )
})
