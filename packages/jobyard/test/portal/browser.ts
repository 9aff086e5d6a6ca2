import { existsSync } from 'node:fs'
import type { Jobyard, Role } from '@jobyard/client'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { buildPortal } from '../../../../scripts/portal/build.ts'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'

/** Where Debian puts Chromium; another may be named. */
const CHROMIUM = process.env.JOBYARD_TEST_CHROMIUM ?? '/usr/bin/chromium'

/** True where there is no browser: the tests that need one are skipped then, and say so. */
export const NO_BROWSER = !existsSync(CHROMIUM)

/** So long a test waits for what is to be seen, in milliseconds. */
const PATIENCE_MS = 10_000

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A server with the built portal, and a browser to look at it. */
export interface Portal {
  readonly server: LiveServer
  readonly client: Jobyard
  /** A new token of a role. */
  token(role: Role): Promise<string>
  /** A page of a browser that knows nobody yet. */
  open(path?: string, options?: OpenOptions): Promise<Page>
  /** A page of a browser that was signed in, with the admin's token or that of a role. */
  enter(path?: string, role?: Role): Promise<Page>
  stop(): Promise<void>
}

/** How a browser differs from the usual one. */
export interface OpenOptions {
  readonly colorScheme?: 'light' | 'dark'
  readonly viewport?: { readonly width: number; readonly height: number }
}

/** Starts a server, with settings by their flags' names, and a browser. What goes wrong in a page's own scripts fails the test that asks for {@link faultsOf}. */
export async function openPortal(flags: Readonly<Record<string, string>> = {}): Promise<Portal> {
  await buildPortal()
  const server = await startLiveServer(flags)
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
  const contexts: BrowserContext[] = []
  const open = async (path = '/', options: OpenOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    contexts.push(context)
    context.setDefaultTimeout(PATIENCE_MS)
    const page = await context.newPage()
    watch(page)
    await page.goto(server.url + path)
    return page
  }
  const token = async (role: Role): Promise<string> => {
    const name = `${role}-${contexts.length}-${Math.random().toString(36).slice(2)}`
    return (await server.client.tokens.create({ name, role })).token
  }
  return {
    server,
    client: server.client,
    token,
    open,
    async enter(path = '/', role = 'admin') {
      const page = await open(path)
      await signIn(page, role === 'admin' ? server.token : await token(role))
      return page
    },
    async stop() {
      for (const context of contexts) await context.close()
      await browser.close()
      await server.stop()
    },
  }
}

/** As {@link openPortal}, for the tests of this group; `prepare` is called with it before the first. */
export function usePortal(
  prepare: (portal: Portal) => Promise<void> | void,
  flags: Readonly<Record<string, string>> = {},
): void {
  let portal: Portal | undefined
  beforeAll(async () => {
    portal = await openPortal(flags)
    await prepare(portal)
  })
  afterAll(() => portal?.stop())
}

/** Fills in the form that a page shows to whom it does not know. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token', { exact: true }).fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
}

const faults = new WeakMap<Page, string[]>()

/** What the page's scripts threw, and what the policy of the page kept them from. */
export function faultsOf(page: Page): readonly string[] {
  return faults.get(page) ?? []
}

function watch(page: Page): void {
  const seen: string[] = []
  faults.set(page, seen)
  page.on('pageerror', (error) => seen.push(error.message))
  page.on('console', (message) => {
    const text = message.text()
    // A refusal of the server is no fault of the page.
    if (message.type() === 'error' && !text.includes('the server responded with a status of')) seen.push(text)
  })
}
