import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('app settings in a browser', () => {
  usePortal(
    async (opened) => {
      portal = opened
      await deployScript(portal.client, 'report', 'echo "region $REGION, key $API_KEY"', {
        triggers: [{ type: 'schedule', ncrontab: '0 30 2 * * *' }],
      })
      await portal.client.collections.create('shop')
      page = await portal.enter('/app-settings')
    },
    { slot: 'staging' },
  )

  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const dialog = () => page.getByRole('dialog')
  const row = (name: string) => page.getByRole('row').filter({ hasText: name })
  const all = () => portal.client.settings.list()
  const find = async (name: string) => (await all()).find((each) => each.name === name)

  async function outputOfRun(): Promise<string> {
    const { id } = await portal.client.runs.create('report')
    await portal.client.runs.wait(id)
    return await new Response(await portal.client.output.text({ run: id })).text()
  }

  test('are added, secret ones too, and reach the next run', async () => {
    await page.getByRole('heading', { name: 'No app settings yet' }).waitFor()
    await button('Add').click()
    await dialog().getByRole('combobox', { name: 'Name' }).fill('REGION')
    await dialog().getByLabel('Value').fill('europe')
    await dialog().getByRole('button', { name: 'Add' }).click()
    await row('REGION').getByText('europe').waitFor()
    await button('Add').click()
    await dialog().getByRole('combobox', { name: 'Name' }).fill('API_KEY')
    await dialog().getByRole('checkbox', { name: 'Secret' }).check()
    await dialog().getByLabel('Value').fill('very-secret-indeed')
    expect(await dialog().locator('textarea.dots').count()).toBe(1)
    await dialog().getByRole('button', { name: 'Add' }).click()
    await row('API_KEY').getByText('secret').waitFor()
    await dialog().waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('very-secret-indeed')
    expect(await outputOfRun()).toContain('region europe, key ***')
  })

  test('keep a secret that is not typed anew, and are pinned to the slot that is offered', async () => {
    await button('Change API_KEY').click()
    await dialog().getByText('It is set, and cannot be shown.').waitFor()
    await dialog().getByRole('combobox', { name: 'Slot' }).click()
    await page.getByRole('option', { name: 'staging' }).click()
    await dialog().getByRole('button', { name: 'Save' }).click()
    await row('API_KEY').getByText('staging').waitFor()
    expect(await outputOfRun()).toContain('key ***')
    await button('Change API_KEY').click()
    await dialog().getByRole('checkbox', { name: 'Secret' }).uncheck()
    await dialog().getByText('type its value anew').waitFor()
    expect(await dialog().getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
  })

  test('that steer the server are offered with what they do, and the pages of jobs say why nothing starts', async () => {
    await button('Add').click()
    await dialog().getByRole('combobox', { name: 'Name' }).fill('stopped')
    await page.getByRole('option', { name: /WEBJOBS_STOPPED.*No job of the collection starts/ }).click()
    await dialog().getByText('Takes 1 or true for on').waitFor()
    expect(await dialog().getByRole('checkbox', { name: 'Secret' }).isDisabled()).toBe(true)
    await dialog().getByLabel('Value').fill('perhaps')
    await dialog().getByRole('button', { name: 'Add' }).click()
    await dialog().getByRole('alert').getByText('is neither 1 or true nor 0 or false').waitFor()
    await dialog().getByLabel('Value').fill('1')
    await dialog().getByText('All jobs of the collection are stopped.').waitFor()
    await dialog().getByRole('button', { name: 'Add' }).click()
    await row('WEBJOBS_STOPPED').getByText('All jobs of the collection are stopped.').waitFor()
    await page.getByRole('link', { name: 'WebJobs' }).click()
    await page.getByText('All jobs of default are stopped').waitFor()
    await page.getByRole('link', { name: 'report', exact: true }).click()
    await page.getByRole('heading', { name: 'report' }).waitFor()
    await page.getByText('All jobs of default are stopped').waitFor()
    await eventually('it cannot be run', () => button('Run').isDisabled())
    // Somebody else takes it away, and the page knows.
    await portal.client.settings.remove('WEBJOBS_STOPPED')
    await page.getByText('All jobs of default are stopped').waitFor({ state: 'detached' })
    await eventually('it can be run again', () => button('Run').isEnabled())
    await page.getByRole('link', { name: 'Properties' }).click()
    await portal.client.settings.change({ WEBJOBS_DISABLE_SCHEDULE: '1' })
    await page.getByText('It stands still: the app setting').waitFor()
    await page.getByRole('region', { name: 'Schedule' }).getByRole('link', { name: 'App settings' }).click()
    await row('WEBJOBS_DISABLE_SCHEDULE').getByText('All schedules of the collection stand still.').waitFor()
    await portal.client.settings.remove('WEBJOBS_DISABLE_SCHEDULE')
    await row('WEBJOBS_DISABLE_SCHEDULE').waitFor({ state: 'detached' })
  })

  test('that a client of Kudu set to what cannot be read are marked', async () => {
    const authorization = `Basic ${btoa(`$shop:${portal.server.token}`)}`
    const body = JSON.stringify({ WEBSITE_TIME_ZONE: 'Mitteleuropa' })
    const set = await fetch(`${portal.server.url}/api/settings`, { method: 'POST', headers: { authorization }, body })
    expect(set.status).toBe(204)
    const warning = row('WEBSITE_TIME_ZONE').getByText('"Mitteleuropa" is no time zone')
    await warning.waitFor()
    expect(await warning.getAttribute('data-tone')).toBe('bad')
    await portal.client.settings.remove('WEBSITE_TIME_ZONE')
    await warning.waitFor({ state: 'detached' })
  })

  test('that others change meanwhile are told of before anything is overwritten', async () => {
    await button('Change REGION').click()
    await dialog().getByLabel('Value').fill('mine')
    await portal.client.settings.change({ REGION: 'theirs' })
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog().getByText('somebody was faster').waitFor()
    await dialog().getByText('theirs').waitFor()
    expect((await find('REGION'))?.value).toBe('theirs')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect((await find('REGION'))?.value).toBe('mine')
  })

  test('are edited as text, with what that changes told before, and secrets left alone', async () => {
    await button('Edit as text').click()
    const text = dialog().getByLabel('One NAME=VALUE in a line')
    expect(await text.inputValue()).toBe('REGION=mine\n')
    await dialog().getByText('API_KEY').waitFor()
    await text.fill('QUEUE=orders=1\nnonsense')
    await dialog().getByText('Line 2: There is no = in it').waitFor()
    await text.fill('# all of them\nQUEUE=orders=1\n')
    const changes = dialog().getByRole('region', { name: 'What changes' })
    await changes.getByText('QUEUE').waitFor()
    expect(await changes.innerText()).toMatch(/new\s+QUEUE\s+orders=1\s+removed\s+REGION\s+mine/)
    await dialog().getByRole('button', { name: 'Save' }).click()
    await row('QUEUE').getByText('orders=1').waitFor()
    expect((await all()).map(({ name, secret }) => [name, secret])).toEqual([
      ['API_KEY', true],
      ['QUEUE', false],
    ])
  })

  test('are found by name, value and kind, and taken away when asked twice', async () => {
    await page.getByLabel('Search', { exact: true }).fill('ORDERS')
    await row('API_KEY').waitFor({ state: 'detached' })
    await row('QUEUE').waitFor()
    await page.getByLabel('Show').selectOption('Secret')
    await page.getByText('No setting fits.').waitFor()
    await button('Show all').click()
    await button('Remove QUEUE').click()
    await dialog().getByRole('button', { name: 'Remove' }).click()
    await row('QUEUE').waitFor({ state: 'detached' })
    expect(await find('QUEUE')).toBeUndefined()
  })

  test('are those of the collection that is chosen, which the address names', async () => {
    await page.getByLabel('Collection').selectOption('shop')
    await page.getByRole('heading', { name: 'No app settings yet' }).waitFor()
    expect(new URL(page.url()).search).toBe('?collection=shop')
    await portal.client.settings.change({ SHOP: 'yes' }, { collection: 'shop' })
    await row('SHOP').waitFor()
    await page.goto(`${portal.server.url}/app-settings?collection=nowhere`)
    await page
      .getByRole('alert')
      .getByText(/nowhere/)
      .waitFor()
    expect(faultsOf(page)).toEqual([])
  })
})
