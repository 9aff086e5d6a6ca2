import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'
import { faultsOf, NO_BROWSER, type Portal, usePortal } from './browser.ts'

let portal: Portal
let page: Page

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    page = await portal.enter('/')
  })

  const goto = (path: string) => page.goto(portal.server.url + path)
  const output = () => page.getByRole('region', { name: 'Output', exact: true })

  /** Runs a job to its end. */
  async function runOnce(job: string, args: readonly string[] = []) {
    const run = await portal.client.runs.create(job, { args })
    return await portal.client.runs.wait(run.id, { timeoutMs: 15_000 })
  }

  describe('running a job', () => {
    test('leads to the run, whose output comes live until somebody stops it', async () => {
      await deployScript(portal.client, 'ticker', 'i=0; while sleep 0.1; do i=$((i+1)); echo "tick $i of $1"; done')
      const { id } = await portal.client.jobs.get('ticker')
      await goto(`/webjobs/${id}`)
      await page.getByRole('heading', { name: 'It has not run yet.' }).waitFor()
      await page.getByRole('button', { name: 'More about ticker' }).click()
      await page.getByRole('menuitem', { name: 'Run with arguments' }).click()
      await page.getByRole('dialog').getByLabel('Arguments').fill('"a day"')
      await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click()
      await page.getByRole('heading', { name: 'Run #1' }).waitFor()
      await output().getByText('tick 3 of a day').waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.locator('.banner').getByText('Stopped', { exact: true }).waitFor()
      await page.locator('.log-tools').getByText('Complete').waitFor()
      await page.getByRole('button', { name: 'Rerun' }).waitFor()
    })

    test('can be suspended, resumed and run again with the same arguments', async () => {
      await page.getByRole('button', { name: 'Rerun' }).click()
      await page.getByRole('heading', { name: 'Run #2' }).waitFor()
      await output().getByText('tick 2 of a day').waitFor()
      await page.getByRole('button', { name: 'Suspend' }).click()
      await page.locator('.banner').getByText('Suspended').waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.locator('.banner').getByText('Running').waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.locator('.banner').getByText('Stopped', { exact: true }).waitFor()
    })

    test('while it runs is refused in the words of the server', async () => {
      const run = await portal.client.runs.create('ticker')
      await goto(`/webjobs/${run.job.id}`)
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page
        .getByText(/run of this job is unfinished/)
        .first()
        .waitFor()
      await portal.client.runs.stop(run.id)
    })
  })

  describe('a run', () => {
    test('says how it went, why, and what it used; a reload and the way back lead to the same', async () => {
      await deployScript(portal.client, 'sad', 'echo "about to fail" >&2; exit 3')
      const run = await runOnce('sad', ['--day', 'last monday'])
      await goto(`/webjobs/${run.job.id}`)
      await page.getByRole('link', { name: '#1' }).click()
      await page.getByRole('heading', { name: 'Run #1' }).waitFor()
      expect(new URL(page.url()).pathname).toBe(`/webjobs/${run.job.id}/runs/${run.id}`)
      await page.reload()
      await page.locator('.banner').getByText('It ended with exit code 3.').waitFor()
      await page.getByText('--day "last monday"').waitFor()
      await page.getByText('by hand, admin-given').waitFor()
      const crumbs = page.getByRole('navigation', { name: 'Breadcrumbs' })
      expect(await crumbs.innerText()).toMatch(/WebJobs\s+sad\s+Run #1/)
      await page.goBack()
      await page.getByRole('table', { name: 'Runs' }).waitFor()
      await page.goForward()
      await crumbs.getByRole('link', { name: 'sad' }).click()
      await page.getByRole('table', { name: 'Runs' }).waitFor()
    })

    test('with several attempts shows each of them and the output of each', async () => {
      const retry = { kind: 'fixed', attempts: 2, delay: '50ms' }
      await deployScript(portal.client, 'twice', 'echo "attempt of $$"; exit 1', { policy: { retry, grace: '100ms' } })
      const run = await runOnce('twice')
      await goto(`/webjobs/${run.job.id}/runs/${run.id}`)
      await page.getByRole('table', { name: 'Attempts' }).getByRole('row').nth(2).waitFor()
      const latest = await output().getByText('attempt of').innerText()
      await page.getByLabel('Attempt', { exact: true }).selectOption('Attempt 1')
      await eventually('the other attempt is shown', async () => {
        const shown = output().getByText('attempt of')
        return (await shown.count()) === 1 && (await shown.innerText()) !== latest
      })
    })

    test('that is not there says so', async () => {
      await goto('/webjobs/00000000-0000-7000-8000-000000000000/runs/00000000-0000-7000-8000-000000000000')
      await page.getByRole('alert').getByText('There is no run').waitFor()
    })
  })

  describe('output', () => {
    test('has the colours of terminals and tells the streams apart', async () => {
      await deployScript(portal.client, 'colours', 'printf "\\033[31mred\\033[0m plain\\n"; echo "<b>not bold</b>" >&2')
      const run = await runOnce('colours')
      await goto(`/webjobs/${run.job.id}/runs/${run.id}`)
      const red = output().getByText('red', { exact: true })
      await red.waitFor()
      const [ink, other] = [await colourOf(red), await colourOf(output().locator('.line').first())]
      expect(ink).not.toBe(other)
      const error = output().locator('.line[data-stream=error]')
      expect(await error.innerText()).toContain('<b>not bold</b>')
    })

    test('of 120,000 lines is shown to its end, searched, and downloaded whole', async () => {
      await deployScript(portal.client, 'much', 'seq -f "line %.0f of the log" 1 120000; echo "the end"')
      const run = await runOnce('much')
      await goto(`/webjobs/${run.job.id}/runs/${run.id}`)
      await output().getByText('the end').waitFor({ timeout: 20_000 })
      await page.getByText('120,001 lines').waitFor()
      expect(await output().locator('.line').count()).toBeLessThan(150)
      await page.getByLabel('Search in the output').fill('LINE 77777 ')
      await page.getByText('1 of 1').waitFor()
      await output().locator('.line[data-current]').getByText('line 77777 ').waitFor()
      await page.getByLabel('Search in the output').fill('of the log')
      await page.getByText('1 of 120000').waitFor()
      await page.getByLabel('Search in the output').press('Shift+Enter')
      await output().getByText('line 120000 of the log').first().waitFor()
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Download' }).click(),
      ])
      expect(download.suggestedFilename()).toBe('much-1.log')
      const lines = (await readFile(await download.path(), 'utf8')).split('\n')
      expect([lines.length, lines[77_776], lines.at(-2)]).toEqual([120_002, 'line 77777 of the log', 'the end'])
    }, 60_000)

    test('of long lines is cut to the width of the window, if somebody wants that', async () => {
      await deployScript(portal.client, 'wide', 'seq -s "-" 1 900; echo "short"')
      const run = await runOnce('wide')
      await goto(`/webjobs/${run.job.id}/runs/${run.id}`)
      await output().getByText('short').waitFor()
      const wider = () => output().evaluate((element) => element.scrollWidth - element.clientWidth)
      expect(await wider()).toBeGreaterThan(1000)
      await page.getByRole('button', { name: 'Wrap' }).click()
      await eventually('nothing is wider than the window', async () => (await wider()) <= 0)
      const rows = await output().locator('.line-text').allTextContents()
      expect(rows.length).toBeGreaterThan(10)
      expect(rows.slice(0, -1).join('')).toBe(Array.from({ length: 900 }, (_, i) => i + 1).join('-'))
      await page.getByLabel('Search in the output').fill('-899-')
      await output().locator('mark').filter({ hasText: '-899-' }).waitFor()
      await page.getByRole('button', { name: 'Wrap' }).click()
      await eventually('it is one line again', async () => (await wider()) > 1000)
    })

    test('is followed to its end until somebody scrolls back, and can be put away', async () => {
      await deployScript(portal.client, 'endless', 'i=0; while sleep 0.02; do i=$((i+1)); echo "row $i"; done')
      const run = await portal.client.runs.create('endless')
      await goto(`/webjobs/${run.job.id}/runs/${run.id}`)
      const follow = page.getByRole('button', { name: 'Follow' })
      await output().getByText('row 60', { exact: true }).waitFor()
      expect(await follow.getAttribute('aria-pressed')).toBe('true')
      await output().hover()
      await page.mouse.wheel(0, -400)
      await eventually(
        'it does not follow any longer',
        async () => (await follow.getAttribute('aria-pressed')) === 'false',
      )
      const place = await output().evaluate((element) => element.scrollTop)
      await eventually('more has come', async () => {
        const { lastSeq } = await portal.client.output.page(run.id, { maxBytes: 1 })
        return lastSeq > 120
      })
      expect(await output().evaluate((element) => element.scrollTop)).toBe(place)
      await follow.click()
      await eventually('it is at the end again', () =>
        output().evaluate((element) => element.scrollTop + element.clientHeight >= element.scrollHeight - 40),
      )
      const toggle = page.getByRole('button', { name: 'Toggle output' })
      await toggle.click()
      await output().waitFor({ state: 'detached' })
      expect(await toggle.getAttribute('aria-expanded')).toBe('false')
      await toggle.click()
      await output()
        .getByText(/^row \d+$/)
        .first()
        .waitFor()
      await portal.client.runs.stop(run.id)
      await page.locator('.banner').getByText('Stopped', { exact: true }).waitFor()
    })
  })

  describe('history', () => {
    test('of many runs is read as far as somebody scrolls', async () => {
      const job = await deployScript(portal.client, 'often', 'true', { policy: { keepRuns: 1000 } })
      for (let i = 0; i < 260; i++) await runOnce('often')
      await goto(`/webjobs/${job.id}`)
      const table = page.getByRole('table', { name: 'Runs' })
      await table.getByRole('link', { name: '#260' }).waitFor()
      const rows = page.locator('.rows')
      await eventually('the first run is in sight', async () => {
        await rows.evaluate((element) => element.scrollTo({ top: element.scrollHeight }))
        return await table.getByRole('link', { name: '#1', exact: true }).isVisible()
      })
      await rows.evaluate((element) => element.scrollTo({ top: 0 }))
      await portal.client.runs.create('often')
      await table.getByRole('link', { name: '#261' }).waitFor()
    }, 90_000)
  })

  test('no page had a fault of its own', () => {
    expect(faultsOf(page)).toEqual([])
  })

  function colourOf(locator: ReturnType<Page['locator']>): Promise<string> {
    return locator.evaluate((element) => {
      const world = globalThis as unknown as { getComputedStyle(element: unknown): { color: string } }
      return world.getComputedStyle(element).color
    })
  }
})
