import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer({ slot: 'staging' })
})
afterEach(async () => {
  await server.client.settings.replace({})
})
afterAll(() => server.stop())

const settings = (argv: readonly string[], more: Parameters<typeof command>[1] = {}) =>
  command(['settings', ...argv], { env: server.env, ...more })
const stored = async () =>
  (await server.client.settings.list()).map(({ name, value, secret, slot }) => [name, value, secret, slot])

describe('jobyard settings', () => {
  test('sets, lists and takes away', async () => {
    expect(await settings(['set', 'Region=eu', 'URL=http://x/?a=b', 'EMPTY='])).toMatchObject({
      exit: 0,
      out: 'Set Region, URL, EMPTY.\n',
    })
    expect(await stored()).toEqual([
      ['EMPTY', '', false, null],
      ['Region', 'eu', false, null],
      ['URL', 'http://x/?a=b', false, null],
    ])
    const { out } = await settings(['list'])
    expect(out).toMatch(/^NAME +VALUE +SLOT/)
    expect(out).toMatch(/^Region +eu +all/m)
    expect((await settings(['unset', 'region', 'EMPTY'])).out).toBe('Took region, EMPTY away.\n')
    expect(await stored()).toHaveLength(1)
    const missing = await settings(['unset', 'URL', 'NONE'])
    expect(missing).toMatchObject({ exit: 4, err: expect.stringContaining('no app setting NONE') })
    expect(await stored()).toHaveLength(1)
  })

  test('asks for a secret value, and never shows it', async () => {
    expect((await settings(['set', 'API_KEY', '--secret'], { input: 'hunter-22\n' })).exit).toBe(0)
    expect(await stored()).toEqual([['API_KEY', null, true, null]])
    const { out } = await settings(['list'])
    expect(out).toMatch(/^API_KEY +\(secret\)/m)
    expect((await settings(['list', '--json'])).out).not.toContain('hunter')
    expect((await settings(['set', 'API_KEY=hunter-33'])).exit).toBe(0)
    expect(await stored()).toEqual([['API_KEY', null, true, null]])
    expect((await settings(['set', 'A', 'B', '--secret'], { input: 'x\n' })).exit).toBe(2)
  })

  test("pins to the server's slot and back", async () => {
    await settings(['set', 'A=1', 'B=2', '--slot'])
    expect(await stored()).toEqual([
      ['A', '1', false, 'staging'],
      ['B', '2', false, 'staging'],
    ])
    await settings(['set', 'A', '--every-slot'])
    expect((await stored())[0]).toEqual(['A', '1', false, null])
    expect((await settings(['list'])).out).toMatch(/^B +2 +staging/m)
  })

  test('tells what is wrong with what was typed', async () => {
    expect(await settings(['set', 'A'])).toMatchObject({ exit: 2, err: expect.stringContaining('A has no value') })
    const nameless = await settings(['set', '=my-own-secret'])
    expect(nameless).toMatchObject({ exit: 2, err: expect.stringContaining('no name') })
    expect(nameless.err).not.toContain('my-own')
    expect((await settings(['set', 'A=1', '--secret', '--plain'])).exit).toBe(2)
    expect((await settings(['set'])).exit).toBe(2)
    const wrong = await settings(['set', 'WEBSITE_TIME_ZONE=Mars Standard Time'])
    expect(wrong).toMatchObject({ exit: 2, err: expect.stringContaining('time zone') })
    expect(await stored()).toEqual([])
  })
})
