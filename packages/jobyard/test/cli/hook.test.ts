import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startReceiver } from '../hooks/receiver.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer({ callsNetworks: 'loopback,public' })
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

  test('is tried at once, with an exit code that says whether the address took it', async () => {
    const receiver = await startReceiver()
    onTestFinished(() => receiver.stop())
    const url = `${receiver.url}/jobs`
    await run(['hook', 'add', url.replace('//', '//ada:wonder@')])
    const taken = await run(['hook', 'test', url])
    expect([taken.exit, taken.err, taken.out]).toEqual([0, '', `${url}: 200 OK\n`])
    const [call] = receiver.calls
    expect(call?.headers).toMatchObject({ 'x-jobyard-test': 'true', authorization: `Basic ${btoa('ada:wonder')}` })
    expect(JSON.parse(call?.body ?? '')).toMatchObject({ job_name: 'example', status: 'Success', duration: '00:00:01' })
    receiver.answer = (response) => void response.writeHead(410).end()
    const refused = await run(['hook', 'test', url, '--json'])
    expect(refused.exit).toBe(1)
    expect(JSON.parse(refused.out).last).toMatchObject({ status: 410, reason: 'Gone' })
    receiver.answer = (response) => void response.destroy()
    expect(await run(['hook', 'test', url])).toMatchObject({ exit: 1 })
    // A test takes nothing away.
    expect((await run(['hook', 'rm', url])).exit).toBe(0)
    expect((await run(['hook', 'test', url])).exit).toBe(4)
  })

  test('says what is wrong', async () => {
    expect((await run(['hook', 'rm', 'https://example.com/none'])).exit).toBe(4)
    const bad = await run(['hook', 'add', 'example.com'])
    expect([bad.exit, bad.err]).toEqual([2, expect.stringContaining('no whole URL')])
    expect((await run(['hook', 'add', 'http://169.254.169.254/'])).exit).toBe(3)
  })
})
