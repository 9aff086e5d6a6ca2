import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

const run = (words: readonly string[]) => command(words, { env: server.env })

describe('hook', () => {
  test('adds an address, lists it without its password, and removes it', async () => {
    const added = await run(['hook', 'add', 'https://me:secret@example.com/jobs'])
    expect([added.exit, added.err]).toEqual([0, ''])
    expect(added.out).toBe('https://example.com/jobs is called for run-finished from now on.\n')
    const other = await run(['hook', 'add', 'https://example.com/deployed', '--event', 'deployed', '--json'])
    expect(JSON.parse(other.out)).toMatchObject({ event: 'deployed', insecure: false, last: null })
    const list = await run(['hook', 'list'])
    expect(list.out).toMatch(/run-finished +https:\/\/example.com\/jobs/)
    expect(list.out).not.toContain('secret')
    expect((await run(['hook', 'rm', 'https://example.com/jobs'])).exit).toBe(0)
    expect((await run(['hook', 'rm', JSON.parse(other.out).id])).exit).toBe(0)
    expect(JSON.parse((await run(['hook', 'list', '--json'])).out)).toEqual([])
  })

  test('says what is wrong', async () => {
    expect((await run(['hook', 'rm', 'https://example.com/none'])).exit).toBe(4)
    const bad = await run(['hook', 'add', 'example.com'])
    expect([bad.exit, bad.err]).toEqual([2, expect.stringContaining('no whole URL')])
    expect((await run(['hook', 'add', 'http://169.254.169.254/'])).exit).toBe(3)
  })
})
