import type { Job } from '@jobyard/client'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

const PHONE = { width: 390, height: 844 }
const LONG = 'a-name-as-long-as-people-make-them-when-nobody-stops-them'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    page = await portal.enter('/webjobs')
  })

  const part = (name: string) => page.getByRole('region', { name })

  /** What stands behind a word of a part, once it is as expected. */
  async function told(where: string, name: string, expected: string): Promise<void> {
    const fact = part(where).locator('.facts > div').filter({ hasText: name }).locator('dd')
    await eventually(`${name}: ${expected}`, async () => (await fact.innerText()) === expected || undefined)
  }

  async function withSettings(name: string, settings: object, type = 'triggered'): Promise<Job> {
    const zip = makeZip([
      { name: 'run.sh', data: '#!/bin/bash\ntrue\n', mode: 0o100755 },
      { name: 'settings.job', data: JSON.stringify(settings) },
    ])
    const { hash } = await portal.client.packages.upload(new Uint8Array(zip), 'job.zip')
    return (await portal.client.jobs.put({ name, type, package: hash, enabled: false })).job
  }

  describe('the properties of a job', () => {
    test('tell the rules that count, and which app setting says so, as soon as it does', async () => {
      const job = await deployScript(portal.client, 'steered', 'true', { policy: {} })
      await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
      await told('Rules', 'History', '100 runs')
      await told('Limits', 'To end when stopped', '30s')
      await told('Limits', 'Ended when idle for', 'never')
      await portal.client.settings.change({ WEBJOBS_HISTORY_SIZE: '7', WEBJOBS_IDLE_TIMEOUT: '120' })
      await told('Rules', 'History', '7 runs, as WEBJOBS_HISTORY_SIZE says')
      await told('Limits', 'Ended when idle for', '2m, as WEBJOBS_IDLE_TIMEOUT says')
      await portal.client.jobs.patch(job.id, { policy: { keepRuns: 20 } })
      await told('Rules', 'History', '20 runs')
    })

    test('tell when a continuous job starts again', async () => {
      const job = await deployScript(portal.client, 'again', 'sleep 1000', {
        type: 'continuous',
        triggers: [{ type: 'continuous' }],
        enabled: false,
        policy: {},
      })
      await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
      await told('Rules', 'Starts again', '1m after a short run')
      // It runs all the time, so the server would refuse a webhook.
      expect(await part('Webhook').count()).toBe(0)
      await told('Limits', 'To end when stopped', '5s')
      await portal.client.settings.change({ WEBJOBS_RESTART_TIME: '0' })
      await told('Rules', 'Starts again', 'at once after a short run, as WEBJOBS_RESTART_TIME says')
    })

    test('tell what settings.job says of limits, and offer it where a limit is changed', async () => {
      const limits = { memory: '128MB', idleTimeout: '9m' }
      const job = await withSettings('quick', { stopping_wait_time: 7, jobyard: { limits, stopSignal: 'at-once' } })
      await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
      await told('Limits', 'To end when stopped', '7s, as settings.job says')
      await told('Limits', 'It gets SIGTERM', 'at once, as settings.job says')
      await told('Limits', 'Memory', '128MB, as settings.job says')
      await told('Limits', 'Ended when idle for', '9m, as settings.job says')
      await part('Limits').getByRole('button', { name: 'Change' }).click()
      const grace = part('Limits').getByLabel('To end when stopped')
      expect(await grace.getAttribute('placeholder')).toBe('7s, as settings.job says')
      await grace.fill('20s')
      await part('Limits').getByRole('button', { name: 'Save' }).click()
      await told('Limits', 'To end when stopped', '20s')
    })

    test('name the address of the webhook that people of Azure look for, and it works', async () => {
      const job = await deployScript(portal.client, 'called', 'true')
      const { password } = await portal.client.webhooks.set(job.id)
      await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
      const address = `${portal.server.url}/api/triggeredwebjobs/called/run`
      await part('Webhook').getByText(address).waitFor()
      await part('Webhook').getByRole('button', { name: 'Show address and password' }).click()
      await part('Webhook').getByRole('button', { name: "Copy address of Azure's form" }).waitFor()
      const authorization = `Basic ${Buffer.from(`x:${password}`).toString('base64')}`
      const answer = await fetch(address, { method: 'POST', headers: { authorization } })
      expect(answer.status).toBe(202)
    })

    test('name no such address for a job of another collection, where it would lead elsewhere', async () => {
      await portal.client.collections.create('shop')
      const job = await deployScript(portal.client, 'called', 'true', { collection: 'shop' })
      await portal.client.webhooks.set(job.id)
      await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
      await part('Webhook').getByText(`/hooks/${job.id}`).waitFor()
      expect(await part('Webhook').getByText('/api/triggeredwebjobs/').count()).toBe(0)
      await portal.client.jobs.remove(job.id)
    })
  })

  describe('the history', () => {
    test('cuts a long reason with an ellipsis, and fits its table at every width', async () => {
      const job = await deployScript(portal.client, 'failing', 'exit 1', { policy: { grace: '100ms' } })
      const run = await portal.client.runs.create(job.id)
      await portal.client.runs.wait(run.id, { timeoutMs: 10_000 })
      for (const width of [800, 1024, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(`${portal.server.url}/webjobs/${job.id}`)
        const table = page.locator('.rows')
        await table.getByRole('link', { name: '#1' }).waitFor()
        expect(
          await page.evaluate(`(rows => rows.scrollWidth - rows.clientWidth)(document.querySelector('.rows'))`),
        ).toBe(0)
        if (width < 1000) continue
        const reason = await table.getByTitle('It ended with exit code 1.').boundingBox()
        expect(reason?.width).toBeGreaterThan(80)
        expect(await page.evaluate(`getComputedStyle(document.querySelector('.rows .cut[title]')).display`)).toBe(
          'block',
        )
      }
      await page.setViewportSize({ width: 1280, height: 800 })
    })
  })

  describe('on a phone', () => {
    test('two jobs of one name are told apart by their types', async () => {
      await deployScript(portal.client, 'twin', 'true')
      await deployScript(portal.client, 'twin', 'sleep 1000', {
        type: 'continuous',
        triggers: [{ type: 'continuous' }],
        enabled: false,
      })
      await deployScript(portal.client, LONG, 'true')
      const phone = await portal.enter('/webjobs')
      await phone.setViewportSize(PHONE)
      const rows = phone.getByRole('row').filter({ has: phone.getByRole('link', { name: 'twin', exact: true }) })
      await rows.first().waitFor()
      const texts = await rows.allInnerTexts()
      expect(texts.map((text) => /Continuous|Triggered/.exec(text)?.[0]).toSorted()).toEqual([
        'Continuous',
        'Triggered',
      ])
      for (const row of await rows.all())
        expect(
          await row
            .getByText(/Continuous|Triggered/)
            .first()
            .isVisible(),
        ).toBe(true)
      const wide = await phone.evaluate('document.documentElement.scrollWidth')
      expect(wide).toBeLessThanOrEqual(390)
    })
  })

  describe('adding a job', () => {
    test('with a name that is taken leads to the job that has it', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      await page.getByRole('textbox', { name: 'Name' }).fill('STEERED')
      await page.getByText('There is such a job already').waitFor()
      await page.getByRole('link', { name: 'steered', exact: true }).click()
      await page.getByRole('heading', { name: 'steered' }).waitFor()
    })

    test('with a file that is no script names what can run on this server', async () => {
      await page.goto(`${portal.server.url}/webjobs/new`)
      const buffer = Buffer.from('hello')
      await page.locator('input[type=file]').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer })
      const problem = page.getByText('No script was found')
      await problem.waitFor()
      expect(await problem.innerText()).toContain('run.sh')
      if (process.platform !== 'win32') expect(await problem.innerText()).not.toMatch(/\.cmd|\.bat|\.exe/)
    })
  })

  test('no page had a fault of its own', () => {
    expect(faultsOf(page)).toEqual([])
  })
})
