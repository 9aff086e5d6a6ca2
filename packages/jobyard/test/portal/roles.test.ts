import type { Job, Role } from '@jobyard/client'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let job: Job
let run: string

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    job = await deployScript(portal.client, 'job', 'true')
    run = (await portal.client.runs.create('job')).id
    await portal.client.runs.wait(run, { timeoutMs: 10_000 })
    await portal.client.settings.change({ REGION: 'europe' })
  })

  /** What somebody of a role is offered, on the pages where it would be. */
  async function offered(role: Role): Promise<Record<string, boolean>> {
    const page = await portal.enter('/webjobs', role)
    await page.getByRole('link', { name: 'job', exact: true }).waitFor()
    const button = (name: string) => page.getByRole('button', { name, exact: true }).isVisible()
    const add = await page.getByRole('link', { name: 'Add' }).isVisible()
    const runJob = await button('Run job')
    await page.getByRole('button', { name: 'More about job' }).click()
    await page.getByRole('menuitem', { name: 'History' }).waitFor()
    const item = (name: string) => page.getByRole('menuitem', { name }).isVisible()
    const [stop, remove] = [await item('Stop its triggers'), await item('Delete')]
    await page.goto(`${portal.server.url}/webjobs/${job.id}/properties`)
    await page.getByRole('region', { name: 'Rules' }).waitFor()
    const webhook = await page.getByRole('region', { name: 'Webhook' }).isVisible()
    const schedule = await page.getByRole('region', { name: 'Schedule' }).getByRole('button').isVisible()
    const edit = await page.getByRole('button', { name: 'Change' }).first().isVisible()
    await page.goto(`${portal.server.url}/app-settings`)
    await page.getByRole('table', { name: 'App settings' }).getByText('REGION').waitFor()
    const settings = await button('Change REGION')
    const values = await page.getByRole('table').getByText('europe').isVisible()
    const bulk = await button('Edit as text')
    const hooks = await page.getByRole('link', { name: 'Web hooks' }).isVisible()
    await page.goto(`${portal.server.url}/webjobs/${job.id}/packages`)
    await page.getByRole('region', { name: 'Packages' }).waitFor()
    const deploy = await page.getByRole('region', { name: 'Deploy anew' }).isVisible()
    await page.goto(`${portal.server.url}/webjobs/${job.id}/runs/${run}`)
    await page.getByRole('link', { name: 'Download' }).waitFor()
    const rerun = await button('Rerun')
    const changes = { add, remove, webhook, schedule, edit, settings, values, bulk, hooks, deploy }
    return { run: runJob, stop, rerun, ...changes }
  }

  describe('what may not be done is not offered', () => {
    test('to a viewer', async () => {
      expect(new Set(Object.values(await offered('viewer')))).toEqual(new Set([false]))
    })

    test('to an operator, who runs and stops', async () => {
      expect(await offered('operator')).toEqual({
        run: true,
        stop: true,
        rerun: true,
        add: false,
        remove: false,
        webhook: false,
        schedule: false,
        edit: false,
        settings: false,
        values: false,
        bulk: false,
        hooks: false,
        deploy: false,
      })
    })

    test('and where it is looked for by its address, the page says what it needs', async () => {
      const page = await portal.enter('/web-hooks', 'operator')
      await page.getByText('Web hooks are shown to deployers').waitFor()
    })

    test('to a deployer there is nothing of a job that is not', async () => {
      expect(new Set(Object.values(await offered('deployer')))).toEqual(new Set([true]))
    })
  })
})
