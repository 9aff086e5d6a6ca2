import type { Job } from '@jobyard/client'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { faultsOf, NO_BROWSER, openPortal, type Portal } from './browser.ts'

let portal: Portal
let page: Page
let job: Job

const MESSAGE = 'Changed files of the job are no package yet: '

describe.skipIf(NO_BROWSER)('changed files that cannot become a package, in a browser', () => {
  beforeAll(async () => {
    portal = await openPortal()
    job = await deployScript(portal.client, 'report', 'true')
    page = await portal.enter(`/webjobs/${job.id}`)
  })
  afterAll(() => portal.stop())

  const change = async (method: 'PUT' | 'DELETE', body?: string) => {
    const answer = await fetch(`${portal.server.url}/vfs/site/wwwroot/App_Data/jobs/triggered/report/run.sh`, {
      method,
      headers: { authorization: `Bearer ${portal.server.token}`, 'if-match': '*' },
      ...(body === undefined ? {} : { body }),
    })
    expect(answer.ok).toBe(true)
  }

  test('are told of on the page of the job, in the list and on the overview, until they are mended', async () => {
    await page.getByRole('heading', { name: 'report' }).waitFor()
    await change('DELETE')
    // By itself.
    await page.getByText(MESSAGE).waitFor()
    await page.goto(`${portal.server.url}/webjobs`)
    await page.getByRole('img', { name: `Warning: ${MESSAGE}` }).waitFor()
    await page.goto(portal.server.url)
    await page.getByText(MESSAGE).waitFor()
    await change('PUT', 'exit 0\n')
    await page.getByText(MESSAGE).waitFor({ state: 'detached' })
    expect((await portal.client.jobs.get('report')).warnings).toEqual([])
    expect(faultsOf(page)).toEqual([])
  })
})
