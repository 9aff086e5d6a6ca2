import { readFile } from 'node:fs/promises'
import type { Job } from '@jobyard/client'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page
let job: Job

describe.skipIf(NO_BROWSER)('what a job keeps, in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    const script = 'mkdir -p "$WEBJOBS_DATA_PATH/a b"; printf 12345 > "$WEBJOBS_DATA_PATH/a b/50% done?.txt"'
    job = await deployScript(portal.client, 'keeper', script)
    page = await portal.enter(`/webjobs/${job.id}`)
  })

  const row = (name: string) => page.getByRole('row').filter({ hasText: name })
  const text = async (path: string) => await new Response(await portal.client.data.read(job.id, path)).text()

  test('shows by itself when a run has written it, folder by folder, and is downloaded', async () => {
    await page.getByRole('link', { name: 'Data' }).click()
    await page.getByText('It keeps nothing yet.').waitFor()
    await portal.client.runs.wait((await portal.client.runs.create('keeper')).id)
    await page.getByRole('link', { name: 'a b' }).click()
    await row('50% done?.txt').getByText('5 B').waitFor()
    await page.reload()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download 50% done?.txt' }).click()
    const file = await download
    expect(file.suggestedFilename()).toMatch(/^50% done.\.txt$/)
    expect(await readFile(await file.path(), 'utf8')).toBe('12345')
  })

  test('gets files, replaces them when asked twice, and loses them so', async () => {
    const put = async (content: string) => {
      const file = { name: 'list.txt', mimeType: 'text/plain', buffer: Buffer.from(content) }
      await page.locator('input[type=file]').setInputFiles(file)
    }
    await put('one')
    await row('list.txt').getByText('3 B').waitFor()
    await put('four')
    await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click()
    await row('list.txt').getByText('4 B').waitFor()
    expect(await text('a b/list.txt')).toBe('four')
    await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: 'data' }).click()
    await page.getByRole('button', { name: 'Delete a b' }).click()
    await page.getByRole('dialog').getByText('All that is in the folder goes with it.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('It keeps nothing yet.').waitFor()
    expect(await portal.client.data.list(job.id)).toEqual([])
  })

  test('is told not to be there where an address is of something that is gone', async () => {
    await page.goto(`${portal.server.url}/webjobs/${job.id}/data?path=gone`)
    await page.getByRole('alert').getByText(/gone/).waitFor()
    expect(faultsOf(page)).toEqual([])
  })

  test('is only looked at and downloaded by viewers', async () => {
    await portal.client.data.put(job.id, 'kept.txt', Buffer.from('kept'))
    const viewer = await portal.enter(`/webjobs/${job.id}/data`, 'viewer')
    await viewer.getByRole('link', { name: 'Download kept.txt' }).waitFor()
    expect(await viewer.getByRole('button', { name: 'Delete kept.txt' }).isVisible()).toBe(false)
    expect(await viewer.getByRole('button', { name: 'Add a file' }).isVisible()).toBe(false)
  })
})
