import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { command } from '../cli/test-terminal.ts'
import { deployScript } from '../client/scripts.ts'
import { makeZip } from '../script/zip-maker.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

describe('what counts for a job', () => {
  test('is nobody’s word, then that of the app settings, then its own', async () => {
    const { client } = server
    const job = await deployScript(client, 'triggered', 'true', { policy: {} })
    expect(job.effective).toMatchObject({
      keepRuns: { value: 100, from: 'default' },
      grace: { value: '30s', from: 'default' },
      idleTimeout: { value: null, from: 'default' },
      stopSignal: { value: 'after-grace', from: 'default' },
      memory: { from: 'server' },
      processes: { from: 'server' },
    })
    expect(job.effective).not.toHaveProperty('restart')
    await client.settings.change({ WEBJOBS_HISTORY_SIZE: '7', WEBJOBS_IDLE_TIMEOUT: '90' })
    expect((await client.jobs.get(job.id)).effective).toMatchObject({
      keepRuns: { value: 7, from: 'app-settings' },
      idleTimeout: { value: '1m30s', from: 'app-settings' },
    })
    const own = { policy: { keepRuns: 9, grace: '1s' }, spec: { memory: 'none', processes: 5, idleTimeout: '1h' } }
    expect((await client.jobs.patch(job.id, own)).effective).toMatchObject({
      keepRuns: { value: 9, from: 'job' },
      grace: { value: '1s', from: 'job' },
      idleTimeout: { value: '1h', from: 'job' },
      memory: { value: null, from: 'job' },
      processes: { value: 5, from: 'job' },
    })
  })

  test('of a continuous job is the wait before its start, and no setting that is for triggered ones', async () => {
    const { client } = server
    await client.settings.replace({ WEBJOBS_HISTORY_SIZE: '7', WEBJOBS_IDLE_TIMEOUT: '90', WEBJOBS_RESTART_TIME: '3' })
    const continuous = { type: 'continuous', triggers: [{ type: 'continuous' }], enabled: false, policy: {} }
    const job = await deployScript(client, 'continuous', 'true', continuous)
    expect(job.effective).toMatchObject({
      keepRuns: { value: 100, from: 'default' },
      restart: { value: '3s', from: 'app-settings' },
      grace: { value: '5s', from: 'default' },
      idleTimeout: { value: null, from: 'default' },
    })
    const changed = await client.jobs.patch(job.id, { policy: { restart: { delay: '9s' } } })
    expect(changed.effective.restart).toEqual({ value: '9s', from: 'job' })
  })

  test('is told as the word of settings.job where that set a rule, until somebody says otherwise', async () => {
    const settings = { jobyard: { keepRuns: 12, restart: { delay: '4s' } } }
    const zip = makeZip([
      { name: 'run.sh', data: 'true\n' },
      { name: 'settings.job', data: JSON.stringify(settings) },
    ])
    const { hash } = await server.client.packages.upload(new Uint8Array(zip), 'job.zip')
    const draft = { name: 'ruled', type: 'continuous', triggers: [{ type: 'continuous' as const }], enabled: false }
    const { job } = await server.client.jobs.put({ ...draft, package: hash })
    expect(job.effective).toMatchObject({
      keepRuns: { value: 12, from: 'settings.job' },
      restart: { value: '4s', from: 'settings.job' },
    })
    const { out } = await command(['script', 'show', 'ruled'], { env: server.env })
    expect(out).toContain('12 runs, by settings.job')
    const changed = await server.client.jobs.patch(job.id, { policy: { keepRuns: 9, restart: { delay: '5s' } } })
    expect(changed.effective).toMatchObject({ keepRuns: { from: 'job' }, restart: { value: '5s', from: 'job' } })
  })

  test('is what settings.job says where the job says nothing, and the command line tells so', async () => {
    const settings = { stopping_wait_time: 7, jobyard: { limits: { memory: '128MB' }, stopSignal: 'at-once' } }
    const zip = makeZip([
      { name: 'run.sh', data: 'true\n' },
      { name: 'settings.job', data: JSON.stringify(settings) },
    ])
    const { hash } = await server.client.packages.upload(new Uint8Array(zip), 'job.zip')
    const { job } = await server.client.jobs.put({ name: 'packed', package: hash })
    expect(job.effective).toMatchObject({
      grace: { value: '7s', from: 'settings.job' },
      memory: { value: '128MB', from: 'settings.job' },
      stopSignal: { value: 'at-once', from: 'settings.job' },
    })
    await server.client.settings.replace({ WEBJOBS_HISTORY_SIZE: '7' })
    const { out } = await command(['script', 'show', 'packed'], { env: server.env })
    expect(out).toContain('7 runs, by an app setting')
    expect(out).toContain('7s, by settings.job')
  })
})
