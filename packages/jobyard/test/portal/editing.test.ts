import type { Job } from '@jobyard/client'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page
let job: Job

describe.skipIf(NO_BROWSER)('what a job says, in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    await deployScript(portal.client, 'alarm', 'true')
    job = await deployScript(portal.client, 'report', 'true', {
      triggers: [{ type: 'schedule', ncrontab: '0 30 2 * * *', timeZone: 'Europe/Berlin' }],
      spec: { env: { REGION: 'eu', MODE: 'fast' }, secrets: { API_KEY: 'very-secret-indeed' } },
    })
    page = await portal.enter(`/webjobs/${job.id}/properties`)
  })

  const part = (name: string) => page.getByRole('region', { name, exact: true })
  const edit = (name: string) => part(name).getByRole('button', { name: 'Change' }).click()
  const save = async (name: string) => {
    await part(name).getByRole('button', { name: 'Save' }).click()
    await part(name).getByRole('button', { name: 'Change' }).waitFor()
  }
  const focused = () => page.locator(':focus')
  const now = () => portal.client.jobs.get(job.id)

  test('its variables: changed, added by pasting, made secret, taken away; secrets stay untold', async () => {
    await edit('Environment')
    const rows = part('Environment')
    await rows.getByLabel('Value of REGION').fill('us')
    await rows.getByLabel('MODE is secret').check()
    await rows.getByRole('button', { name: 'Another variable' }).click()
    const name = rows.getByLabel('Name of the variable').last()
    await name.evaluate((element) => {
      const world = globalThis as unknown as {
        DataTransfer: new () => { setData(type: string, text: string): void }
        ClipboardEvent: new (type: string, init: object) => Event
      }
      const clipboardData = new world.DataTransfer()
      clipboardData.setData('text', 'URL=https://example.com/?a=b\nLIMIT=5\n')
      element.dispatchEvent(new world.ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    })
    await rows.getByLabel('Value of LIMIT').waitFor()
    expect(await page.content()).not.toContain('very-secret-indeed')
    await save('Environment')
    expect((await now()).spec).toMatchObject({
      env: { REGION: 'us', URL: 'https://example.com/?a=b', LIMIT: '5' },
      secrets: { API_KEY: { set: true }, MODE: { set: true } },
    })
    await edit('Environment')
    await rows.getByRole('button', { name: 'Remove API_KEY' }).click()
    await rows.getByRole('button', { name: 'Another variable' }).click()
    await rows.getByLabel('Name of the variable').last().fill('REGION')
    await rows.getByText('There is one of this name already.').waitFor()
    await rows.getByLabel('Name of the variable').last().fill('JOBYARD_MARK')
    await rows.getByRole('button', { name: 'Save' }).click()
    await rows.getByText(/reserved for finding/).waitFor()
    await rows.getByRole('button', { name: 'Remove JOBYARD_MARK' }).click()
    await save('Environment')
    expect((await now()).spec.secrets).toEqual({ MODE: { set: true } })
  })

  test('its rules, with what the server finds wrong told at the field', async () => {
    await edit('Rules')
    const rules = part('Rules')
    await rules.getByLabel('While it runs').selectOption('queue')
    await rules.getByLabel('Starts that may wait').fill('7')
    await rules.getByLabel('A run that fails').selectOption('exponential')
    await rules.getByLabel('Attempts in all').fill('5000')
    await rules.getByRole('button', { name: 'Save' }).click()
    await rules.getByText(/from 1 to 1000/).waitFor()
    await rules.getByLabel('Attempts in all').fill('5')
    await rules.getByLabel('First wait').fill('soon')
    await rules.getByLabel('If the server dies').selectOption('retry')
    await rules.getByRole('combobox', { name: 'When a run fails, start' }).click()
    await page.getByRole('option', { name: 'alarm' }).click()
    await rules.getByLabel('Finished runs that are kept').fill('20')
    await rules.getByLabel('Kept for').fill('30d')
    await rules.getByRole('button', { name: 'Save' }).click()
    await rules.getByText(/"soon"/).waitFor()
    await rules.getByLabel('First wait').fill('10s')
    await save('Rules')
    const alarm = await portal.client.jobs.get('alarm')
    expect((await now()).policy).toMatchObject({
      overlap: 'queue',
      queueDepth: 7,
      retry: { kind: 'exponential', attempts: 5, delay: '10s', factor: 2, maxDelay: '1h', jitter: 0.2 },
      onCrash: 'retry',
      maxCrashes: 3,
      onFailure: [alarm.id],
      keepRuns: 20,
      keepAge: '30d',
    })
    await rules.getByText('alarm is started').waitFor()
    await portal.client.jobs.patch('alarm', { triggers: [{ type: 'after', jobId: job.id, on: ['failed'] }] })
    await rules.getByRole('link', { name: 'alarm' }).click()
    await page.getByRole('link', { name: 'Properties' }).click()
    await part('About').getByText('report, when that has failed').waitFor()
    await part('About').getByRole('link', { name: 'report' }).click()
    await page.getByRole('link', { name: 'Properties' }).click()
    await page.getByRole('heading', { name: 'report' }).waitFor()
  })

  test('its limits, and back to what is usual by writing nothing', async () => {
    await edit('Limits')
    const limits = part('Limits')
    await limits.getByLabel('Time limit').fill('10m')
    await limits.getByLabel('Ended when idle for').fill('2m')
    await limits.getByLabel('Memory').fill('lots')
    await limits.getByRole('button', { name: 'Save' }).click()
    await limits.getByText(/"lots"/).waitFor()
    await limits.getByLabel('Memory').fill('512MB')
    await save('Limits')
    expect(await now()).toMatchObject({ policy: { timeout: '10m' }, spec: { idleTimeout: '2m', memory: '512MB' } })
    await edit('Limits')
    await limits.getByLabel('Time limit').fill('')
    await limits.getByLabel('Memory').fill('')
    await save('Limits')
    const { policy, spec } = await now()
    expect([policy.timeout, spec]).toEqual([null, expect.not.objectContaining({ memory: '512MB' })])
  })

  test('its arguments and its folder, the keyboard being led into the form and out of it', async () => {
    await edit('Script')
    expect(await focused().evaluate((element) => element.tagName)).toBe('TEXTAREA')
    await part('Script').getByLabel('Arguments').fill('--day\nlast monday\n')
    await part('Script').getByLabel('Working folder').selectOption({ label: 'in place: what runs change in it stays' })
    await save('Script')
    expect((await now()).spec).toMatchObject({ args: ['--day', 'last monday'], inPlace: true })
    expect(await focused().innerText()).toBe('Change')
  })

  test('its schedules: another one, the zone, and what becomes of missed times', async () => {
    const schedule = part('Schedule')
    await edit('Schedule')
    await schedule.getByRole('combobox', { name: 'Time zone' }).fill('Asia/Tokyo')
    await schedule.getByLabel('Missed times').selectOption('all')
    await schedule.getByLabel('If no older than').fill('2h')
    await save('Schedule')
    await schedule.getByText('All missed times are made up for that are no older than 2h.').waitFor()
    await schedule.getByRole('button', { name: 'Another schedule' }).click()
    await schedule.getByLabel('NCRONTAB').fill('0 0 12 * * SUN')
    await schedule.getByRole('button', { name: 'Save' }).click()
    await schedule.getByRole('button', { name: 'Change 0 0 12 * * SUN' }).waitFor()
    expect(await now()).toMatchObject({
      policy: { misfire: { kind: 'all', window: '2h' } },
      triggers: [
        { ncrontab: '0 30 2 * * *', timeZone: 'Asia/Tokyo' },
        { ncrontab: '0 0 12 * * SUN', timeZone: 'UTC' },
      ],
    })
  })

  test('its schedules without a zone, which go by that of the collection and stay with it', async () => {
    const { settings, jobs } = portal.client
    await settings.change({ WEBSITE_TIME_ZONE: 'America/New_York' })
    const { id } = await deployScript(portal.client, 'unzoned', 'true', {
      triggers: [{ type: 'schedule', ncrontab: '0 0 3 * * *' }],
    })
    const other = await portal.enter(`/webjobs/${id}/properties`)
    const schedule = other.getByRole('region', { name: 'Schedule', exact: true })
    await schedule.getByText('America/New_York, the zone of the collection').waitFor()
    await schedule.getByRole('button', { name: 'Change' }).click()
    await schedule.getByText('Empty: that of the collection, America/New_York.').waitFor()
    expect(await schedule.getByRole('combobox', { name: 'Time zone' }).inputValue()).toBe('')
    await schedule.getByLabel('NCRONTAB').fill('0 0 5 * * *')
    await schedule
      .getByText(/05:00:00 -0[45]:00/)
      .first()
      .waitFor()
    await schedule.getByRole('button', { name: 'Save' }).click()
    await schedule.getByRole('button', { name: 'Another schedule' }).waitFor()
    await settings.change({ WEBSITE_TIME_ZONE: 'Asia/Tokyo' })
    expect((await jobs.get(id)).triggers).toMatchObject([
      { ncrontab: '0 0 5 * * *', timeZone: 'Asia/Tokyo', zone: 'default' },
    ])
    await settings.remove('WEBSITE_TIME_ZONE')
    await other.close()
  })

  test('that somebody else changes meanwhile: that is told, and only what was changed here is written', async () => {
    await edit('Rules')
    const rules = part('Rules')
    await rules.getByLabel('Finished runs that are kept').fill('30')
    await portal.client.jobs.patch(job.id, { policy: { keepAge: '7d' } })
    await rules.getByText('Somebody has changed this meanwhile.').waitFor()
    await save('Rules')
    expect((await now()).policy).toMatchObject({ keepRuns: 30, keepAge: '7d' })
    await edit('Rules')
    await portal.client.jobs.patch(job.id, { policy: { keepRuns: 40 } })
    await rules.getByRole('button', { name: 'Begin again with what is there now' }).click()
    expect(await rules.getByLabel('Finished runs that are kept').inputValue()).toBe('40')
    await rules.getByRole('button', { name: 'Cancel' }).click()
  })

  test('its triggers stand still, which the page says, until somebody starts them', async () => {
    await portal.client.jobs.stop(job.id)
    await page.getByText('Its triggers are stopped:').waitFor()
    await page.getByRole('button', { name: 'Start its triggers' }).click()
    await page.getByText('Its triggers are stopped:').waitFor({ state: 'detached' })
    expect((await now()).enabled).toBe(true)
  })

  test('of a continuous one: on how many instances it runs, and when it starts again', async () => {
    const poller = await deployScript(portal.client, 'poller', 'sleep 60', {
      type: 'continuous',
      triggers: [{ type: 'continuous' }],
    })
    await page.goto(`${portal.server.url}/webjobs/${poller.id}/properties`)
    await edit('Script')
    await part('Script').getByRole('radio', { name: 'Single instance' }).click()
    await save('Script')
    await edit('Rules')
    await part('Rules').getByLabel('Starts again after').fill('5s')
    await part('Rules').getByLabel('Each time').selectOption('growing')
    await save('Rules')
    expect(await portal.client.jobs.get(poller.id)).toMatchObject({
      triggers: [{ type: 'continuous', singleton: true }],
      policy: { restart: { delay: '5s', backoff: { factor: 2, max: '10m' } } },
    })
    expect(faultsOf(page)).toEqual([])
  })
})
