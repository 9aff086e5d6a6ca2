import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { basicOf } from '../dialects/webjobs-yard.ts'
import { eventually } from '../support/eventually.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let server: LiveServer
let receiver: Receiver

afterEach(async () => {
  await server.stop()
  await receiver.stop()
})

/** A server with a hook of its deployments, added as Kudu's clients add one. */
async function start(flags: Readonly<Record<string, string>> = {}): Promise<void> {
  receiver = await startReceiver()
  server = await startLiveServer({ callsNetworks: 'loopback', ...flags })
  const body = JSON.stringify({ event: 'PostDeployment', url: receiver.url })
  const headers = { authorization: basicOf(server.token), 'content-type': 'application/json' }
  expect((await fetch(`${server.url}/api/hooks`, { method: 'POST', headers, body })).status).toBe(201)
}

const put = (type: string, name: string, script: string) =>
  fetch(`${server.url}/api/${type}webjobs/${name}`, {
    method: 'PUT',
    headers: { authorization: basicOf(server.token), 'content-disposition': 'attachment; filename=run.sh' },
    body: script,
  })

/** What the calls so far told, once there are so many. */
async function told(count: number): Promise<Record<string, unknown>[]> {
  await eventually(`${count} calls came`, () => receiver.calls.length >= count)
  return receiver.calls.map(({ body }) => JSON.parse(body))
}

test('each deployment is told once, in whatever way it came, and nothing else is', async () => {
  await start()
  const { client, url } = server
  expect((await put('triggered', 'report', 'echo one\n')).status).toBe(200)
  const [first] = await told(1)
  const { package: one } = await client.jobs.get('report')
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(first).toEqual({
    id: one,
    status: 'success',
    statusText: '',
    author: expect.any(String),
    message: 'Deployed the triggered WebJob report.',
    deployer: 'kudu',
    receivedTime: time,
    startTime: time,
    endTime: time,
    lastSuccessEndTime: time,
    complete: true,
    siteName: 'default',
    hostName: new URL(url).host,
  })
  expect((await put('continuous', 'pump', 'sleep 600\n')).status).toBe(200)
  await told(2)
  const { hash } = await client.packages.upload(Buffer.from('echo two\n'), 'run.sh')
  await client.jobs.put({ name: 'report', type: 'triggered', package: hash })
  await told(3)
  await client.jobs.rollback('report')
  await told(4)
  // Neither an upload that is no job, nor what changes no package.
  expect((await put('triggered', 'report', '')).status).toBe(200)
  await told(5)
  const broken = { authorization: basicOf(server.token), 'content-disposition': 'attachment; filename=readme.txt' }
  const refused = await fetch(`${url}/api/triggeredwebjobs/lame`, { method: 'PUT', headers: broken, body: 'x' })
  expect(refused.status).toBe(400)
  const settings = { method: 'PUT', headers: { authorization: basicOf(server.token) }, body: '{"mine": 1}' }
  expect((await fetch(`${url}/api/triggeredwebjobs/report/settings`, settings)).status).toBe(200)
  await client.jobs.stop('pump')
  await put('triggered', 'last', 'exit 0\n')
  const all = await told(6)
  expect(all.map(({ message, deployer }) => `${deployer}: ${message}`)).toEqual([
    'kudu: Deployed the triggered WebJob report.',
    'kudu: Deployed the continuous WebJob pump.',
    'upload: Deployed the triggered WebJob report.',
    'rollback: Deployed the triggered WebJob report.',
    'kudu: Deployed the triggered WebJob report.',
    'kudu: Deployed the triggered WebJob last.',
  ])
})

test('what is copied into a watched folder is told, too', async () => {
  const site = await mkdtemp(join(tmpdir(), 'jobyard-site-'))
  onTestFinished(() => rm(site, { recursive: true, force: true }))
  const jobs = join(site, 'App_Data/jobs/triggered')
  await mkdir(jobs, { recursive: true })
  await start({ site, siteQuiet: '100ms' })
  const folder = join(jobs, 'copied')
  await mkdir(folder)
  await writeFile(join(folder, 'run.sh'), 'exit 0\n')
  expect(await told(1)).toMatchObject([{ deployer: 'folder', message: 'Deployed the triggered WebJob copied.' }])
})
