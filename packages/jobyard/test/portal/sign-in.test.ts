import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { layWire } from '../client/wire.ts'
import { faultsOf, NO_BROWSER, type Portal, signIn, usePortal } from './browser.ts'

let portal: Portal

describe.skipIf(NO_BROWSER)('in a browser', () => {
  usePortal((opened) => {
    portal = opened
  })

  const leave = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('button', { name }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Jobyard' }).waitFor()
  }

  describe('signing in', () => {
    test('with a wrong token says so in the words of the server, and lets nobody in', async () => {
      const page = await portal.open('/')
      await page.getByLabel('Token', { exact: true }).fill('jy_wrong')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('alert').filter({ hasText: 'The token is not known' }).waitFor()
      expect(page.url()).toContain('/sign-in')
    })

    test('leads to the page that was asked for, and holds when it is loaded anew', async () => {
      const page = await portal.open('/webjobs/new')
      await page.waitForURL('**/sign-in?next=*')
      await signIn(page, portal.server.token)
      await page.getByRole('heading', { name: 'Add a WebJob' }).waitFor()
      expect(new URL(page.url()).pathname).toBe('/webjobs/new')
      await page.reload()
      await page.getByRole('heading', { name: 'Add a WebJob' }).waitFor()
      expect(faultsOf(page)).toEqual([])
    })

    test('leads nowhere but to this server, whatever the address says', async () => {
      const page = await portal.open('/sign-in?next=//evil.example/x')
      await signIn(page, portal.server.token)
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      expect(page.url()).toBe(`${portal.server.url}/`)
    })

    test('leaves nothing that a script of the page could give away', async () => {
      const page = await portal.enter('/')
      const seen = await page.evaluate(() => {
        const world = globalThis as unknown as {
          document: { cookie: string }
          localStorage: object
          sessionStorage: object
        }
        return JSON.stringify([world.document.cookie, { ...world.localStorage }, { ...world.sessionStorage }])
      })
      expect(seen).not.toContain(portal.server.token)
      const [cookie] = await page.context().cookies()
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/', expires: -1 })
      expect(seen).not.toContain(cookie?.value)
    })

    test('to be remembered outlasts the browser', async () => {
      const page = await portal.open('/')
      await page.getByLabel('Stay signed in').check()
      await signIn(page, portal.server.token)
      const [cookie] = await page.context().cookies()
      expect(cookie?.expires).toBeGreaterThan(0)
    })
  })

  describe('signing out', () => {
    test('ends the session on the server', async () => {
      const page = await portal.enter('/webjobs')
      const [cookie] = await page.context().cookies()
      await leave(page, 'admin-given')
      const headers = { cookie: `${cookie?.name}=${cookie?.value}`, 'sec-fetch-site': 'same-origin' }
      expect((await fetch(`${portal.server.url}/v1/me`, { headers })).status).toBe(401)
      await page.goBack()
      await page.getByRole('heading', { name: 'Sign in to Jobyard' }).waitFor()
    })

    test('comes by itself when the token is revoked', async () => {
      const made = await portal.client.tokens.create({ name: 'soon-gone', role: 'viewer' })
      const page = await portal.open('/webjobs')
      await signIn(page, made.token)
      await portal.client.tokens.revoke(made.id)
      await page.getByRole('link', { name: 'Overview' }).click()
      await page.getByRole('heading', { name: 'Sign in to Jobyard' }).waitFor({ timeout: 15_000 })
    })
  })

  describe('a lost connection', () => {
    test('is told, and heals by itself with everything that was missed', async () => {
      const wire = await layWire(portal.server.url)
      const page = await portal.open('/')
      await page.goto(`${wire.url}/webjobs`)
      await signIn(page, portal.server.token)
      await page.getByText('Live', { exact: true }).waitFor()
      wire.refuse(Number.POSITIVE_INFINITY)
      wire.cut()
      await page.getByText('Connection lost').waitFor()
      await page.getByText('The server cannot be reached.').waitFor()
      await deployScript(portal.client, 'made-meanwhile', 'true')
      wire.refuse(0)
      await page.getByText('Live', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'made-meanwhile', exact: true }).waitFor()
      expect(await page.getByText('The server cannot be reached.').isVisible()).toBe(false)
      await page.close()
      await wire.close()
    }, 30_000)
  })
})
