import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSiteManagementClient } from '@azure/arm-appservice'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

const GROUP = 'any-group'
const SITE = 'default'
const SLOT = 'production'

let folder: string
let yard: WebJobsYard
let apps: WebSiteManagementClient['webApps']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-arm-'))
  const [tlsKey, tlsCert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  // This client sends its token over TLS only.
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', tlsKey, '-out', tlsCert, ...subject], {
    stdio: 'ignore',
  })
  const ca = await readFile(tlsCert, 'utf8')
  yard = await openWebJobsYard({ tlsKey, tlsCert }, ca)
  await yard.script('triggered', 'report', 'exit 0\n')
  await yard.script('continuous', 'pump', UNTIL_TOLD)
  await yard.status('pump', 'Running')
  const credential = {
    getToken: async () => ({ token: yard.server.token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  }
  const options = { endpoint: yard.url, tlsOptions: { ca }, retryOptions: { maxRetries: 0 } }
  apps = new WebSiteManagementClient(credential, '00000000-0000-0000-0000-000000000000', options).webApps
})

afterAll(async () => {
  await yard.server.stop()
  await rm(folder, { recursive: true })
})

async function toStatus(status: string): Promise<void> {
  await eventually(`the pump is ${status}`, async () => {
    return (await apps.getContinuousWebJob(GROUP, SITE, 'pump')).status === status
  })
}

describe('the client @azure/arm-appservice, as it comes from npm', () => {
  it('lists and shows jobs of both types', async () => {
    const all = await Array.fromAsync(apps.listWebJobs(GROUP, SITE))
    expect(all.map(({ name, webJobType }) => [name, webJobType])).toEqual([
      ['default/report', 'Triggered'],
      ['default/pump', 'Continuous'],
    ])
    expect(await apps.getWebJob(GROUP, SITE, 'pump')).toMatchObject({ name: 'default/pump', runCommand: 'run.sh' })
    const ofSlot = await Array.fromAsync(apps.listWebJobsSlot(GROUP, SITE, SLOT))
    expect(ofSlot.map(({ name }) => name)).toEqual(['default/production/report', 'default/production/pump'])
    expect(await apps.getWebJobSlot(GROUP, SITE, 'report', SLOT)).toMatchObject({ name: 'default/production/report' })
  })

  it('starts a triggered job and reads its runs', async () => {
    await apps.runTriggeredWebJob(GROUP, SITE, 'report')
    const run = await eventually('the run has ended', async () => {
      const { latestRun } = await apps.getTriggeredWebJob(GROUP, SITE, 'report')
      return latestRun?.status === 'Success' && latestRun.endTime !== undefined && latestRun
    })
    expect(run).toMatchObject({ webJobName: 'report', jobName: 'report', errorUrl: null })
    expect(run.startTime).toBeInstanceOf(Date)
    expect(Math.abs(Number(run.startTime) - Date.now())).toBeLessThan(60_000)
    const [job] = await Array.fromAsync(apps.listTriggeredWebJobs(GROUP, SITE))
    expect(job).toMatchObject({ name: 'default/report', latestRun: { webJobId: run.webJobId }, usingSdk: false })
    const history = await Array.fromAsync(apps.listTriggeredWebJobHistory(GROUP, SITE, 'report'))
    expect(history).toMatchObject([{ runs: [{ webJobId: run.webJobId, status: 'Success' }] }])
    const item = await apps.getTriggeredWebJobHistory(GROUP, SITE, 'report', run.webJobId ?? '')
    expect(item).toMatchObject({ name: `default/report/${run.webJobId}`, runs: [{ duration: run.duration }] })
  })

  it('does the same in the slot of the server', async () => {
    await apps.runTriggeredWebJobSlot(GROUP, SITE, 'report', SLOT)
    const run = await eventually('both runs have ended', async () => {
      const { latestRun } = await apps.getTriggeredWebJobSlot(GROUP, SITE, 'report', SLOT)
      return latestRun?.status === 'Success' && latestRun
    })
    expect(await Array.fromAsync(apps.listTriggeredWebJobsSlot(GROUP, SITE, SLOT))).toHaveLength(1)
    expect(await Array.fromAsync(apps.listTriggeredWebJobHistorySlot(GROUP, SITE, 'report', SLOT))).toHaveLength(2)
    const item = await apps.getTriggeredWebJobHistorySlot(GROUP, SITE, 'report', run.webJobId ?? '', SLOT)
    expect(item.runs).toHaveLength(1)
    await expect(apps.getTriggeredWebJobSlot(GROUP, SITE, 'report', 'staging')).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    })
  })

  it('stops and starts a continuous job', async () => {
    await apps.stopContinuousWebJob(GROUP, SITE, 'pump')
    await toStatus('Stopped')
    await apps.startContinuousWebJob(GROUP, SITE, 'pump')
    await toStatus('Running')
    await apps.stopContinuousWebJobSlot(GROUP, SITE, 'pump', SLOT)
    await toStatus('Stopped')
    await apps.startContinuousWebJobSlot(GROUP, SITE, 'pump', SLOT)
    await toStatus('Running')
    const [job] = await Array.fromAsync(apps.listContinuousWebJobs(GROUP, SITE))
    expect(job).toMatchObject({ name: 'default/pump', status: 'Running', webJobType: 'Continuous' })
    expect(await Array.fromAsync(apps.listContinuousWebJobsSlot(GROUP, SITE, SLOT))).toHaveLength(1)
    expect(await apps.getContinuousWebJobSlot(GROUP, SITE, 'pump', SLOT)).toMatchObject({ status: 'Running' })
  })

  it('takes jobs away and is told what is not there', async () => {
    await apps.deleteContinuousWebJob(GROUP, SITE, 'pump')
    await apps.deleteContinuousWebJobSlot(GROUP, SITE, 'pump', SLOT)
    await apps.deleteTriggeredWebJob(GROUP, SITE, 'report')
    await apps.deleteTriggeredWebJobSlot(GROUP, SITE, 'report', SLOT)
    expect(await Array.fromAsync(apps.listWebJobs(GROUP, SITE))).toEqual([])
    const absent = { statusCode: 404, code: 'ResourceNotFound' }
    await expect(apps.getWebJob(GROUP, SITE, 'report')).rejects.toMatchObject(absent)
    await expect(apps.runTriggeredWebJob(GROUP, SITE, 'report')).rejects.toMatchObject(absent)
    await expect(apps.getContinuousWebJob(GROUP, 'elsewhere', 'pump')).rejects.toMatchObject(absent)
  })
})
