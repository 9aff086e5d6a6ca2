import type { Job, JobInput } from '@jobyard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { eventually } from '../support/eventually.ts'
import { makeZip } from './zip-maker.ts'

const SCRIPT = 'while [ "$WEBJOBS_TYPE" = continuous ] && [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done\n'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

/** Deploys a package whose settings.job says this; `files` lie beside it. */
async function deploy(
  name: string,
  settings: unknown,
  input: Partial<JobInput> = {},
  files: string[] = [],
): Promise<Job> {
  const said = typeof settings === 'string' ? settings : JSON.stringify(settings)
  const zip = makeZip([
    { name: 'run.sh', data: SCRIPT },
    { name: 'settings.job', data: said },
    ...files.map((each) => ({ name: each, data: '' })),
  ])
  const { hash } = await server.client.packages.upload(Buffer.from(zip), 'job.zip')
  return (await server.client.jobs.put({ name, ...input, package: hash })).job
}

describe('what settings.job says under jobyard', () => {
  const RULES = { overlap: 'queue', timeout: '5m', retry: { attempts: 3 }, limits: { output: '1MB' } }

  test('are the rules of the job from its first deployment on', async () => {
    const { policy, warnings } = await deploy('first', { jobyard: RULES })
    expect(warnings).toEqual([])
    expect(policy).toMatchObject({
      overlap: 'queue',
      timeout: '5m',
      retry: { kind: 'fixed', attempts: 3, delay: '30s' },
      output: '1MB',
    })
  })

  test('goes with the package, and leaves alone what somebody has set', async () => {
    await deploy('second', { jobyard: RULES })
    await server.client.jobs.patch('second', { policy: { timeout: '7m' } })
    const next = await deploy('second', { jobyard: { overlap: 'skip', timeout: '1m' } })
    expect(next.policy).toMatchObject({ overlap: 'skip', timeout: '7m', retry: { kind: 'none' }, output: '32MB' })
    const said = await deploy('second', { jobyard: { overlap: 'skip' } }, { policy: { overlap: 'allow' } })
    expect(said.policy).toMatchObject({ overlap: 'allow', timeout: '7m' })
    const without = await deploy('second', {})
    expect(without.policy).toMatchObject({ overlap: 'allow', timeout: '7m' })
  })

  test('and what a change without a package leaves as it was', async () => {
    await deploy('third', { jobyard: RULES })
    const changed = await server.client.jobs.patch('third', { policy: { keepRuns: 7 } })
    expect(changed.policy).toMatchObject({ overlap: 'queue', timeout: '5m', keepRuns: 7 })
  })

  test('names the zone of the schedule beside it', async () => {
    const zoned = await deploy('zoned', { schedule: '0 0 12 * * *', jobyard: { timeZone: 'Pacific Standard Time' } })
    expect(zoned.triggers).toMatchObject([
      { ncrontab: '0 0 12 * * *', timeZone: 'America/Los_Angeles', origin: 'package' },
    ])
    expect(zoned.warnings).toEqual([])
  })
})

describe('a mistake in settings.job', () => {
  test.each([
    ['settings-ignored', { stopping_wait_time: '5' }],
    ['settings-ignored', { is_singleton: 'yes' }],
    ['settings-ignored', { jobyard: { overlap: 'que' } }],
    ['settings-unknown', { jobyard: { overlaps: 'queue' } }],
    ['schedule-invalid', { schedule: '*/5 * * * *' }],
  ])('is the warning %s on the job, which is deployed all the same: %j', async (code, settings) => {
    const job = await deploy(`wrong-${code}`, settings)
    expect(job.warnings).toMatchObject([{ code, message: expect.stringContaining('settings.job') }])
    expect(job.triggers).toEqual([])
    expect((await server.client.jobs.get(job.name)).warnings).toEqual(job.warnings)
  })

  test('in a schedule for a continuous job is told, too', async () => {
    const job = await deploy('unscheduled', { schedule: '0 0 12 * * *' }, { type: 'continuous', enabled: false })
    expect(job.warnings).toMatchObject([{ code: 'schedule-ignored' }])
  })
})

describe('disable.job beside the script', () => {
  test('stops a continuous job at each deployment, and the next package without it starts it again', async () => {
    const type = 'continuous'
    const stopped = await deploy('off', {}, { type }, ['disable.job'])
    expect(stopped).toMatchObject({ enabled: false, state: 'stopped', warnings: [{ code: 'disabled-by-package' }] })
    await server.client.jobs.start('off')
    await eventually('it runs', async () => (await server.client.jobs.get('off')).state === 'running')
    expect((await server.client.jobs.patch('off', { policy: { keepRuns: 9 } })).enabled).toBe(true)
    expect((await deploy('off', { x: 1 }, { type }, ['disable.job'])).enabled).toBe(false)
    expect((await deploy('off', { x: 2 }, { type })).enabled).toBe(true)
    await server.client.jobs.stop('off')
    expect((await deploy('off', { x: 3 }, { type })).enabled).toBe(false)
  })

  test('gives way to whoever deploys and says so', async () => {
    const job = await deploy('on', {}, { type: 'continuous', enabled: true }, ['disable.job'])
    expect(job.enabled).toBe(true)
    await server.client.jobs.stop('on')
  })

  test('means nothing to a triggered job', async () => {
    expect(await deploy('triggered', {}, {}, ['disable.job'])).toMatchObject({ enabled: true, warnings: [] })
  })
})
