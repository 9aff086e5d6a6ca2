import type { Job } from '@jobyard/client'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page
let job: Job

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    job = await deployScript(portal.client, 'report', 'echo one', {
      triggers: [{ type: 'schedule', ncrontab: '0 30 2 * * *', timeZone: 'Europe/Berlin' }],
      spec: { env: { REGION: 'eu' }, secrets: { API_KEY: 'very-secret-indeed' } },
    })
    page = await portal.enter(`/webjobs/${job.id}/properties`)
  })

  const part = (name: string) => page.getByRole('region', { name })

  describe('the properties of a job', () => {
    test('tell what it runs, when, and under which settings, and no secret', async () => {
      await part('About').getByText('run.sh').waitFor()
      await part('Schedule').getByText('At 02:30 every day').waitFor()
      expect(await part('Schedule').getByRole('listitem').count()).toBe(10)
      const variables = page.getByRole('table', { name: 'Environment variables' })
      expect(await variables.innerText()).toMatch(/API_KEY\s+secret\s+REGION\s+eu/)
      expect(await page.content()).not.toContain('very-secret-indeed')
    })

    test('let its schedule be changed and taken away', async () => {
      await part('Schedule').getByRole('button', { name: 'Change' }).click()
      await part('Schedule').getByLabel('NCRONTAB').fill('0 0 9 * * MON-FRI')
      await part('Schedule').getByText('At 09:00, Monday to Friday').waitFor()
      await part('Schedule').getByRole('button', { name: 'Save' }).click()
      await part('Schedule').getByRole('button', { name: 'Change' }).waitFor()
      expect((await portal.client.jobs.get(job.id)).triggers).toMatchObject([
        { type: 'schedule', ncrontab: '0 0 9 * * MON-FRI', timeZone: 'Europe/Berlin' },
      ])
      await part('Schedule').getByRole('button', { name: 'Change' }).click()
      await part('Schedule').getByRole('button', { name: 'Remove' }).click()
      await part('Schedule').getByText('it runs when somebody asks').waitFor()
      expect((await portal.client.jobs.get(job.id)).triggers).toEqual([])
    })
  })

  describe('a webhook', () => {
    test('is made, shows its password when asked, and gets another one', async () => {
      await part('Webhook').getByRole('button', { name: 'Make a webhook' }).click()
      const { url, password } = await eventually('it is made', () =>
        portal.client.webhooks.get(job.id).catch(() => undefined),
      )
      await part('Webhook').getByText(password).waitFor()
      await part('Webhook').getByText(url).waitFor()
      await page.reload()
      await part('Webhook').getByRole('button', { name: 'Show address and password' }).waitFor()
      expect(await page.content()).not.toContain(password)
      await part('Webhook').getByRole('button', { name: 'Show address and password' }).click()
      await part('Webhook').getByText(password).waitFor()
      await part('Webhook').getByRole('button', { name: 'New password' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'New password' }).click()
      await page.getByText('The webhook has a new password.').waitFor()
      const next = await portal.client.webhooks.get(job.id)
      expect(next.password).not.toBe(password)
      await part('Webhook').getByText(next.password).waitFor()
      await part('Webhook').getByRole('button', { name: 'Hide' }).click()
      expect(await page.content()).not.toContain(next.password)
    })

    test('shows its password only with a look on record', async () => {
      const looks = async () => {
        const all = await portal.client.audit.list({ target: job.id }).take(100)
        return all.filter(({ action }) => action.startsWith('webhook.')).length
      }
      const before = await looks()
      await page.reload()
      await part('Webhook').getByRole('button', { name: 'Show address and password' }).waitFor()
      expect(await looks()).toBe(before)
      await part('Webhook').getByRole('button', { name: 'Show address and password' }).click()
      await part('Webhook').getByRole('button', { name: 'Hide' }).waitFor()
      expect(await looks()).toBe(before + 1)
    })

    test('is taken away', async () => {
      await part('Webhook').getByRole('button', { name: 'Remove' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
      await part('Webhook').getByRole('button', { name: 'Make a webhook' }).waitFor()
      await expect(portal.client.webhooks.get(job.id)).rejects.toMatchObject({ code: 'webhook-unknown' })
    })
  })

  describe('packages', () => {
    test('are deployed anew and gone back to', async () => {
      await page.getByRole('link', { name: 'Packages' }).click()
      const first = (await portal.client.jobs.get(job.id)).package
      const buffer = Buffer.from('#!/bin/bash\necho two\n')
      await page.locator('input[type=file]').setInputFiles({ name: 'run.sh', mimeType: 'text/plain', buffer })
      await page.getByRole('button', { name: 'Deploy run.sh' }).click()
      await page.getByText('report has a new package.').waitFor()
      expect((await portal.client.jobs.get(job.id)).package).not.toBe(first)
      await page.getByRole('button', { name: 'Go back to this' }).first().click()
      await page.getByText(/report runs package \d again/).waitFor()
      expect((await portal.client.jobs.get(job.id)).package).toBe(first)
    })
  })

  describe('a job that ends again and again', () => {
    test('is told on its page and on the overview', async () => {
      const restart = { delay: '10ms' }
      const made = await deployScript(portal.client, 'looping', 'exit 1', {
        type: 'continuous',
        triggers: [{ type: 'continuous' }],
        policy: { restart, grace: '100ms' },
      })
      await page.goto(`${portal.server.url}/webjobs/${made.id}`)
      await page.getByText('It ends again and again.').waitFor()
      await page.goto(portal.server.url)
      await part('Needs attention').getByRole('link', { name: 'looping' }).waitFor()
      await portal.client.jobs.stop(made.id)
      await part('Needs attention').waitFor({ state: 'detached' })
    })
  })

  test('no page had a fault of its own', () => {
    expect(faultsOf(page)).toEqual([])
  })
})
