import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    page = await portal.enter('/')
  })

  const ROW = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })

  describe('an empty yard', () => {
    test('says how the first job gets into it', async () => {
      await page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
      await page.getByText('jobyard script deploy').waitFor()
      await page.getByRole('link', { name: 'Add a WebJob' }).click()
      await page.getByRole('heading', { name: 'Add a WebJob' }).waitFor()
    })
  })

  describe('adding a job', () => {
    test('tells what is wrong with its name while it is typed', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      const name = page.getByRole('textbox', { name: 'Name' })
      await name.fill('my job')
      await page.getByText('a blank stands at place 3').waitFor()
      await name.fill('-job')
      await page.getByText('Begin with a letter or a digit').waitFor()
      expect(await page.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true)
    })

    test('points at the wrong character of a schedule, and shows a right one in words with its next ten occurrences', async () => {
      await page.getByRole('radio', { name: 'Scheduled' }).click()
      const field = page.getByLabel('NCRONTAB')
      await field.fill('0 70 * * * *')
      await page.getByText('The minute field cannot hold "70"').waitFor()
      expect(await page.locator('.fault mark').textContent()).toBe('7')
      await field.fill('0 0 13 13 * FRI')
      await page.getByText('At 13:00, on day 13 of the month, but only when that is a Friday').waitFor()
      const due = page.getByRole('list', { name: 'Next occurrences' }).getByRole('listitem')
      expect(await due.count()).toBe(10)
      for (const text of await due.allTextContents()) expect(text).toMatch(/^Fri \d{4}-\d\d-13 13:00:00 \+00:00/)
      await page.getByRole('combobox', { name: 'Time zone' }).fill('Mars/Olympus')
      await page
        .getByText(/Mars\/Olympus/)
        .first()
        .waitFor()
      await page.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin')
      await page
        .getByText(/\+0[12]:00/)
        .first()
        .waitFor()
    })

    test('from a zip with a schedule puts it into the yard as it was said', async () => {
      await page.getByRole('textbox', { name: 'Name' }).fill('zipped')
      const zip = makeZip([{ name: 'run.sh', data: '#!/bin/bash\necho from the zip\n', mode: 0o100755 }])
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'job.zip', mimeType: 'application/zip', buffer: zip })
      await page.getByText('Runs run.sh with bash.').waitFor()
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByRole('heading', { name: 'zipped' }).waitFor()
      expect(await portal.client.jobs.get('zipped')).toMatchObject({
        type: 'triggered',
        triggers: [{ type: 'schedule', ncrontab: '0 0 13 13 * FRI', timeZone: 'Europe/Berlin' }],
      })
    })

    test('from a dropped script makes a continuous job of a single instance', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      await page.getByRole('textbox', { name: 'Name' }).fill('dropped')
      const data = await page.evaluateHandle(() => {
        const world = globalThis as unknown as {
          DataTransfer: new () => { items: { add(file: File): void } }
          File: new (parts: string[], name: string) => File
        }
        const transfer = new world.DataTransfer()
        transfer.items.add(new world.File(['#!/bin/bash\nwhile sleep 0.1; do echo beat; done\n'], 'run.sh'))
        return transfer
      })
      await page.locator('.drop').dispatchEvent('drop', { dataTransfer: data })
      await page.getByText('Runs run.sh with bash.').waitFor()
      await page.getByRole('radio', { name: 'Continuous' }).click()
      await page.getByRole('radio', { name: 'Single instance' }).click()
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByRole('heading', { name: 'dropped' }).waitFor()
      const { type, triggers } = await portal.client.jobs.get('dropped')
      expect([type, triggers]).toEqual(['continuous', [{ type: 'continuous', singleton: true }]])
    })

    test('tells what the server finds wrong with a file', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      const buffer = makeZip([{ name: 'readme.txt', data: 'nothing to run' }])
      await page.locator('input[type=file]').setInputFiles({ name: 'job.zip', mimeType: 'application/zip', buffer })
      const alert = page.getByRole('alert')
      await alert
        .getByText(/script/)
        .first()
        .waitFor()
      // The same file would be refused again.
      expect(await alert.getByRole('button', { name: 'Try again' }).count()).toBe(0)
    })

    test('tells how far a large file has got, and lets it be given up', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      const data = randomBytes(3_000_000)
      const buffer = makeZip([
        { name: 'run.sh', data: '#!/bin/bash\n' },
        { name: 'noise', data, method: 0 },
      ])
      const devtools = await page.context().newCDPSession(page)
      const throttle = (uploadThroughput: number) =>
        devtools.send('Network.emulateNetworkConditions', {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput,
        })
      await devtools.send('Network.enable')
      await throttle(600_000)
      const input = page.locator('input[type=file]')
      await input.setInputFiles({ name: 'large.zip', mimeType: 'application/zip', buffer })
      await page.getByText(/^\d.* of 2\.9 MB$/).waitFor()
      await page.getByRole('button', { name: 'Cancel' }).first().click()
      await page.getByText('Choose a file, or drop it here').waitFor()
      await throttle(-1)
      await input.setInputFiles({ name: 'again.zip', mimeType: 'application/zip', buffer })
      await page.getByText('2 files, 2.9 MB.').waitFor()
      await devtools.detach()
    })

    test('of a name that is taken is refused at the name', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      await page.getByRole('textbox', { name: 'Name' }).fill('ZIPPED')
      await page.getByText('There is such a job already').waitFor()
    })
  })

  describe('the list', () => {
    test('changes by itself with what others do', async () => {
      await page.goto(`${portal.server.url}/webjobs`)
      await page.getByText('Live', { exact: true }).waitFor()
      await deployScript(portal.client, 'told-live', 'exit 4')
      await ROW('told-live').getByText('Never ran').first().waitFor()
      await portal.client.runs.create('told-live')
      await ROW('told-live').getByText('Failed').waitFor()
      await portal.client.jobs.remove('told-live')
      await ROW('told-live').waitFor({ state: 'detached' })
    })

    test('is searched by name and filtered by state', async () => {
      await page.getByLabel('Search by name').fill('zip')
      await ROW('dropped').waitFor({ state: 'detached' })
      await ROW('zipped').waitFor()
      await page.getByLabel('Search by name').fill('')
      await page.getByLabel('Show').selectOption('continuous')
      await ROW('zipped').waitFor({ state: 'detached' })
      await ROW('dropped').waitFor()
      await page.getByLabel('Search by name').fill('nothing-like-it')
      await page.getByRole('button', { name: 'Show all' }).click()
      await ROW('zipped').waitFor()
    })

    test('runs, stops and starts jobs', async () => {
      await page.getByRole('button', { name: 'Run zipped' }).click()
      await ROW('zipped').getByText('Succeeded').waitFor()
      await page.getByRole('button', { name: 'Stop dropped' }).click()
      await ROW('dropped').getByText('Stopped').waitFor()
      await page.getByRole('button', { name: 'Start dropped' }).click()
      await ROW('dropped').getByText('Running', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Stop dropped' }).click()
      await ROW('dropped').getByText('Stopped').waitFor()
    })

    test('shows no more rows than are in sight, however many jobs there are', async () => {
      const { hash } = await portal.client.packages.upload(Buffer.from('#!/bin/bash\n'), 'run.sh')
      for (let i = 0; i < 500; i++)
        await portal.client.jobs.put({ name: `many-${String(i).padStart(3, '0')}`, package: hash })
      await page.reload()
      await page.getByText('502 jobs').waitFor()
      const table = page.getByRole('table', { name: 'WebJobs' })
      expect(await table.getAttribute('aria-rowcount')).toBe('503')
      expect(await table.getByRole('row').count()).toBeLessThan(60)
      await page.locator('.rows').evaluate((element) => element.scrollTo({ top: element.scrollHeight }))
      await ROW('zipped').waitFor()
    }, 60_000)
  })

  describe('deleting a job', () => {
    test('wants its name typed once more', async () => {
      await page.getByLabel('Search by name').fill('many-001')
      await page.getByRole('button', { name: 'More about many-001' }).click()
      await page.getByRole('menuitem', { name: 'Delete' }).click()
      const dialog = page.getByRole('dialog')
      const button = dialog.getByRole('button', { name: 'Delete' })
      expect(await button.isDisabled()).toBe(true)
      await dialog.getByLabel('Type many-001 to go on').fill('many-01')
      expect(await button.isDisabled()).toBe(true)
      await dialog.getByLabel('Type many-001 to go on').fill('many-001')
      await button.click()
      await page.getByText('many-001 was deleted.').waitFor()
      await eventually('it is gone', async () => {
        const gone = await portal.client.jobs.get('many-001').catch((error: { code: string }) => error.code)
        return gone === 'job-unknown'
      })
      await page.getByRole('heading', { name: 'No job fits.' }).waitFor()
    })

    test('from its own page leads back to the list', async () => {
      const { id } = await portal.client.jobs.get('many-002')
      await page.goto(`${portal.server.url}/webjobs/${id}`)
      await page.getByRole('button', { name: 'More about many-002' }).click()
      await page.getByRole('menuitem', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByLabel('Type many-002 to go on').fill('many-002')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'WebJobs' }).waitFor()
    })
  })

  test('no page had a fault of its own', () => {
    expect(faultsOf(page)).toEqual([])
  })
})
