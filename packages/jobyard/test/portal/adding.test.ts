import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('adding a job, in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    page = await portal.enter('/webjobs/new')
  })
  beforeEach(async () => {
    await page.goto(`${portal.server.url}/webjobs/new`)
  })

  async function fill(name: string, settings: string): Promise<void> {
    const zip = makeZip([
      { name: 'run.sh', data: 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done\n' },
      { name: 'settings.job', data: settings },
    ])
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.locator('input[type=file]').setInputFiles({ name: 'job.zip', mimeType: 'application/zip', buffer: zip })
    await page.getByText('Runs run.sh with bash.').waitFor()
  }

  async function add(name: string) {
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('heading', { name }).waitFor()
    return await portal.client.jobs.get(name)
  }

  test('its instances are those of its package unless somebody chooses', async () => {
    await fill('single', '{"is_singleton": true}')
    await page.getByRole('radio', { name: 'Continuous' }).click()
    expect(await page.getByRole('radio', { name: 'Single instance' }).isChecked()).toBe(true)
    expect(await add('single')).toMatchObject({ triggers: [{ type: 'continuous', singleton: true }], warnings: [] })
    await page.goto(`${portal.server.url}/webjobs/new`)
    await fill('everywhere', '{"is_singleton": true}')
    await page.getByRole('radio', { name: 'Continuous' }).click()
    await page.getByRole('radio', { name: 'All instances' }).click()
    expect(await add('everywhere')).toMatchObject({
      triggers: [{ type: 'continuous', singleton: false }],
      warnings: [{ code: 'singleton-overridden' }],
    })
  })

  test('a package whose settings.job is no JSON is refused, with the place and what to do', async () => {
    const zip = makeZip([
      { name: 'run.sh', data: 'exit 0' },
      { name: 'settings.job', data: '{not json' },
    ])
    await page.locator('input[type=file]').setInputFiles({ name: 'job.zip', mimeType: 'application/zip', buffer: zip })
    await page.getByText('settings.job is not valid JSON in line 1, column 2').waitFor()
    await page.getByText('or leave the file out').waitFor()
    expect(await page.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true)
  })

  test('the name of a job of another type is told of, and can be used', async () => {
    const { hash } = await portal.client.packages.upload(Buffer.from('exit 0'), 'run.sh')
    await portal.client.jobs.create({ name: 'twice', package: hash })
    await page.reload()
    await fill('twice', '{}')
    await page.getByText('There is such a job already:').waitFor()
    await page.getByRole('radio', { name: 'Continuous' }).click()
    await page.getByText('There is a triggered job of this name, too.').waitFor()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('heading', { name: 'twice' }).waitFor()
    expect((await portal.client.jobs.get('twice', { type: 'continuous' })).enabled).toBe(true)
  })

  test('its schedule goes by the zone of the collection unless somebody names one', async () => {
    await portal.client.settings.change({ WEBSITE_TIME_ZONE: 'America/New_York' })
    await fill('zoned', '{}')
    await page.getByRole('radio', { name: 'Scheduled' }).click()
    await page.getByText('Empty: that of the collection, America/New_York.').waitFor()
    await page.getByLabel('NCRONTAB').fill('0 0 5 * * *')
    await page
      .getByText(/05:00:00 -0[45]:00/)
      .first()
      .waitFor()
    expect(await add('zoned')).toMatchObject({
      triggers: [{ ncrontab: '0 0 5 * * *', timeZone: 'America/New_York', zone: 'default' }],
    })
  })
})
