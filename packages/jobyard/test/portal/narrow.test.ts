import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('on a phone', () => {
  usePortal(async (opened) => {
    portal = opened
    page = await portal.enter('/')
    await page.setViewportSize({ width: 390, height: 844 })
  })

  test('a yard without jobs has the title of the page that was asked for', async () => {
    await page.goto(`${portal.server.url}/webjobs`)
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('WebJobs')
  })

  test('the history tells why a run failed, and the attempts of a run are words in lines', async () => {
    const job = await deployScript(portal.client, 'tried', 'exit 7', {
      policy: { retry: { kind: 'fixed', attempts: 2, delay: '10ms' }, grace: '100ms' },
    })
    const run = await portal.client.runs.create(job.id)
    await portal.client.runs.wait(run.id, { timeoutMs: 10_000 })
    await page.goto(`${portal.server.url}/webjobs/${job.id}`)
    await page.getByRole('table', { name: 'Runs' }).getByText('It ended with exit code 7.').first().waitFor()
    await page.goto(`${portal.server.url}/webjobs/${job.id}/runs/${run.id}`)
    const attempts = page.getByRole('table', { name: 'Attempts' })
    await attempts.getByText('It ended with exit code 7.').first().waitFor()
    for (const title of ['Attempt', 'Status', 'Started', 'Reason']) {
      const box = await attempts.getByRole('columnheader', { name: title, exact: true }).boundingBox()
      // One line of text and what is around it.
      expect(box?.height).toBeLessThan(36)
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  test('the menu is closed by Escape', async () => {
    await page.goto(portal.server.url)
    await page.getByRole('button', { name: 'Navigation' }).click()
    await page.getByRole('link', { name: 'App settings' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'App settings' }).waitFor({ state: 'hidden' })
  })

  test('who may not add a job is told so, and is given nothing to fill in', async () => {
    const viewer = await portal.enter('/webjobs/new', 'viewer')
    await viewer.getByText('Adding a job needs the role deployer').waitFor()
    expect(await viewer.locator('form, input').count()).toBe(0)
    expect(faultsOf(viewer)).toEqual([])
  })

  test('no page had a fault of its own', () => {
    expect(faultsOf(page)).toEqual([])
  })
})
