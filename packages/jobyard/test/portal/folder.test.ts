import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, openPortal, type Portal } from './browser.ts'

let portal: Portal
let site: string

async function write(job: string, file: string, text: string): Promise<void> {
  const folder = join(site, 'App_Data/jobs/triggered', job)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, file), text)
}

describe.skipIf(NO_BROWSER)('jobs from a folder in a browser', () => {
  beforeAll(async () => {
    site = await mkdtemp(join(tmpdir(), 'jobyard-site-'))
    await write('report', 'run.sh', 'echo one\n')
    await write('lame', 'readme.txt', 'no script')
    portal = await openPortal({ site, siteQuiet: '100ms' })
    const { client } = portal
    await eventually('the folder was looked at', async () => {
      return (await client.jobs.list().take()).length === 1 && (await client.collections.folder('default')) !== null
    })
    await write('report', 'run.sh', 'echo two\n')
    await eventually('there are two packages', async () => (await client.jobs.packages('report')).length === 2)
  })
  afterAll(async () => {
    await portal.stop()
    await rm(site, { recursive: true, force: true })
  })

  test('cannot be deployed, gone back or deleted; the pages say why, and what in the folder is no job', async () => {
    const page = await portal.enter('/webjobs')
    await page.getByText('Not deployed from the folder:').waitFor()
    await page.getByText(/No script was found/).waitFor()
    await page.getByRole('button', { name: 'More about report' }).click()
    const remove = page.getByRole('menuitem', { name: /^Delete/ })
    await page.getByText('It comes from a folder: delete it there.').waitFor()
    expect(await remove.isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'report', exact: true }).click()
    await page.getByRole('link', { name: 'Packages' }).click()
    await page.getByText(site).waitFor()
    expect(await page.getByRole('button', { name: 'Go back to this' }).isDisabled()).toBe(true)
    expect(await page.locator('input[type=file]').isDisabled()).toBe(true)
    await page.goto(`${portal.server.url}/webjobs/new`)
    await page.getByText('The scripts of this collection come from a folder.').waitFor()
    expect(await page.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true)
    expect(faultsOf(page)).toEqual([])
  })
})
