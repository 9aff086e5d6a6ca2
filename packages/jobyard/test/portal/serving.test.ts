import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPortal, PORTAL_DIST } from '../../../../scripts/portal/build.ts'
import { startTestServer, type TestServer } from '../api/server.ts'

/** A class of Mantine's styles, by which its parts name them. */
const STYLE = /\bm_[0-9a-f]{6,8}\b/g

let server: TestServer

beforeAll(async () => {
  await buildPortal()
  server = await startTestServer({ settings: { pagesFolder: PORTAL_DIST } })
})
afterAll(() => server.stop())

const get = (url: string, headers: Record<string, string> = {}) => server.app.inject({ url, headers })

describe('the pages', () => {
  test.each([
    '/',
    '/sign-in',
    '/webjobs',
    '/webjobs/new',
    '/webjobs/some-id/runs/other-id',
    '/app-settings?collection=shop',
    '/web-hooks',
    '/azurejobs/',
  ])('are there at %s without a token, and never from a cache', async (path) => {
    const { statusCode, headers, body } = await get(path)
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    expect(body).toContain('<div id="portal">')
  })

  test('run scripts of this server alone, and only styles that bear the nonce of this very answer', async () => {
    const [first, second] = [await get('/'), await get('/')]
    const policy = String(first.headers['content-security-policy'])
    const nonce = /'nonce-([\w+/=]{22,})'/.exec(policy)?.[1] ?? ''
    expect(first.body).toContain(`<meta name="style-nonce" content="${nonce}"`)
    expect(second.body).not.toContain(nonce)
    expect(policy).toContain("default-src 'none'; script-src 'self'; ")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(first.body).not.toMatch(/<script(?![^>]* src=)/)
    expect(first.body).not.toContain('__STYLE_NONCE__')
  })

  test('leave every other address to the interface', async () => {
    for (const path of ['/v1/nothing', '/nothing', '/jobs', '/api/webjobs', '/assets', '/webjobsx']) {
      const { statusCode, headers } = await get(path, { accept: 'text/html' })
      expect([path, statusCode]).toEqual([path, 404])
      expect(headers['content-type']).toContain('application/problem+json')
    }
  })
})

describe('scripts and styles', () => {
  test('are kept by browsers for ever, and come packed', async () => {
    const script = (await readdir(join(PORTAL_DIST, 'assets'))).find((name) => /^base-.*\.js$/.test(name))
    const plain = await get(`/assets/${script}`)
    expect(plain.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    })
    expect(plain.headers['content-type']).toMatch(/^(text|application)\/javascript/)
    const packed = await get(`/assets/${script}`, { 'accept-encoding': 'gzip, br' })
    expect(packed.headers['content-encoding']).toBe('br')
    expect(brotliDecompressSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
    expect(packed.rawPayload.length * 3).toBeLessThan(plain.rawPayload.length)
  })

  test.each([
    '/assets/none.js',
    '/assets/../index.html',
    '/assets/..%2findex.html',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/',
    '/built-from',
  ])('outside of their folder are not to be had: %s', async (path) => {
    const { statusCode, body } = await get(path)
    expect([400, 403, 404]).toContain(statusCode)
    expect(body).not.toMatch(/portal"|devDependencies/)
  })

  test('of all pages together have less than 350 KB, packed', async () => {
    const folder = join(PORTAL_DIST, 'assets')
    const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
    const sizes = await Promise.all(
      names.map(async (name) => {
        const answer = await get(`/assets/${name}`, { 'accept-encoding': 'gzip' })
        return answer.rawPayload.length
      }),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(350 * 1024)
  })

  test('have the styles of all parts that they are made of', async () => {
    const folder = join(PORTAL_DIST, 'assets')
    const names = await readdir(folder)
    const classesOf = async (ending: string): Promise<Set<string>> => {
      const texts = await Promise.all(
        names.filter((name) => name.endsWith(ending)).map((name) => readFile(join(folder, name), 'utf8')),
      )
      return new Set(texts.join('').match(STYLE))
    }
    const whole = await readFile(
      createRequire(join(PORTAL_DIST, '..', 'package.json')).resolve('@mantine/core/styles.layer.css'),
      'utf8',
    )
    const styled = await classesOf('.css')
    const known = new Set(whole.match(STYLE))
    const missing = [...(await classesOf('.js'))].filter((name) => known.has(name) && !styled.has(name))
    expect(known.size).toBeGreaterThan(100)
    expect(missing).toEqual([])
  })
})
