import { afterAll, beforeAll, expect, test } from 'vitest'
import { basicOf } from '../dialects/webjobs-yard.ts'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

test('jobyard audit says in words what was changed of a script, and shows no variable', async () => {
  await deployScript(server.client, 'report', 'true', { spec: { memory: '64MB', env: { REGION: 'eu-hidden' } } })
  await server.client.jobs.patch('report', {
    spec: {
      memory: '128MB',
      env: { REGION: null, OTHER: 'us-hidden' },
      secrets: { KEY: 'key-hidden' },
      args: ['hidden'],
    },
    policy: { timeout: '5m' },
  })
  const { out, exit } = await command(['audit', '--job', 'report'], { env: server.env })
  expect(exit).toBe(0)
  const [update = ''] = out.split('\n').filter((line) => line.includes('job.update'))
  for (const change of [
    'spec.memory: 64MB → 128MB',
    'policy.timeout: null → 5m',
    'spec.env.REGION removed',
    'spec.env.OTHER set',
    'spec.secrets.KEY set',
    'spec.args set',
  ]) {
    expect(update).toContain(change)
  }
  expect(out).not.toContain('hidden')
})

test('who starts a run as a client of Kudu is on record, without the arguments', async () => {
  await deployScript(server.client, 'by-kudu', 'true')
  const headers = { authorization: basicOf(server.token) }
  const path = '/api/triggeredwebjobs/by-kudu/run?arguments=hidden'
  const { status } = await fetch(`${server.url}${path}`, { method: 'POST', headers })
  expect(status).toBe(202)
  const entries = await server.client.audit.list({}).take()
  const starts = entries.filter(({ action }) => action === 'run.start')
  expect(starts).toMatchObject([{ role: 'admin', targetName: 'by-kudu #1', detail: {} }])
})
