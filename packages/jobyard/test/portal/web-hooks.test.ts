import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { type Receiver, startReceiver } from '../hooks/receiver.ts'
import { faultsOf, NO_BROWSER, openPortal, type Portal } from './browser.ts'

let portal: Portal
let receiver: Receiver
let page: Page

describe.skipIf(NO_BROWSER)('web hooks in a browser', () => {
  beforeAll(async () => {
    receiver = await startReceiver()
    portal = await openPortal({ callsNetworks: 'loopback' })
    await deployScript(portal.client, 'report', 'true')
    page = await portal.enter('/web-hooks')
  })
  afterAll(async () => {
    await portal.stop()
    await receiver.stop()
  })

  const dialog = () => page.getByRole('dialog')
  const run = async () => {
    const made = await portal.client.runs.create('report')
    await portal.client.runs.wait(made.id)
  }

  test('are refused at the address where calls must not go', async () => {
    await page.getByRole('heading', { name: 'Nobody is called yet' }).waitFor()
    await page.getByRole('button', { name: 'Add' }).click()
    await dialog().getByLabel('Address').fill('http://169.254.169.254/latest')
    await dialog().getByRole('button', { name: 'Add' }).click()
    await dialog()
      .getByText(/which is never called. Use another address/)
      .waitFor()
    await dialog().getByLabel('Address').fill('example')
    await dialog().getByRole('button', { name: 'Add' }).click()
    await dialog()
      .getByText(/https:\/\/example.com\/path/)
      .waitFor()
  })

  test('are added without their password ever being shown, and tell how the last call went', async () => {
    await dialog().getByLabel('Address').fill(receiver.url.replace('//', '//ada:wonder@').concat('/jobs'))
    await dialog().getByRole('button', { name: 'Add' }).click()
    const item = page.getByRole('listitem').filter({ hasText: `${receiver.url}/jobs` })
    await item.getByText('with user and password').waitFor()
    await item.getByText('Not called yet').waitFor()
    expect(await page.content()).not.toContain('wonder')
    receiver.answer = (response) => void response.writeHead(503).end()
    await run()
    await item.getByText('503 Service Unavailable').waitFor()
    expect(receiver.calls.at(-1)?.headers.authorization).toBe(`Basic ${btoa('ada:wonder')}`)
    receiver.answer = (response) => void response.end()
    await run()
    await item.getByText('200 OK').waitFor()
    await item.getByRole('button', { name: 'What was sent' }).click()
    await dialog().getByText('"job_name": "report"').waitFor()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
  })

  test('are tried with something made up, and say at once how that went', async () => {
    const item = page.getByRole('listitem').filter({ hasText: `${receiver.url}/jobs` })
    receiver.answer = (response) => void response.writeHead(418).end()
    await item.getByRole('button', { name: `Send a test to ${receiver.url}/jobs` }).click()
    await item.getByText('418 I\u0027m a Teapot').waitFor()
    receiver.answer = (response) => void response.writeHead(204).end()
    await item.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The test was taken: 204 No Content.').waitFor()
    await item.getByText('204 No Content').waitFor()
    expect(receiver.calls.at(-1)?.headers['x-jobyard-test']).toBe('true')
    await item.getByRole('button', { name: 'What was sent' }).click()
    await dialog().getByText('"job_name": "example"').waitFor()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
  })

  test('are taken away when asked twice', async () => {
    await page.getByRole('button', { name: `Remove ${receiver.url}/jobs` }).click()
    await dialog().getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('heading', { name: 'Nobody is called yet' }).waitFor()
    expect(await portal.client.hooks.list().take()).toEqual([])
    expect(faultsOf(page)).toEqual([])
  })
})
