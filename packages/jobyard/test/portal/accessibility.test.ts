import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { NO_BROWSER, type Portal, signIn, usePortal } from './browser.ts'

interface Violation {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let portal: Portal
let paths: readonly (readonly [path: string, ready: string])[]

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal(async (opened) => {
    portal = opened
    const schedule = { type: 'schedule', ncrontab: '0 30 2 * * *' } as const
    const job = await deployScript(
      portal.client,
      'report',
      'printf "\\033[31mred\\033[33m yellow\\033[90m grey\\033[0m\\n"; echo no >&2; exit 3',
      {
        triggers: [schedule],
        policy: { retry: { kind: 'fixed', attempts: 2, delay: '10ms' }, grace: '100ms' },
      },
    )
    await deployScript(portal.client, 'pump', 'exit 1', {
      type: 'continuous',
      triggers: [{ type: 'continuous' }],
      policy: { restart: { delay: '10ms' }, grace: '100ms' },
    })
    const run = await portal.client.runs.create('report')
    await portal.client.runs.wait(run.id, { timeoutMs: 10_000 })
    await portal.client.webhooks.set('report')
    await portal.client.data.put('report', 'kept.txt', Buffer.from('kept'))
    await portal.client.settings.change({
      REGION: 'eu',
      API_KEY: { value: 'secret', secret: true },
      WEBJOBS_RESTART_TIME: '5',
    })
    await portal.client.hooks.create({ event: 'run-finished', url: 'https://example.com/jobs', insecure: true })
    paths = [
      ['/', '.figures'],
      ['/webjobs', '.rows-body a'],
      ['/webjobs/new', '.drop'],
      [`/webjobs/${job.id}`, '.rows-body a'],
      [`/webjobs/${job.id}/properties`, '.occurrences'],
      [`/webjobs/${job.id}/packages`, '.items'],
      [`/webjobs/${job.id}/data`, '.rows-body .row'],
      [`/webjobs/${job.id}/runs/${run.id}`, '.line'],
      ['/app-settings', '.rows-body code'],
      ['/web-hooks', '.items'],
    ]
  })

  /** What axe finds that keeps people from using the page. */
  async function findSerious(page: Page): Promise<string[]> {
    // The page's own policy lets no script in; the devtools do.
    await page.evaluate(await readFile(AXE, 'utf8'))
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
      return (await axe.run()).violations
    })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
      )
  }

  /** Brings out what a page shows only when somebody edits. */
  async function openEditors(page: Page, path: string): Promise<void> {
    if (path.endsWith('/properties')) {
      for (const title of ['Script', 'Environment', 'Schedule', 'Rules', 'Limits']) {
        await page.getByRole('region', { name: title, exact: true }).getByRole('button', { name: 'Change' }).click()
      }
      await page.getByLabel('A run that fails').selectOption('exponential')
    }
    if (path === '/app-settings') {
      await page.getByRole('button', { name: 'Add' }).click()
      await page.getByRole('combobox', { name: 'Name' }).fill('WEBJOBS_STOPPED')
      await page.getByText('Steers the server.').waitFor()
    }
    if (path === '/web-hooks') {
      await page.getByRole('button', { name: 'Add' }).click()
      await page.getByLabel('Address').waitFor()
    }
  }

  describe.each([
    ['light', 1280, 800],
    ['dark', 1280, 800],
    ['light', 360, 740],
    ['dark', 360, 740],
  ] as const)('in %s, %i wide', (colorScheme, width, height) => {
    test('axe finds nothing serious on any page, and none is wider than the window', async () => {
      const page = await portal.open('/sign-in', { colorScheme, viewport: { width, height } })
      await page.getByLabel('Token', { exact: true }).waitFor()
      expect(await findSerious(page)).toEqual([])
      await page.getByLabel('Token', { exact: true }).fill(portal.server.token)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.locator('main#main').waitFor()
      const found: string[] = []
      for (const [path, ready] of paths) {
        await page.goto(portal.server.url + path)
        await page.locator(ready).first().waitFor()
        if (path === '/webjobs/new') {
          await page.getByRole('radio', { name: 'Scheduled' }).click()
          await page.getByLabel('NCRONTAB').fill('0 70 * * * *')
          await page.locator('.fault').waitFor()
        }
        await openEditors(page, path)
        for (const each of await findSerious(page)) found.push(`${path}: ${each}`)
        const over = await page.evaluate(() => {
          const { document } = globalThis as unknown as {
            document: { documentElement: { scrollWidth: number; clientWidth: number } }
          }
          return document.documentElement.scrollWidth - document.documentElement.clientWidth
        })
        if (over > 0) found.push(`${path}: ${over} px wider than the window`)
      }
      expect(found).toEqual([])
    }, 90_000)
  })

  describe('by the keyboard alone', () => {
    test('somebody signs in, opens a job and runs it', async () => {
      const page = await portal.open('/webjobs')
      await page.getByLabel('Token', { exact: true }).waitFor()
      await page.keyboard.insertText(portal.server.token)
      await page.keyboard.press('Enter')
      await page.getByRole('link', { name: 'report', exact: true }).waitFor()
      const press = async (role: 'link' | 'button', name: string) => {
        const wanted = page.getByRole(role, { name, exact: true })
        await wanted.waitFor()
        for (let i = 0; i < 60; i++) {
          if (await wanted.evaluate((element) => element === element.ownerDocument.activeElement)) break
          await page.keyboard.press('Tab')
        }
        await page.keyboard.press('Enter')
      }
      await press('link', 'report')
      await press('button', 'Run')
      await page.getByRole('heading', { name: /^Run #\d+/ }).waitFor()
    })

    test('the first thing to reach is the way past the navigation', async () => {
      const page = await portal.open('/webjobs')
      await signIn(page, portal.server.token)
      await page.reload()
      await page.getByRole('link', { name: 'report', exact: true }).waitFor()
      await page.keyboard.press('Tab')
      const focused = page.locator(':focus')
      expect(await focused.innerText()).toBe('Skip to the page')
    })
  })
})
